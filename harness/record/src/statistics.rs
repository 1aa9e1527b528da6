mod chains;
mod change_points;
mod paired;
mod ratio;
mod signed_rank;
mod unpaired;
mod wilson;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use chains::{FamilyTest, test_chains};
pub use change_points::{ChangePoint, LEAST_VALUES, RankSums, Shift, change_points, could_be_found};
pub use paired::Paired;
pub use paired::student_quantile;
pub(crate) use paired::{root_mean_square, student_half};
pub use ratio::Ratio;
pub use unpaired::UnpairedRatio;
pub use wilson::{ShareInterval, wilson_interval};

/// The observations of one metric in one case, summarised. Units are the metric's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// Number of observations.
    pub count: u64,
    /// Smallest.
    pub minimum: f64,
    /// 10th percentile.
    pub p10: f64,
    /// The middle, which tables show.
    pub median: f64,
    /// 90th percentile.
    pub p90: f64,
    /// 99th percentile.
    pub p99: f64,
    /// Largest.
    pub maximum: f64,
    /// Arithmetic mean.
    pub mean: f64,
    /// Sample standard deviation (n - 1); absent for a single observation.
    pub standard_deviation: Option<f64>,
}

/// The part of a metric's summary that is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistic {
    /// The middle observation.
    Median,
    /// The value that a tenth of all observations exceed.
    P90,
    /// The value that a hundredth of all observations exceed.
    P99,
}

impl Statistic {
    /// From observations.
    pub fn of(self, summary: &Summary) -> f64 {
        match self {
            Self::Median => summary.median,
            Self::P90 => summary.p90,
            Self::P99 => summary.p99,
        }
    }
}

impl Summary {
    /// Summarises `observations`; `None` if there are none, or any is not finite.
    pub fn of(observations: &[f64]) -> Option<Summary> {
        if observations.is_empty() || observations.iter().any(|value| !value.is_finite()) {
            return None;
        }
        let mut sorted = observations.to_vec();
        sorted.sort_by(f64::total_cmp);
        let count = sorted.len();
        let mean = sorted.iter().sum::<f64>() / count as f64;
        let squares = sorted.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
        // The result may be infinite, although no observation is.
        if !(mean.is_finite() && squares.is_finite() && (sorted[count - 1] - sorted[0]).is_finite()) {
            return None;
        }
        Some(Summary {
            count: count as u64,
            minimum: sorted[0],
            p10: percentile(&sorted, 0.10),
            median: percentile(&sorted, 0.50),
            p90: percentile(&sorted, 0.90),
            p99: percentile(&sorted, 0.99),
            maximum: sorted[count - 1],
            mean,
            standard_deviation: (count > 1).then(|| (squares / (count - 1) as f64).sqrt()),
        })
    }

    /// Whether any observations can have it: one from a file may be anybody's.
    pub(crate) fn is_possible(&self) -> bool {
        let Self { count, minimum, p10, median, p90, p99, maximum, mean, standard_deviation } = *self;
        let slack = ROUNDING * minimum.abs().max(maximum.abs());
        let in_order = |values: &[f64]| values.windows(2).all(|pair| pair[0] <= pair[1] + slack);
        count > 0
            && [minimum, p10, median, p90, p99, maximum, mean].iter().all(|value| value.is_finite())
            && in_order(&[minimum, p10, median, p90, p99, maximum])
            && in_order(&[minimum, mean, maximum])
            && standard_deviation.is_none_or(|deviation| deviation.is_finite() && deviation >= 0.0)
    }
}

/// What rounding may add to a share of a summary's largest number.
const ROUNDING: f64 = 1e-9;

/// The `p`-quantile (`0.0..=1.0`) of ascending values by linear interpolation between the closest ranks (Hyndman and
/// Fan 1996, type 7: the default of numpy and R). NaN for no values.
pub fn percentile(sorted: &[f64], p: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let rank = p.clamp(0.0, 1.0) * last as f64;
    let below = rank.floor() as usize;
    let above = rank.ceil() as usize;
    sorted[below] + (sorted[above] - sorted[below]) * (rank - below as f64)
}

/// The interval that contains the median of the population with at least 95 % confidence, from ascending values: the order
/// statistics between which a binomial variable of n tosses of a coin falls (Hahn and Meeker, Statistical Intervals, 5.2).
/// It makes no assumption about the distribution. Returns `None` for fewer than 6 values.
pub fn median_interval(sorted: &[f64]) -> Option<(f64, f64)> {
    let count = sorted.len();
    // Probability that at most `below` of the values are below the median.
    // Computed in logarithms, because half to the power of 1100 underflows.
    let mut term = -(count as f64) * std::f64::consts::LN_2;
    let mut tail = 0.0;
    let mut below = 0;
    while below < count / 2 && tail + term.exp() <= 0.025 {
        tail += term.exp();
        term += ((count - below) as f64 / (below + 1) as f64).ln();
        below += 1;
    }
    let low = below.checked_sub(1)?;
    Some((sorted[low], sorted[count - 1 - low]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn percentiles_agree_with_numpy() {
        // numpy.percentile([1, 2, 4, 8, 16], [10, 50, 90, 99])
        let sorted = [1.0, 2.0, 4.0, 8.0, 16.0];
        for (p, expected) in [(0.10, 1.4), (0.50, 4.0), (0.90, 12.8), (0.99, 15.68)] {
            assert!((percentile(&sorted, p) - expected).abs() < 1e-12, "p{p}");
        }
        let summary = Summary::of(&sorted).unwrap();
        assert_eq!(summary.mean, 6.2);
        // numpy.std([1, 2, 4, 8, 16], ddof=1)
        assert!((summary.standard_deviation.unwrap() - 6.099180272790763).abs() < 1e-12);
    }

    #[test]
    fn nothing_is_summarised_as_nothing() {
        assert_eq!(Summary::of(&[]), None);
        assert_eq!(Summary::of(&[1.0, f64::NAN]), None);
        assert_eq!(Summary::of(&[f64::MAX, -f64::MAX]), None, "their distance is no number");
        assert_eq!(Summary::of(&[3.0]).unwrap().standard_deviation, None, "one observation has no spread");
    }

    #[test]
    fn the_interval_of_a_median_has_the_ranks_of_published_tables() {
        let ranks = |count: usize| {
            let values: Vec<f64> = (1..=count).map(|rank| rank as f64).collect();
            median_interval(&values)
        };
        assert_eq!(ranks(5), None);
        // Conover, Practical Nonparametric Statistics: n = 6, 10, 20, 30.
        assert_eq!(ranks(6), Some((1.0, 6.0)));
        assert_eq!(ranks(10), Some((2.0, 9.0)));
        assert_eq!(ranks(20), Some((6.0, 15.0)));
        assert_eq!(ranks(30), Some((10.0, 21.0)));
        // The normal approximation, n / 2 - 1.96 sqrt(n) / 2, is good for many.
        assert_eq!(ranks(10_000), Some((4902.0, 5099.0)));
    }

    proptest! {
        #[test]
        fn a_summary_is_ordered_and_ignores_order(mut values in prop::collection::vec(-1e9f64..1e9, 1..200)) {
            let summary = Summary::of(&values).unwrap();
            let ordered = [summary.minimum, summary.p10, summary.median, summary.p90, summary.p99, summary.maximum];
            prop_assert!(ordered.windows(2).all(|pair| pair[0] <= pair[1]));
            prop_assert!(summary.is_possible());
            for impossible in [
                Summary { median: summary.maximum + 2.0, ..summary },
                Summary { mean: summary.minimum - 2.0, ..summary },
                Summary { count: 0, ..summary },
            ] {
                prop_assert!(!impossible.is_possible(), "{:?}", impossible);
            }
            values.reverse();
            let reversed = Summary::of(&values).unwrap();
            prop_assert_eq!(reversed.median, summary.median);
            prop_assert!((reversed.mean - summary.mean).abs() <= 1e-6);
        }
    }
}

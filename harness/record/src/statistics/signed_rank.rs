//! Wilcoxon's signed-rank test and what follows from it: Hodges and Lehmann's estimate and Tukey's interval (Hollander, Wolfe and
//! Chicken, Nonparametric Statistical Methods, 3.1 to 3.3).

use std::sync::{Arc, Mutex, PoisonError};

/// The estimate: the median of the means of all pairs, each value with itself included. The values are ascending.
pub(super) fn centre(sorted: &[f64]) -> f64 {
    match means(sorted.len()) {
        0 => f64::NAN,
        even if even.is_multiple_of(2) => {
            f64::midpoint(mean_of_rank(sorted, even / 2 - 1), mean_of_rank(sorted, even / 2))
        }
        odd => mean_of_rank(sorted, odd / 2),
    }
}

/// The interval with at least this confidence, of ascending values; unbounded where there are too few of them for it.
pub(super) fn interval(sorted: &[f64], confidence: f64) -> (f64, f64) {
    let tail = (1.0 - confidence) / 2.0;
    let mut cumulative = 0.0;
    // So many of the means are left out at each end.
    let null = null_distribution(sorted.len());
    let outside = null.iter().take_while(|probability| {
        cumulative += **probability;
        cumulative <= tail
    });
    match outside.count().checked_sub(1) {
        Some(outside) => (mean_of_rank(sorted, outside), mean_of_rank(sorted, means(sorted.len()) - 1 - outside)),
        None => (f64::NEG_INFINITY, f64::INFINITY),
    }
}

/// Twice the probability that values around 0 or below would have such a sum of ranks above 0.
pub(super) fn p_above(values: &[f64]) -> f64 {
    // A value of exactly 0 speaks for neither side.
    let mut signed: Vec<f64> = values.iter().copied().filter(|value| *value != 0.0).collect();
    signed.sort_by(|left, right| left.abs().total_cmp(&right.abs()));
    let mut positive = 0.0;
    let mut first = 0;
    for group in signed.chunk_by(|left, right| left.abs() == right.abs()) {
        // Equal ones share the mean of their ranks.
        let rank = first as f64 + (group.len() + 1) as f64 / 2.0;
        positive += rank * group.iter().filter(|value| **value > 0.0).count() as f64;
        first += group.len();
    }
    let at_least = positive.floor() as usize;
    let tail: f64 = null_distribution(signed.len()).iter().skip(at_least).sum();
    (2.0 * tail).min(1.0)
}

/// Of each sum of positive ranks, from 0 to n (n + 1) / 2, its probability where every sign is a toss of a coin. The one that was asked
/// for last is kept: the contests of a table have mostly the same number of blocks.
fn null_distribution(count: usize) -> Arc<[f64]> {
    static LAST: Mutex<Option<(usize, Arc<[f64]>)>> = Mutex::new(None);
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((known, probabilities)) = &*last
        && *known == count
    {
        return Arc::clone(probabilities);
    }
    let mut probabilities = vec![0.0; means(count) + 1];
    probabilities[0] = 1.0;
    for rank in 1..=count {
        for sum in (0..=means(rank)).rev() {
            let with = sum.checked_sub(rank).map_or(0.0, |rest| probabilities[rest]);
            probabilities[sum] = f64::midpoint(probabilities[sum], with);
        }
    }
    let probabilities: Arc<[f64]> = probabilities.into();
    *last = Some((count, Arc::clone(&probabilities)));
    probabilities
}

/// The number of pairs of so many values, each value with itself included.
fn means(count: usize) -> usize {
    count * (count + 1) / 2
}

/// The mean at this rank, from 0, among the means of all pairs of ascending values. They are not listed, which would take room and time
/// for the square of the number of values: the rank is found by halving the range of floating-point numbers.
fn mean_of_rank(sorted: &[f64], rank: usize) -> f64 {
    let (Some(&first), Some(&last)) = (sorted.first(), sorted.last()) else { return f64::NAN };
    let (mut low, mut high) = (ordinal(first), ordinal(last));
    while low < high {
        let middle = low.saturating_add_unsigned(low.abs_diff(high) / 2);
        if means_up_to(sorted, from_ordinal(middle)) > rank { high = middle } else { low = middle + 1 }
    }
    from_ordinal(low)
}

/// How many of the means of all pairs are at most `limit`.
fn means_up_to(sorted: &[f64], limit: f64) -> usize {
    let mut end = sorted.len();
    let mut count = 0;
    for (index, &first) in sorted.iter().enumerate() {
        while end > index && f64::midpoint(first, sorted[end - 1]) > limit {
            end -= 1;
        }
        count += end.saturating_sub(index);
    }
    count
}

/// Finite numbers as whole numbers in the same order, one after the other.
fn ordinal(value: f64) -> i64 {
    let bits = value.to_bits().cast_signed();
    if bits < 0 { i64::MIN - bits } else { bits }
}

fn from_ordinal(ordinal: i64) -> f64 {
    let bits = if ordinal < 0 { i64::MIN - ordinal } else { ordinal };
    f64::from_bits(bits.cast_unsigned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_distribution_is_that_of_published_tables() {
        // Hollander and Wolfe, table A.4: P(W >= 21) = 1/64 for n = 6; P(W >= 47) = 0.024 for n = 10.
        let tail = |count: usize, from: usize| null_distribution(count)[from..].iter().sum::<f64>();
        assert!((tail(6, 21) - 1.0 / 64.0).abs() < 1e-15);
        assert!((tail(10, 47) - 0.024).abs() < 5e-4);
        assert!((null_distribution(40).iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn estimate_and_interval_agree_with_r() {
        // wilcox.test(x, conf.int = TRUE, conf.level = 0.95, exact = TRUE)
        let depression = [-0.147, -0.080, 0.010, 0.430, 0.490, 0.590, 0.620, 0.952, 1.022];
        assert!((centre(&depression) - 0.46).abs() < 1e-9, "{}", centre(&depression));
        let (low, high) = interval(&depression, 0.95);
        assert!((low - 0.010).abs() < 1e-9 && (high - 0.786).abs() < 1e-9, "{low} {high}");
        assert!((p_above(&depression) - 0.039_062_5).abs() < 1e-12, "{}", p_above(&depression));
    }

    #[test]
    fn few_values_are_sure_of_nothing() {
        assert_eq!(interval(&[1.0, 2.0, 3.0], 0.95), (f64::NEG_INFINITY, f64::INFINITY));
        assert_eq!(p_above(&[1.0, 2.0, 3.0]), 0.25);
        assert_eq!(p_above(&[0.0, 0.0]), 1.0, "no difference at all");
    }
    proptest! {
        #[test]
        fn ranks_are_those_of_the_list_of_all_means(
            mut values in prop::collection::vec(prop_oneof![-1e3..1e3_f64, Just(0.0), Just(0.5), -1e-300..1e-300_f64], 1..30),
        ) {
            values.sort_by(f64::total_cmp);
            let mut all: Vec<f64> = Vec::new();
            for (index, &first) in values.iter().enumerate() {
                all.extend(values[index..].iter().map(|&second| f64::midpoint(first, second)));
            }
            all.sort_by(f64::total_cmp);
            let found: Vec<f64> = (0..all.len()).map(|rank| mean_of_rank(&values, rank)).collect();
            prop_assert_eq!(found, all);
        }
    }
}

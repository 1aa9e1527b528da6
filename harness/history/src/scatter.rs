//! How much runs of the same thing scatter, from the runs of a history: what says whether two of them differ.

use pocketwatt_record::student_quantile;
use thiserror::Error;

/// Fewer runs say nothing about how much runs of the same thing scatter.
const LEAST_RUNS: usize = 8;
/// The distance between neighbours that belongs to a standard deviation of 1: the median of |N(0, 2)|.
const MEDIAN_DISTANCE: f64 = 0.953_872_552;
/// The same for the mean: 2 / sqrt(pi).
const MEAN_DISTANCE: f64 = std::f64::consts::FRAC_2_SQRT_PI;
/// A standard deviation from the median of the distances of neighbours is as uncertain as one from so many independent values for each
/// distance: by simulation, see METHODOLOGY.md.
const FREEDOM_OF_A_DISTANCE: f64 = 0.5;

/// The relative standard deviation of runs of the same thing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RunScatter {
    /// As a share of the value.
    pub relative: f64,
    /// How well it is known: degrees of freedom.
    pub freedom: f64,
}

/// Why it is not known how much runs scatter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NoScatter {
    /// There are too few.
    #[error("fewer than {LEAST_RUNS} runs")]
    FewRuns,
    /// Shares are of positive values.
    #[error("not every run has a value above 0")]
    NotPositive,
}

impl RunScatter {
    /// Half the interval of the logarithm of the ratio of two runs, if each is one; of a mean of `a` and one of `b`, it is times
    /// `sqrt((1 / a + 1 / b) / 2)`.
    pub fn half_of_a_ratio(&self, confidence: f64) -> f64 {
        student_quantile(self.freedom, f64::midpoint(1.0, confidence)) * self.relative * 2.0_f64.sqrt()
    }
}

/// How much the runs of a course scatter: from the median distance of neighbours, which neither changes nor drift nor single disturbed runs
/// move. Where most neighbours are equal, it is the mean distance.
///
/// # Errors
/// When there are fewer than 8 values, or one is not above 0.
pub fn run_scatter(values: &[f64]) -> Result<RunScatter, NoScatter> {
    if values.len() < LEAST_RUNS {
        return Err(NoScatter::FewRuns);
    }
    if values.iter().any(|value| *value <= 0.0 || !value.is_finite()) {
        return Err(NoScatter::NotPositive);
    }
    let mut distances: Vec<f64> = values.windows(2).map(|pair| (pair[1] / pair[0]).ln().abs()).collect();
    distances.sort_unstable_by(f64::total_cmp);
    let count = distances.len() as f64;
    let median = pocketwatt_record::percentile(&distances, 0.5);
    let relative =
        if median > 0.0 { median / MEDIAN_DISTANCE } else { distances.iter().sum::<f64>() / count / MEAN_DISTANCE };
    Ok(RunScatter { relative, freedom: count * FREEDOM_OF_A_DISTANCE })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers from a fixed seed.
    struct Numbers(u64);

    impl Numbers {
        /// From 0 to 1.
        fn share(&mut self) -> f64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((self.0 >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
        }

        fn below(&mut self, end: usize) -> usize {
            ((self.share() * end as f64) as usize).min(end - 1)
        }

        fn normal(&mut self) -> f64 {
            (-2.0 * self.share().ln()).sqrt() * (std::f64::consts::TAU * self.share()).cos()
        }
    }

    /// The share of pairs of runs of the same thing that are called different, and of those whose ratio is not in its 95 % interval.
    fn false_verdicts(runs: usize, scatter: f64, trials: usize) -> (f64, f64) {
        let (mut numbers, mut different, mut outside) = (Numbers(1), 0, 0);
        // The quantile is the same for all, and takes longer than the rest.
        let unit = RunScatter { relative: 1.0, freedom: (runs - 1) as f64 * FREEDOM_OF_A_DISTANCE };
        let [most, wide] = [0.999, 0.95].map(|confidence| unit.half_of_a_ratio(confidence));
        for _ in 0..trials {
            let values: Vec<f64> = (0..runs).map(|_| (scatter * numbers.normal()).exp()).collect();
            let one = numbers.below(runs);
            let other = (one + 1 + numbers.below(runs - 1)) % runs;
            let ratio = (values[one] / values[other]).ln().abs();
            let found = run_scatter(&values).unwrap();
            assert_eq!(found.freedom, unit.freedom);
            different += usize::from(ratio - most * found.relative > 0.01_f64.ln_1p());
            outside += usize::from(ratio > wide * found.relative);
        }
        (different as f64 / trials as f64, outside as f64 / trials as f64)
    }

    #[test]
    fn two_runs_of_the_same_thing_are_called_different_as_seldom_as_is_promised() {
        for runs in [8, 9, 10, 15, 30, 100] {
            for scatter in [0.0125, 0.03, 0.1] {
                let (different, outside) = false_verdicts(runs, scatter, 20_000);
                // 0.1 % and 5 %, and three standard deviations of what 20,000 trials say.
                assert!(different <= 0.00167, "{runs} runs that scatter by {scatter}: {different}");
                assert!(outside <= 0.0546, "{runs} runs that scatter by {scatter}: {outside}");
            }
        }
    }

    #[test]
    fn why_there_is_none_is_told() {
        assert_eq!(run_scatter(&[1.0; 7]).unwrap_err().to_string(), "fewer than 8 runs");
        let with_zero: Vec<f64> = (0..10).map(f64::from).collect();
        assert_eq!(run_scatter(&with_zero).unwrap_err().to_string(), "not every run has a value above 0");
        assert_eq!(run_scatter(&[5.0; 8]).unwrap().relative, 0.0);
        // Most neighbours are equal, and some are not.
        let mut levels = [1.0; 20];
        levels[7..10].fill(1.05);
        assert!(run_scatter(&levels).unwrap().relative > 0.004);
    }
}

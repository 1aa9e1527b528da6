//! Two things that were measured at different times: how far apart they are, and how sure that is.

use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

/// Beyond so many degrees of freedom, Student's distribution is the normal one.
const MANY_DEGREES: f64 = 1e5;

/// The ratio of a metric in two cases that have no blocks in common: the difference of the mean logarithms of their values, with
/// Welch's approximation of its distribution (Welch 1947, Satterthwaite 1946).
///
/// The values of one process or run say how much it varies by itself, and nothing about how much the next run differs. So the
/// interval is too narrow until [`Self::between_runs`] adds that.
#[derive(Clone, Debug, PartialEq)]
pub struct UnpairedRatio {
    difference: f64,
    /// Independent parts of the variance of the difference, each with its degrees of freedom.
    parts: Vec<(f64, f64)>,
}

impl UnpairedRatio {
    /// Of the candidate to the baseline. `None` for fewer than two values on a side, and where one is not positive.
    pub fn of(baseline: &[f64], candidate: &[f64]) -> Option<Self> {
        let (baseline, candidate) = (mean_logarithm(baseline)?, mean_logarithm(candidate)?);
        let parts = vec![(baseline.variance, baseline.degrees), (candidate.variance, candidate.degrees)];
        Some(Self { difference: candidate.mean - baseline.mean, parts })
    }

    /// The same with a further standard uncertainty of the ratio, relative to it: that of a meter.
    #[must_use]
    pub fn with_uncertainty(mut self, relative: f64) -> Self {
        self.parts.push((relative.powi(2), f64::INFINITY));
        self
    }

    /// The same with the standard deviation of the log ratio of two runs of identical things, as found in so many pairs of runs.
    #[must_use]
    pub fn between_runs(mut self, deviation: f64, pairs: u32) -> Self {
        self.parts.push((deviation.powi(2), f64::from(pairs.saturating_sub(1).max(1))));
        self
    }

    /// The ratio.
    pub fn value(&self) -> f64 {
        self.difference.exp()
    }

    /// The interval that contains the true ratio with this confidence.
    pub fn interval(&self, confidence: f64) -> (f64, f64) {
        let half = self.half_width(confidence);
        ((self.difference - half).exp(), (self.difference + half).exp())
    }

    /// Half the width of the interval, as a share of the ratio.
    pub fn half_width(&self, confidence: f64) -> f64 {
        let error = self.standard_error();
        if error <= 0.0 { 0.0 } else { self.quantile(f64::midpoint(1.0, confidence)) * error }
    }

    /// Standard error of the natural logarithm of the ratio.
    pub fn standard_error(&self) -> f64 {
        self.variance().sqrt()
    }

    /// The p-value of "the true ratio is within a margin of 1", a margin of 0.01 being 1 % either way.
    pub fn p_beyond(&self, margin: f64) -> f64 {
        let distance = self.difference.abs() - margin.ln_1p();
        let error = self.standard_error();
        match (distance > 0.0, error > 0.0) {
            (false, _) => 1.0,
            // Neither varies at all.
            (true, false) => 0.0,
            (true, true) => (2.0 * (1.0 - self.cumulative(distance / error))).clamp(0.0, 1.0),
        }
    }

    fn variance(&self) -> f64 {
        self.parts.iter().map(|(variance, _)| variance).sum()
    }

    fn degrees(&self) -> f64 {
        let spread: f64 = self.parts.iter().map(|(variance, degrees)| variance.powi(2) / degrees).sum();
        self.variance().powi(2) / spread
    }

    fn student(&self) -> Option<StudentsT> {
        let degrees = self.degrees();
        (degrees < MANY_DEGREES).then(|| StudentsT::new(0.0, 1.0, degrees).ok()).flatten()
    }

    fn quantile(&self, probability: f64) -> f64 {
        let normal = || Normal::new(0.0, 1.0).map_or(f64::INFINITY, |normal| normal.inverse_cdf(probability));
        self.student().map_or_else(normal, |student| student.inverse_cdf(probability))
    }

    fn cumulative(&self, value: f64) -> f64 {
        let normal = || Normal::new(0.0, 1.0).map_or(0.5, |normal| normal.cdf(value));
        self.student().map_or_else(normal, |student| student.cdf(value))
    }
}

struct MeanLogarithm {
    mean: f64,
    /// Of the mean.
    variance: f64,
    degrees: f64,
}

fn mean_logarithm(values: &[f64]) -> Option<MeanLogarithm> {
    if values.len() < 2 || !values.iter().all(|value| value.is_finite() && *value > 0.0) {
        return None;
    }
    let count = values.len() as f64;
    let constant = values.iter().all(|value| *value == values[0]);
    let logarithms: Vec<f64> = values.iter().map(|value| value.ln()).collect();
    let mean = logarithms.iter().sum::<f64>() / count;
    let squares: f64 = logarithms.iter().map(|value| (value - mean).powi(2)).sum();
    // The mean of equal numbers is off by a rounding error, which is no spread.
    let (mean, squares) = if constant { (logarithms[0], 0.0) } else { (mean, squares) };
    Some(MeanLogarithm { mean, variance: squares / (count - 1.0) / count, degrees: count - 1.0 })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BASELINE: [f64; 5] = [100.0, 102.0, 98.0, 101.0, 99.0];
    const CANDIDATE: [f64; 4] = [110.0, 104.0, 108.0, 112.0];

    #[test]
    fn it_agrees_with_welch() {
        let ratio = UnpairedRatio::of(&BASELINE, &CANDIDATE).unwrap();
        // t.test(log(candidate), log(baseline)), integrated numerically with other code: t(4.19) = 4.687, p = 0.0083976.
        assert!((ratio.value() - 1.084_701_9).abs() < 1e-6, "{}", ratio.value());
        assert!((ratio.degrees() - 4.190_04).abs() < 1e-4, "{}", ratio.degrees());
        let (low, high) = ratio.interval(0.95);
        assert!((low - 1.034_571).abs() < 1e-5 && (high - 1.137_262).abs() < 1e-5, "{low} {high}");
        assert!((ratio.p_beyond(0.0) - 0.008_397_6).abs() < 1e-6, "{}", ratio.p_beyond(0.0));
        assert_eq!(ratio.p_beyond(0.2), 1.0, "within the margin");
    }

    #[test]
    fn the_noise_between_runs_widens_the_interval_more_the_fewer_pairs_it_comes_from() {
        let alone = UnpairedRatio::of(&BASELINE, &CANDIDATE).unwrap();
        let width = |deviation: f64, pairs: u32| alone.clone().between_runs(deviation, pairs).half_width(0.99);
        assert!(width(0.05, 30) > alone.half_width(0.99));
        assert!(width(0.05, 3) > 1.3 * width(0.05, 30));
        assert!(alone.clone().between_runs(0.05, 30).p_beyond(0.01) > 0.1, "8 % between runs that differ by 5 %");
    }

    #[test]
    fn what_never_varies_is_no_matter_of_chance() {
        let exact = UnpairedRatio::of(&[0.1; 3], &[0.2; 7]).unwrap();
        assert_eq!((exact.p_beyond(0.01), exact.half_width(0.95)), (0.0, 0.0));
        assert_eq!(UnpairedRatio::of(&[0.1; 3], &[0.1; 7]).unwrap().p_beyond(0.01), 1.0);
        assert_eq!(UnpairedRatio::of(&[1.0], &[1.0, 2.0]), None);
        assert_eq!(UnpairedRatio::of(&[1.0, 0.0], &[1.0, 2.0]), None);
    }

    proptest! {
        #[test]
        fn exchanging_the_cases_turns_the_ratio_round(
            left in prop::collection::vec(1e-3..1e6_f64, 2..10), right in prop::collection::vec(1e-3..1e6_f64, 2..10),
        ) {
            let one = UnpairedRatio::of(&left, &right).unwrap().between_runs(0.1, 5);
            let other = UnpairedRatio::of(&right, &left).unwrap().between_runs(0.1, 5);
            prop_assert!((one.value() * other.value() - 1.0).abs() < 1e-9);
            prop_assert!((one.p_beyond(0.01) - other.p_beyond(0.01)).abs() < 1e-9);
            let ((low, _), (_, high)) = (one.interval(0.95), other.interval(0.95));
            prop_assert!((low * high - 1.0).abs() < 1e-6 || low == 0.0);
        }
    }
}

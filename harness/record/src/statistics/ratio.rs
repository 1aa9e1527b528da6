//! How many times as large a metric is in one case as in another.

use super::Paired;

/// The ratio of a metric in two cases, over the blocks in which both were measured. Its logarithm is what is averaged and tested: a
/// disturbance makes a block slower by a factor.
#[derive(Clone, Debug, PartialEq)]
pub struct Ratio {
    logarithms: Paired,
    /// Neither case varies at all, so that nothing is left to chance: a size that the engine always allocates.
    exact: bool,
}

impl Ratio {
    /// Of `(baseline, candidate)` in each block. `None` for fewer than two blocks, and where a number is not positive.
    pub fn of(blocks: &[(f64, f64)]) -> Option<Self> {
        let positive = |value: f64| value.is_finite() && value > 0.0;
        if !blocks.iter().all(|(baseline, candidate)| positive(*baseline) && positive(*candidate)) {
            return None;
        }
        let logarithms: Vec<f64> = blocks.iter().map(|(baseline, candidate)| (candidate / baseline).ln()).collect();
        let exact = blocks.windows(2).all(|pair| pair[0] == pair[1]);
        Some(Self { logarithms: Paired::new(&logarithms)?, exact })
    }

    /// The same with a further standard uncertainty of the ratio, relative to it: that of a meter.
    #[must_use]
    pub fn with_uncertainty(mut self, relative: f64) -> Self {
        self.logarithms = self.logarithms.with_uncertainty(relative);
        self.exact &= relative <= 0.0;
        self
    }

    /// The ratio.
    pub fn value(&self) -> f64 {
        self.logarithms.difference().exp()
    }

    /// The interval that contains the true ratio with this confidence.
    pub fn interval(&self, confidence: f64) -> (f64, f64) {
        let (low, high) = self.logarithms.interval(confidence);
        (low.exp(), high.exp())
    }

    /// The p-value of "the true ratio is within a margin of 1", a margin of 0.01 being 1 % either way.
    pub fn p_beyond(&self, margin: f64) -> f64 {
        let beyond = self.logarithms.difference().abs() > margin.ln_1p();
        match (self.exact, beyond) {
            (true, true) => 0.0,
            (true, false) => 1.0,
            (false, _) => self.logarithms.p_beyond(margin.ln_1p()),
        }
    }

    /// Number of blocks.
    pub fn blocks(&self) -> usize {
        self.logarithms.blocks()
    }

    /// Standard deviation of the natural logarithm of a block's ratio.
    pub fn deviation(&self) -> f64 {
        self.logarithms.deviation()
    }

    /// Half the width of the interval, as a share of the ratio.
    pub fn half_width(&self, confidence: f64) -> f64 {
        let (low, high) = self.logarithms.interval(confidence);
        (high - low) / 2.0
    }

    /// Half the width that the interval would have in so many blocks, were they to scatter as these do.
    pub fn half_width_in(&self, blocks: usize, confidence: f64) -> f64 {
        self.logarithms.half_width_in(blocks, confidence)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_ratio_has_the_interval_of_student_in_few_blocks_and_of_ranks_in_many() {
        let few: Vec<(f64, f64)> = [1.02, 1.05, 1.08].iter().map(|ratio| (100.0, 100.0 * ratio)).collect();
        let few = Ratio::of(&few).unwrap();
        // t.test(log(c(1.02, 1.05, 1.08)))
        assert!((few.value() - 1.049_714_1).abs() < 1e-6, "{}", few.value());
        let (low, high) = few.interval(0.95);
        assert!((low - 0.977_772).abs() < 1e-6 && (high - 1.126_950).abs() < 1e-6, "{low} {high}");
        let many: Vec<(f64, f64)> = (0..15).map(|block| (1.0, 1.05 + f64::from(block) * 1e-4)).collect();
        let many = Ratio::of(&many).unwrap();
        assert!((many.p_beyond(0.0) - 2.0 / 32768.0).abs() < 1e-12, "all of 15 blocks have one sign");
        assert_eq!(many.p_beyond(0.06), 1.0);
    }

    #[test]
    fn what_never_varies_is_no_matter_of_chance() {
        let exact = Ratio::of(&[(1000.0, 1500.0); 3]).unwrap();
        assert_eq!((exact.p_beyond(0.01), exact.interval(0.95)), (0.0, (1.5_f64.ln().exp(), 1.5_f64.ln().exp())));
        assert_eq!(Ratio::of(&[(1000.0, 1000.0); 3]).unwrap().p_beyond(0.01), 1.0);
        let with_meter = Ratio::of(&[(1000.0, 1500.0); 3]).unwrap().with_uncertainty(0.5);
        assert!(with_meter.p_beyond(0.01) > 0.01 && with_meter.interval(0.95).0 < 1.0);
    }

    #[test]
    fn what_has_no_logarithm_has_no_ratio() {
        assert_eq!(Ratio::of(&[(1.0, 2.0)]), None, "one block");
        assert_eq!(Ratio::of(&[(1.0, 2.0), (0.0, 1.0)]), None);
        assert_eq!(Ratio::of(&[(1.0, 2.0), (1.0, f64::INFINITY)]), None);
    }

    proptest! {
        /// Faster one way is slower the other way, by as much.
        #[test]
        fn exchanging_the_cases_turns_the_ratio_round(blocks in prop::collection::vec((1e-3..1e6_f64, 1e-3..1e6_f64), 2..30)) {
            let turned: Vec<(f64, f64)> = blocks.iter().map(|(left, right)| (*right, *left)).collect();
            let (one, other) = (Ratio::of(&blocks).unwrap(), Ratio::of(&turned).unwrap());
            prop_assert!((one.value() * other.value() - 1.0).abs() < 1e-9);
            prop_assert!((one.p_beyond(0.01) - other.p_beyond(0.01)).abs() < 1e-9);
            let ((low, _), (_, high)) = (one.interval(0.95), other.interval(0.95));
            prop_assert!((low * high - 1.0).abs() < 1e-6 || low == 0.0);
        }
    }
}

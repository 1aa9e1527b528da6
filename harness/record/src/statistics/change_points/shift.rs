//! By how much the later values of a change differ from the earlier ones.

use super::{course::median, rank_sum::RankSums};

/// The ratio of later values to earlier ones.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shift {
    /// The median of the ratios of all pairs of a later and an earlier value (Hodges and Lehmann 1963).
    pub ratio: f64,
    /// The ends of its interval of at least 95 %, which belongs to the test of rank sums: that so few values have.
    pub range: Option<(f64, f64)>,
}

impl Shift {
    /// `None` where there are no values on a side, or one is not above 0.
    pub fn between(earlier: &[f64], later: &[f64], sums: &mut RankSums) -> Option<Self> {
        let is_ratio = |values: &[f64]| !values.is_empty() && values.iter().all(|value| *value > 0.0);
        if !is_ratio(earlier) || !is_ratio(later) {
            return None;
        }
        let mut ratios: Vec<f64> =
            later.iter().flat_map(|later| earlier.iter().map(move |earlier| later / earlier)).collect();
        ratios.sort_unstable_by(f64::total_cmp);
        let outside = sums.outside(earlier.len(), later.len());
        let range = outside.and_then(|outside| Some((*ratios.get(outside)?, *ratios.get(ratios.len() - 1 - outside)?)));
        Some(Self { ratio: median(&ratios), range }).filter(|shift| shift.ratio.is_finite())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_has_the_interval_of_its_test() {
        let earlier: Vec<f64> = (0..10).map(|place| 100.0 + f64::from(place)).collect();
        let later: Vec<f64> = earlier.iter().map(|value| value * 1.05).collect();
        let shift = Shift::between(&earlier, &later, &mut RankSums::default()).unwrap();
        let (low, high) = shift.range.unwrap();
        assert!((shift.ratio - 1.05).abs() < 1e-9 && low < 1.05 && high > 1.05 && low > 1.0, "{shift:?}");
        assert_eq!(Shift::between(&earlier, &[110.0], &mut RankSums::default()).unwrap().range, None);
        assert_eq!(Shift::between(&[0.0], &[1.0], &mut RankSums::default()), None);
        assert_eq!(Shift::between(&[], &[1.0], &mut RankSums::default()), None);
    }
}

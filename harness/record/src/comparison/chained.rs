//! A family of tests, in chains of metrics that say nearly the same.

use std::collections::BTreeMap;

use crate::{
    MetricId,
    comparison::verdict::FAMILY_LEVEL,
    statistics::{FamilyTest, test_chains},
};

/// A metric of a pair, to be tested.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chained<P> {
    /// Which pair.
    pub pair: P,
    pub metric: MetricId,
    /// Not adjusted.
    pub p_value: f64,
}

/// What a family makes of its tests, in their order. Each pair has chains of its own; where a metric is not tested, those that follow it
/// take its place.
pub(super) fn test_family<P: Copy + Ord>(tests: &[Chained<P>]) -> Vec<FamilyTest> {
    let mut chains: BTreeMap<(P, &str), Vec<usize>> = BTreeMap::new();
    for (position, test) in tests.iter().enumerate() {
        chains.entry((test.pair, test.metric.chain().0.name())).or_default().push(position);
    }
    let mut chains: Vec<Vec<usize>> = chains.into_values().collect();
    chains.iter_mut().for_each(|chain| chain.sort_by_key(|position| tests[*position].metric.chain().1));
    let p_values: Vec<Vec<f64>> =
        chains.iter().map(|chain| chain.iter().map(|position| tests[*position].p_value).collect()).collect();
    let found = test_chains(&p_values, FAMILY_LEVEL);
    let mut found: Vec<(usize, FamilyTest)> = chains.into_iter().flatten().zip(found.into_iter().flatten()).collect();
    found.sort_by_key(|(position, _)| *position);
    found.into_iter().map(|(_, test)| test).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SpeedMetric::{DecodeThroughput, InterTokenLatency, KvCacheMemory, LoadTime, PeakResidentMemory};

    #[test]
    fn each_pair_has_its_chains_and_a_follower_takes_the_place_of_what_is_not_tested() {
        let test =
            |pair: u32, metric: crate::SpeedMetric, p_value: f64| Chained { pair, metric: metric.into(), p_value };
        let tests = [
            test(1, InterTokenLatency, 0.9),
            test(1, DecodeThroughput, 0.9),
            test(2, KvCacheMemory, 0.001),
            test(2, PeakResidentMemory, 0.0001),
            test(2, InterTokenLatency, 0.001),
            test(1, LoadTime, 0.9),
        ];
        let found = test_family(&tests);
        let weights: Vec<f64> = found.iter().map(|test| test.weight).collect();
        // Of four chains, the two of the second pair are decided, one after the other; the other two have a half each.
        let expected = [0.1 / 2.0, 0.9 / 2.0, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 2.0];
        assert!(weights.iter().zip(expected).all(|(one, other)| (one - other).abs() < 1e-12), "{weights:?}");
        let decided: Vec<bool> = found.iter().map(|test| test.p_value <= FAMILY_LEVEL).collect();
        assert_eq!(decided, [false, false, true, true, true, false]);
    }
}

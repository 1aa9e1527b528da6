//! Clusters of cores, from what a phone's shell prints of the files of each core. See [`pocketwatt_meter::clusters_of`] for what a
//! cluster is. A Samsung S24+ lowers the limits to 1.8 GHz while it reports a thermal status of 0: the status alone is not believed.

use std::collections::BTreeMap;

pub use pocketwatt_meter::CoreCluster as Cluster;
use pocketwatt_meter::clusters_of;

use crate::Unread;

/// More cores than this belong to no phone.
const MOST_CORES: usize = 64;

/// Reads lines `cpu0 2016000`: a number for each core. Other lines, such as messages, are ignored, and so is 0.
pub fn values_of_cores(text: &str) -> BTreeMap<u32, u32> {
    let line = |line: &str| {
        let (core, value) = line.trim().strip_prefix("cpu")?.split_once(' ')?;
        Some((core.parse().ok()?, value.trim().parse().ok().filter(|value| *value > 0)?))
    };
    text.lines().filter_map(line).take(MOST_CORES).collect()
}

/// Groups cores by speed, slowest first. The numbers are a capacity, and the highest and the allowed frequency in kilohertz.
///
/// # Errors
/// When neither capacity nor frequency is known for all cores that are known at all.
pub fn clusters(
    capacities: &BTreeMap<u32, u32>,
    highest: &BTreeMap<u32, u32>,
    allowed: &BTreeMap<u32, u32>,
) -> Result<Vec<Cluster>, Unread> {
    clusters_of(capacities, highest, allowed).ok_or(Unread::Missing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{capture, section};

    fn of_frequencies(text: &str) -> Vec<(Vec<u32>, u64)> {
        let found = clusters(&BTreeMap::new(), &values_of_cores(text), &BTreeMap::new()).unwrap();
        found.into_iter().map(|cluster| (cluster.cores, cluster.max_hz.unwrap())).collect()
    }

    #[test]
    fn phones_have_clusters_of_any_size_from_any_core() {
        let text = capture("samsung-s23-SM-S9110-android16/device.txt");
        assert_eq!(
            of_frequencies(section(&text, "cpu")),
            [(vec![0, 1, 2], 2_016_000_000), (vec![3, 4, 5, 6], 2_803_200_000), (vec![7], 3_360_000_000)]
        );
        let text = capture("google-pixel11pro-android17/device.txt");
        assert_eq!(
            of_frequencies(section(&text, "cpu")),
            [(vec![0, 1], 2_649_000_000), (vec![2, 3, 4, 5], 3_379_000_000), (vec![6], 4_109_000_000)]
        );
    }

    #[test]
    fn limits_of_a_throttled_phone_are_read_beside_what_the_hardware_can_do() {
        // One line for each policy: its first core, the limit now and the highest frequency, in kilohertz.
        let text = capture("samsung-s24plus/heat_reading.txt");
        let column = |index: usize| -> BTreeMap<u32, u32> {
            let policies = text.lines().filter_map(|line| line.strip_prefix("cores=policy"));
            let numbers =
                policies.map(|line| line.split(',').map(|number| number.parse().unwrap()).collect::<Vec<u32>>());
            numbers.map(|numbers| (numbers[0], numbers[index])).collect()
        };
        let found = clusters(&BTreeMap::new(), &column(2), &column(1)).unwrap();
        let shown: Vec<_> = found.iter().map(|cluster| (cluster.limit_hz.unwrap(), cluster.max_hz.unwrap())).collect();
        assert_eq!(shown[0], (1_632_000_000, 1_959_000_000));
        assert_eq!(shown[3], (1_824_000_000, 3_207_000_000));
    }

    #[test]
    fn the_capacity_decides_and_what_only_some_cores_tell_does_not() {
        let values = |text| values_of_cores(text);
        let frequencies = values("cpu0 2000000\ncpu1 2000000\ncpu2 2000000\n");
        let capacities = values("cpu0 300\ncpu1 300\ncpu2 1024\ncat: cpu3: Permission denied\n");
        let found = clusters(&capacities, &frequencies, &BTreeMap::new()).unwrap();
        assert_eq!(found.iter().map(|cluster| cluster.cores.clone()).collect::<Vec<_>>(), [vec![0, 1], vec![2]]);
        assert_eq!((found[1].capacity, found[1].limit_hz), (Some(1024), None));
        let some = values("cpu2 1024\n");
        assert_eq!(clusters(&some, &frequencies, &BTreeMap::new()).unwrap().len(), 1, "frequencies cover all");
        assert_eq!(clusters(&values("cpu7 9"), &values("cpu1 9"), &BTreeMap::new()), Err(Unread::Missing));
        assert_eq!(clusters(&BTreeMap::new(), &BTreeMap::new(), &frequencies), Err(Unread::Missing));
        assert_eq!(values("cpu0 0\ncpu1 -5\ncpu-1 5\ncpu4294967296 5\ncpufreq 7\n cpu2 8\r\n"), [(2, 8)].into());
    }
}

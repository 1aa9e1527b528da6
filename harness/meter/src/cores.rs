//! Cores by their numbers, and clusters of them: cores of one speed.
//!
//! A core's speed is its `cpu_capacity` where that can be read, else its highest frequency (`cpufreq/cpuinfo_max_freq`). Clusters are
//! neither always 4 + 4 nor does a big one begin at core 4: a Samsung S23 has 3 + 4 + 1, a Pixel 11 Pro 2 + 4 + 1. Some phones let
//! their shell read neither: then nothing is assumed.
//!
//! `cpufreq/scaling_max_freq` is the limit now.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::atomic::{AtomicU64, Ordering},
};

use crate::{
    CoreCluster, SystemRoot,
    context::{frequency_folders, hertz},
    surroundings::{allowed_list, ranges},
};

const CORES: &str = "sys/devices/system/cpu";

/// Numbers of cores, in order, written as the kernel does: `0-3,6`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CoreList(BTreeSet<u32>);

impl CoreList {
    /// Reads a list such as `4-7` or `0,4`; `None` if it is none.
    pub fn parse(list: &str) -> Option<Self> {
        Some(Self(ranges(list)?.into_iter().flatten().collect()))
    }

    /// Their numbers.
    pub fn numbers(&self) -> impl Iterator<Item = u32> {
        self.0.iter().copied()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it has that core.
    pub fn contains(&self, core: u32) -> bool {
        self.0.contains(&core)
    }

    /// Those that both have.
    pub fn common(&self, other: &Self) -> Self {
        Self(&self.0 & &other.0)
    }

    /// The first that the other one lacks.
    pub fn first_outside(&self, other: &Self) -> Option<u32> {
        self.0.difference(&other.0).next().copied()
    }

    /// The cores that the device has, also those that are switched off; `None` where the kernel does not say.
    pub fn present(root: &SystemRoot) -> Option<Self> {
        Self::parse(&root.text(format!("{CORES}/present"))?)
    }

    /// The cores that are switched on; `None` where the kernel does not say.
    pub fn online(root: &SystemRoot) -> Option<Self> {
        Self::parse(&root.text(format!("{CORES}/online"))?)
    }

    /// The cores on which this process may run; `None` where the kernel does not say.
    pub fn allowed(root: &SystemRoot) -> Option<Self> {
        Self::parse(&allowed_list(root)?)
    }
}

/// Odd while the affinity of this process' first thread is lent.
static LENT: AtomicU64 = AtomicU64::new(0);

/// While this lives, the affinity of this process' first thread is not its own, but that of a program that it starts: it is no limit that
/// the device sets. One at a time.
#[derive(Debug)]
pub struct LentAffinity(());

impl LentAffinity {
    /// From now on.
    pub fn begin() -> Self {
        LENT.fetch_add(1, Ordering::SeqCst);
        Self(())
    }

    /// Reads something that depends on the affinity; `None` if it was lent meanwhile.
    pub(crate) fn unless_lent<T>(read: impl FnOnce() -> T) -> Option<T> {
        let before = LENT.load(Ordering::SeqCst);
        let found = read();
        (before.is_multiple_of(2) && LENT.load(Ordering::SeqCst) == before).then_some(found)
    }
}

impl Drop for LentAffinity {
    fn drop(&mut self) {
        LENT.fetch_add(1, Ordering::SeqCst);
    }
}

impl FromIterator<u32> for CoreList {
    fn from_iter<I: IntoIterator<Item = u32>>(cores: I) -> Self {
        Self(cores.into_iter().collect())
    }
}

impl fmt::Display for CoreList {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut runs: Vec<(u32, u32)> = Vec::new();
        for core in self.numbers() {
            match runs.last_mut() {
                Some((_, last)) if last.checked_add(1) == Some(core) => *last = core,
                _ => runs.push((core, core)),
            }
        }
        let run = |(first, last): &(u32, u32)| {
            if first == last { first.to_string() } else { format!("{first}-{last}") }
        };
        formatter.write_str(&runs.iter().map(run).collect::<Vec<_>>().join(","))
    }
}

/// Groups cores by speed, slowest first. The numbers are a capacity, and the highest and the allowed frequency in kilohertz. `None`
/// where neither capacity nor frequency is known for all cores that are known at all.
pub fn clusters_of(
    capacities: &BTreeMap<u32, u32>,
    highest: &BTreeMap<u32, u32>,
    allowed: &BTreeMap<u32, u32>,
) -> Option<Vec<CoreCluster>> {
    let cores: Vec<u32> = capacities.keys().chain(highest.keys()).copied().collect();
    let covers = |values: &BTreeMap<u32, u32>| !cores.is_empty() && cores.iter().all(|core| values.contains_key(core));
    let speeds = [capacities, highest].into_iter().find(|values| covers(values))?;
    let mut groups: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for (core, speed) in speeds {
        groups.entry(*speed).or_default().push(*core);
    }
    let cluster = |cores: Vec<u32>| {
        let of = |values: &BTreeMap<u32, u32>| cores.iter().filter_map(|core| values.get(core)).min().copied();
        let frequency = |values| of(values).and_then(|kilohertz| hertz(u64::from(kilohertz)));
        CoreCluster { capacity: of(capacities), max_hz: frequency(highest), limit_hz: frequency(allowed), cores }
    };
    Some(groups.into_values().map(cluster).collect())
}

/// The clusters of a device, slowest first; `None` where the kernel does not report the speed of its cores.
pub fn core_clusters(root: &SystemRoot) -> Option<Vec<CoreCluster>> {
    let named = |name: String| name.strip_prefix("cpu")?.parse::<u32>().ok();
    let cores: Vec<u32> = root.names(CORES).into_iter().filter_map(named).collect();
    let number = |path: String| root.text(path)?.parse::<u32>().ok().filter(|number| *number > 0);
    let of_cores = |file: &str| -> BTreeMap<u32, u32> {
        cores.iter().filter_map(|core| Some((*core, number(format!("{CORES}/cpu{core}/{file}"))?))).collect()
    };
    // Some trees have the frequencies only at the policies.
    let of_policies = |file: &str| {
        let mut values = of_cores(&format!("cpufreq/{file}"));
        for folder in frequency_folders(root) {
            let text = |name| root.text(format!("{folder}/{name}"));
            let members = text("related_cpus").or_else(|| text("affected_cpus")).unwrap_or_default();
            let Some(value) = number(format!("{folder}/{file}")) else { continue };
            for core in members.split_ascii_whitespace().filter_map(|core| core.parse().ok()) {
                values.entry(core).or_insert(value);
            }
        }
        values
    };
    clusters_of(&of_cores("cpu_capacity"), &of_policies("cpuinfo_max_freq"), &of_policies("scaling_max_freq"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::fixture::Tree;

    #[test]
    fn lists_are_written_as_they_are_read() {
        for (list, shown) in [("0", "0"), ("4-7", "4-7"), ("0,4", "0,4"), ("2,1,0,6,1", "0-2,6"), (" 3-3 ", "3")] {
            assert_eq!(CoreList::parse(list).unwrap().to_string(), shown);
        }
        for list in ["", "a", "1-", "-1", "3-1", "0-4294967295", "0x3"] {
            assert_eq!(CoreList::parse(list), None, "{list:?}");
        }
        let list = CoreList::parse("2-5").unwrap();
        assert_eq!(
            (list.len(), list.contains(6), list.first_outside(&[2, 3, 4].into_iter().collect())),
            (4, false, Some(5))
        );
    }

    #[test]
    fn clusters_are_found_by_capacity_and_else_by_frequency() {
        let cores = |tree: &str| {
            let found = core_clusters(&Tree::parse(tree).root());
            found.map(|found| found.iter().map(|cluster| cluster.cores.clone()).collect::<Vec<_>>())
        };
        let cpu = "sys/devices/system/cpu";
        let capacity = |core: u32, capacity: u32| format!("{cpu}/cpu{core}/cpu_capacity = {capacity}\n");
        let tree = [capacity(0, 300), capacity(1, 300), capacity(2, 1024)].concat();
        assert_eq!(cores(&tree), Some(vec![vec![0, 1], vec![2]]));
        let policy = |number: u32, members: &str, highest: u32, limit: u32| {
            let policy = format!("{cpu}/cpufreq/policy{number}");
            format!(
                "{policy}/related_cpus = {members}\n{policy}/cpuinfo_max_freq = {highest}\n{policy}/scaling_max_freq = {limit}\n"
            )
        };
        let tree = [policy(0, "0 1 2", 2_000_000, 2_000_000), policy(3, "3", 3_000_000, 1_800_000)].concat();
        let found = core_clusters(&Tree::parse(&tree).root()).unwrap();
        assert_eq!(found[1].cores, [3]);
        assert_eq!((found[1].max_hz, found[1].limit_hz), (Some(3_000_000_000), Some(1_800_000_000)));
        assert_eq!(cores(""), None);
    }
}

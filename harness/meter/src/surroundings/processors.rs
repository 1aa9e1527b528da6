use std::ops::RangeInclusive;

use serde::Serialize;

use super::control_group::{Hierarchy, group_folders};
use crate::{
    SystemRoot,
    context::{frequency_folders, hertz},
};

/// How many processors a runner can use, and their frequency limits.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Processors {
    /// Logical processors that are switched on.
    pub online: Option<u32>,
    /// Those that this process may use: its affinity, which a cpuset limits.
    pub allowed: Option<u32>,
    /// How many processors' worth of time its control group allows; absent without such a limit.
    pub quota: Option<f64>,
    /// Whether two logical processors share a core.
    pub threads_share_cores: Option<bool>,
    /// Whether processors may run above their nominal frequency for a while.
    pub turbo: Option<bool>,
    /// Frequency limits; empty where the kernel reports none, as in most virtual machines.
    pub policies: Vec<FrequencyPolicy>,
}

/// Frequency limits of some processors (Documentation/admin-guide/pm/cpufreq.rst).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FrequencyPolicy {
    /// `policy0`.
    pub name: String,
    /// `performance`, `powersave`, `schedutil`.
    pub governor: Option<String>,
    /// `intel_pstate`, `acpi-cpufreq`: what a governor's name means depends on it.
    pub driver: Option<String>,
    /// Lowest frequency that is allowed, in hertz.
    pub lowest_hz: Option<u64>,
    /// Highest frequency that is allowed, in hertz.
    pub highest_hz: Option<u64>,
    /// Highest frequency that the hardware can have, in hertz.
    pub hardware_highest_hz: Option<u64>,
}

impl FrequencyPolicy {
    /// Highest allowed frequency as a share of the hardware's highest.
    pub fn limit_share(&self) -> Option<f64> {
        let (limit, hardware) = (self.highest_hz?, self.hardware_highest_hz.filter(|hz| *hz > 0)?);
        Some(limit as f64 / hardware as f64)
    }

    /// Whether the lowest and the highest allowed frequency are equal.
    pub fn is_fixed(&self) -> bool {
        self.lowest_hz.is_some() && self.lowest_hz == self.highest_hz
    }
}

impl Processors {
    pub(super) fn look(root: &SystemRoot) -> Self {
        Self {
            online: online_processors(root),
            allowed: allowed_processors(root),
            quota: quota(root),
            threads_share_cores: root.text("sys/devices/system/cpu/smt/active").map(|active| active == "1"),
            turbo: turbo(root),
            policies: frequency_folders(root).into_iter().map(|folder| policy(root, &folder)).collect(),
        }
    }
}

/// Logical processors that are switched on, whether or not this process may use them.
pub(crate) fn online_processors(root: &SystemRoot) -> Option<u32> {
    Some(count(&online(root)?))
}

/// Logical processors that this process may use: its affinity. The kernel also lists those that could be plugged in.
pub(crate) fn allowed_processors(root: &SystemRoot) -> Option<u32> {
    let allowed = ranges(&allowed_list(root)?)?;
    let Some(online) = online(root) else { return Some(count(&allowed)) };
    let shared = |one: &RangeInclusive<u32>, other: &RangeInclusive<u32>| {
        (*one.start().max(other.start()))..=(*one.end().min(other.end()))
    };
    let both: Vec<_> = allowed.iter().flat_map(|one| online.iter().map(move |other| shared(one, other))).collect();
    // A container may renumber its processors.
    Some(count(&both)).filter(|both| *both > 0).or_else(|| Some(count(&allowed).min(count(&online))))
}

/// The affinity of this process, as in `0-3,6`.
pub(crate) fn allowed_list(root: &SystemRoot) -> Option<String> {
    allowed_in(&root.text("proc/self/status")?).map(str::to_owned)
}

/// The affinity in a `/proc/<pid>/status`.
pub(crate) fn allowed_in(status: &str) -> Option<&str> {
    status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).map(str::trim)
}

/// Logical processors that the device has, also those that are switched off at the moment, as phones do to save energy.
pub(crate) fn present_processors(root: &SystemRoot) -> Option<u32> {
    Some(count(&ranges(&root.text("sys/devices/system/cpu/present")?)?))
}

fn online(root: &SystemRoot) -> Option<Vec<RangeInclusive<u32>>> {
    ranges(&root.text("sys/devices/system/cpu/online")?)
}

fn count(ranges: &[RangeInclusive<u32>]) -> u32 {
    ranges.iter().map(|range| range.clone().count() as u32).sum()
}

/// Parses a list such as `0-3,6`; `None` for more processors than any machine has.
pub(crate) fn ranges(list: &str) -> Option<Vec<RangeInclusive<u32>>> {
    const MOST: u32 = 1 << 16;
    let parts = list.trim().split(',').map(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last): (u32, u32) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        (first <= last && last < MOST).then_some(first..=last)
    });
    parts.collect::<Option<Vec<_>>>().filter(|ranges| ranges.len() <= MOST as usize && count(ranges) <= MOST)
}

/// The smallest limit of the control group and its parents (Documentation/admin-guide/cgroup-v2.rst, `cpu.max`).
pub(crate) fn quota(root: &SystemRoot) -> Option<f64> {
    let groups = group_folders(root, Hierarchy::Unified);
    let limits = groups.iter().filter_map(|folder| {
        let text = root.text(format!("{folder}/cpu.max"))?;
        let (limit, period) = text.split_once(' ')?;
        share(limit, period)
    });
    // Control groups of the first version.
    let older = group_folders(root, Hierarchy::Of("cpu")).into_iter().filter_map(|folder| {
        let value = |name| root.text(format!("{folder}/{name}"));
        share(&value("cpu.cfs_quota_us")?, &value("cpu.cfs_period_us")?)
    });
    limits.chain(older).min_by(f64::total_cmp)
}

fn share(limit: &str, period: &str) -> Option<f64> {
    let (limit, period): (f64, f64) = (limit.parse().ok()?, period.parse().ok()?);
    (limit > 0.0 && period > 0.0 && limit.is_finite() && period.is_finite()).then(|| limit / period)
}

/// Intel's driver says whether turbo is off, the other drivers say whether it is on.
fn turbo(root: &SystemRoot) -> Option<bool> {
    let flag = |path: &str| root.text(path).and_then(|text| text.parse::<u8>().ok()).map(|value| value != 0);
    flag("sys/devices/system/cpu/intel_pstate/no_turbo")
        .map(|off| !off)
        .or_else(|| flag("sys/devices/system/cpu/cpufreq/boost"))
}

fn policy(root: &SystemRoot, folder: &str) -> FrequencyPolicy {
    let text = |name| root.text(format!("{folder}/{name}"));
    let hertz = |name| hertz(text(name)?.parse().ok()?);
    let name = folder.strip_suffix("/cpufreq").unwrap_or(folder);
    FrequencyPolicy {
        name: name.rsplit('/').next().unwrap_or(name).to_owned(),
        governor: text("scaling_governor"),
        driver: text("scaling_driver"),
        lowest_hz: hertz("scaling_min_freq"),
        highest_hz: hertz("scaling_max_freq"),
        hardware_highest_hz: hertz("cpuinfo_max_freq"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::fixture::Tree;

    #[test]
    fn lists_of_processors_are_counted() {
        for (list, expected) in [
            ("0", Some(1)),
            ("0-3", Some(4)),
            ("0-3,6,8-9\n", Some(7)),
            ("", None),
            ("3-1", None),
            ("x", None),
            ("0-4294967294", None),
        ] {
            assert_eq!(ranges(list).map(|ranges| count(&ranges)), expected, "{list:?}");
        }
    }

    #[test]
    fn what_a_process_may_use_is_never_more_than_there_is() {
        let allowed = |online: &str, list: &str| {
            allowed_processors(
                &Tree::parse(&format!(
                    "sys/devices/system/cpu/online = {online}\nproc/self/status = Name: x\\nCpus_allowed_list: {list}"
                ))
                .root(),
            )
        };
        assert_eq!(allowed("0-1", "0"), Some(1));
        assert_eq!(allowed("0-1", "0-239"), Some(2), "more could be plugged in");
        assert_eq!(allowed("0-3,6", "2-8"), Some(3));
        assert_eq!(allowed("0-3", "8-9,24-25"), Some(4), "a container that numbers them anew");
        assert_eq!(allowed("0-1", "8-9,24-25"), Some(2));
    }

    #[test]
    fn limits_of_every_policy_are_reported() {
        let base = "sys/devices/system/cpu";
        let tree = Tree::parse(&format!(
            "{base}/online = 0-7\n{base}/smt/active = 1\n{base}/intel_pstate/no_turbo = 1\n{base}/cpufreq/boost = 1\n\
             proc/self/status = Name: x\\nCpus_allowed_list: 0-1,4\n\
             {base}/cpufreq/policy0/scaling_governor = powersave\n{base}/cpufreq/policy0/scaling_driver = intel_pstate\n\
             {base}/cpufreq/policy0/scaling_min_freq = 800000\n{base}/cpufreq/policy0/scaling_max_freq = 1200000\n\
             {base}/cpufreq/policy0/cpuinfo_max_freq = 4800000\n"
        ));
        let processors = Processors::look(&tree.root());
        assert_eq!((processors.online, processors.allowed, processors.quota), (Some(8), Some(3), None));
        assert_eq!((processors.threads_share_cores, processors.turbo), (Some(true), Some(false)));
        let [policy] = &processors.policies[..] else { panic!("{processors:?}") };
        assert_eq!((policy.name.as_str(), policy.limit_share()), ("policy0", Some(0.25)));
        assert!(!policy.is_fixed());
    }

    #[test]
    fn the_tightest_limit_of_the_groups_around_counts() {
        let tree = Tree::parse(
            "proc/self/cgroup = 0::/user.slice/app\n\
             sys/fs/cgroup/user.slice/cpu.max = 150000 100000\n\
             sys/fs/cgroup/user.slice/app/cpu.max = max 100000\n",
        );
        assert_eq!(quota(&tree.root()), Some(1.5));
        let older = Tree::parse(
            "proc/self/cgroup = 3:cpu,cpuacct:/docker/x\n\
             sys/fs/cgroup/cpu/cpu.cfs_quota_us = 50000\nsys/fs/cgroup/cpu/cpu.cfs_period_us = 100000\n\
             sys/fs/cgroup/cpu/docker/x/cpu.cfs_quota_us = -1\nsys/fs/cgroup/cpu/docker/x/cpu.cfs_period_us = 100000\n",
        );
        assert_eq!(quota(&older.root()), Some(0.5));
    }
}

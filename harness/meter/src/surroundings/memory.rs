use serde::Serialize;

use super::processors::control_group_folders;
use crate::{SystemRoot, device::meminfo};

/// How much memory is free.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Memory {
    /// What programs can still take without swapping, limits of the control group included.
    pub available_bytes: Option<u64>,
    /// What has been swapped out.
    pub swapped_bytes: Option<u64>,
}

impl Memory {
    pub(super) fn look(root: &SystemRoot) -> Self {
        let machine = meminfo(root, "MemAvailable");
        let swapped = meminfo(root, "SwapTotal").zip(meminfo(root, "SwapFree"));
        Self {
            available_bytes: machine.map(|bytes| left_in_group(root).map_or(bytes, |left| left.min(bytes))),
            swapped_bytes: swapped.map(|(total, free)| total.saturating_sub(free)),
        }
    }
}

/// What the control group and those around it leave (Documentation/admin-guide/cgroup-v2.rst, `memory.max`). The page
/// cache counts as used there, but makes way: it is added again.
fn left_in_group(root: &SystemRoot) -> Option<u64> {
    let left = |folder: String| {
        let number = |name: &str| root.text(format!("{folder}/{name}"))?.parse::<u64>().ok();
        let (limit, used) = (number("memory.max")?, number("memory.current")?);
        let statistics = root.text(format!("{folder}/memory.stat")).unwrap_or_default();
        let cache = statistics.lines().find_map(|line| line.strip_prefix("inactive_file ")?.trim().parse::<u64>().ok());
        Some(limit.saturating_sub(used.saturating_sub(cache.unwrap_or(0))))
    };
    control_group_folders(root, "").into_iter().filter_map(left).min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::fixture::Tree;

    const MEMINFO: &str =
        "proc/meminfo = MemTotal: 8000000 kB\\nMemAvailable: 4000000 kB\\nSwapTotal: 1000 kB\\nSwapFree: 400 kB\n";

    #[test]
    fn memory_is_what_machine_and_group_leave() {
        let memory = |more: &str| Memory::look(&Tree::parse(&format!("{MEMINFO}{more}")).root());
        assert_eq!(memory(""), Memory { available_bytes: Some(4_096_000_000), swapped_bytes: Some(600 * 1024) });
        let group = "proc/self/cgroup = 0::/app\nsys/fs/cgroup/app/memory.current = 900\n\
                     sys/fs/cgroup/app/memory.stat = anon 800\\ninactive_file 100\n";
        assert_eq!(memory(&format!("{group}sys/fs/cgroup/app/memory.max = 1000")).available_bytes, Some(200));
        assert_eq!(memory(&format!("{group}sys/fs/cgroup/app/memory.max = max")).available_bytes, Some(4_096_000_000));
    }
}

use serde::Serialize;

use super::control_group::{Hierarchy, group_folders};
use crate::{SystemRoot, device::meminfo};

/// Groups of the first version without a limit show nearly 2^63 bytes.
const UNLIMITED: u64 = 1 << 62;

/// How much memory is free.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Memory {
    /// What programs can still take without swapping, limits of the control group included.
    pub available_bytes: Option<u64>,
    /// The smallest limit of the control groups around this process; absent without one.
    pub limit_bytes: Option<u64>,
    /// Memory that has been swapped out.
    pub swapped_bytes: Option<u64>,
}

impl Memory {
    pub(crate) fn look(root: &SystemRoot) -> Self {
        let machine = meminfo(root, "MemAvailable");
        let swapped = meminfo(root, "SwapTotal").zip(meminfo(root, "SwapFree"));
        let limits = limits(root);
        let left = limits.iter().map(|limit| limit.left).min();
        Self {
            available_bytes: [machine, left].into_iter().flatten().min(),
            limit_bytes: limits.iter().map(|limit| limit.bytes).min(),
            swapped_bytes: swapped.map(|(total, free)| total.saturating_sub(free)),
        }
    }
}

/// What a control group may use, and what is left of it.
struct Limit {
    bytes: u64,
    left: u64,
}

/// The limits of the control group and its parents. The page cache counts as used there, but is given up on demand: the part
/// that was not used lately counts as left.
fn limits(root: &SystemRoot) -> Vec<Limit> {
    let unified = group_folders(root, Hierarchy::Unified).into_iter().flat_map(|folder| {
        let group = Group { root, folder };
        let used = group.number("memory.current");
        // Beyond `memory.high` a group is slowed down until it has given memory back.
        let limits = ["memory.max", "memory.high"].map(|file| group.limit(group.number(file), used));
        limits.into_iter().flatten().collect::<Vec<_>>()
    });
    let folders = group_folders(root, Hierarchy::Of("memory"));
    let last = folders.len().saturating_sub(1);
    let older = folders.into_iter().enumerate().flat_map(|(place, folder)| {
        let group = Group { root, folder };
        // A group may be set not to count the groups below it.
        if place < last && group.number("memory.use_hierarchy") == Some(0) {
            return Vec::new();
        }
        let used = group.number("memory.usage_in_bytes");
        let with_swap = group.number("memory.memsw.usage_in_bytes");
        let limits = [
            group.limit(group.number("memory.limit_in_bytes"), used),
            // The limits of its parents, which may not be visible from here.
            group.limit(group.statistic("hierarchical_memory_limit"), used),
            group.limit(group.number("memory.memsw.limit_in_bytes"), with_swap),
        ];
        limits.into_iter().flatten().collect()
    });
    unified.chain(older).collect()
}

struct Group<'a> {
    root: &'a SystemRoot,
    folder: String,
}

impl Group<'_> {
    fn number(&self, file: &str) -> Option<u64> {
        self.root.text(format!("{}/{file}", self.folder))?.parse().ok()
    }

    fn statistic(&self, wanted: &str) -> Option<u64> {
        let text = self.root.text(format!("{}/memory.stat", self.folder))?;
        text.lines().find_map(|line| {
            let (name, value) = line.split_once(' ')?;
            (name == wanted).then(|| value.trim().parse().ok()).flatten()
        })
    }

    /// The limit with what is left of it, if it is a real limit; all of it is left where the group does not report its use.
    fn limit(&self, bytes: Option<u64>, used: Option<u64>) -> Option<Limit> {
        let bytes = bytes.filter(|bytes| *bytes < UNLIMITED)?;
        let cache = self.statistic("total_inactive_file").or_else(|| self.statistic("inactive_file"));
        let used = used.unwrap_or(0).saturating_sub(cache.unwrap_or(0));
        Some(Limit { bytes, left: bytes.saturating_sub(used) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::fixture::Tree;

    const MEMINFO: &str =
        "proc/meminfo = MemTotal: 8000000 kB\\nMemAvailable: 4000000 kB\\nSwapTotal: 1000 kB\\nSwapFree: 400 kB\n";
    const MACHINE: u64 = 4_096_000_000;

    fn memory(more: &str) -> (Option<u64>, Option<u64>) {
        let memory = Memory::look(&Tree::parse(&format!("{MEMINFO}{more}")).root());
        assert_eq!(memory.swapped_bytes, Some(600 * 1024));
        (memory.available_bytes, memory.limit_bytes)
    }

    #[test]
    fn memory_is_what_machine_and_group_leave() {
        assert_eq!(memory(""), (Some(MACHINE), None));
        let group = "proc/self/cgroup = 0::/app\nsys/fs/cgroup/app/memory.current = 900\n\
                     sys/fs/cgroup/app/memory.stat = anon 800\\ninactive_file 100\n";
        assert_eq!(memory(&format!("{group}sys/fs/cgroup/app/memory.max = 1000")), (Some(200), Some(1000)));
        assert_eq!(memory(&format!("{group}sys/fs/cgroup/app/memory.max = max")), (Some(MACHINE), None));
        assert_eq!(
            memory(&format!("{group}sys/fs/cgroup/app/memory.max = 9000\nsys/fs/cgroup/app/memory.high = 850")),
            (Some(50), Some(850)),
            "the limit that slows counts, too"
        );
        assert_eq!(
            memory(&format!("{group}sys/fs/cgroup/memory.max = 700\nsys/fs/cgroup/app/memory.max = 1000")),
            (Some(200), Some(700)),
            "a group around it that does not tell what it uses"
        );
    }

    #[test]
    fn the_first_version_of_control_groups_has_limits_too() {
        const NONE: &str = "9223372036854771712";
        let base = "sys/fs/cgroup/memory";
        let group = |name: &str, limit: &str, used: u64| {
            format!(
                "{base}{name}/memory.limit_in_bytes = {limit}\n{base}{name}/memory.usage_in_bytes = {used}\n\
                 {base}{name}/memory.stat = cache 1000\\nrss 1000\\ntotal_inactive_file 4096\n"
            )
        };
        let own = "proc/self/cgroup = 4:memory:/docker/abc\\n3:cpu,cpuacct:/docker/abc\\n1:name=systemd:/docker/abc\n";
        let around = group("", NONE, 6 << 30) + &group("/docker", NONE, 1 << 30);
        let limited = group("/docker/abc", "536870912", 120 << 20);
        assert_eq!(memory(&format!("{own}{around}{limited}")), (Some((392 << 20) + 4096), Some(512 << 20)));
        let unlimited = group("/docker/abc", NONE, 120 << 20);
        assert_eq!(memory(&format!("{own}{around}{unlimited}")), (Some(MACHINE), None));
        // The container sees its own group as the outermost one.
        assert_eq!(memory(&format!("{own}{}", group("", "536870912", 500 << 20))).0, Some((12 << 20) + 4096));
        // A limit further out that cannot be seen, and one with swap.
        let hidden = limited.replace("total_inactive_file 4096", "hierarchical_memory_limit 209715200");
        assert_eq!(memory(&format!("{own}{hidden}")), (Some(80 << 20), Some(200 << 20)));
        let swap = format!(
            "{base}/docker/abc/memory.memsw.limit_in_bytes = 536870912\n\
                            {base}/docker/abc/memory.memsw.usage_in_bytes = 536870912\n"
        );
        assert_eq!(memory(&format!("{own}{limited}{swap}")).0, Some(4096));
        // A parent that counts only its own memory.
        let alone = group("/docker", "1048576", 1 << 20) + &format!("{base}/docker/memory.use_hierarchy = 0\n");
        assert_eq!(memory(&format!("{own}{alone}{limited}")).1, Some(512 << 20));
    }
}

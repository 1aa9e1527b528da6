use crate::SystemRoot;

/// Processor time of the whole machine since it was started, summed over processors (proc_stat(5)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SystemTimes {
    /// Time in which a processor worked: all but idle, waiting for a disk, and stolen time.
    pub busy_ns: u64,
    /// Time that the hypervisor gave to others although a processor had work.
    pub steal_ns: u64,
    /// All of it: what the processors could have worked at most.
    pub total_ns: u64,
}

/// Reads the first line of `/proc/stat`; nothing where it cannot be read (phones refuse it to ordinary programs).
pub fn read_system_times(root: &SystemRoot) -> Option<SystemTimes> {
    let text = root.text("proc/stat")?;
    let fields = text.lines().next()?.strip_prefix("cpu ")?;
    let ticks: Vec<u64> = fields
        .split_ascii_whitespace()
        .map(str::parse)
        .collect::<Result<_, _>>()
        .ok()
        .filter(|ticks: &Vec<u64>| ticks.len() >= 8)?;
    let per_second = rustix::param::clock_ticks_per_second();
    if per_second == 0 {
        return None;
    }
    let nanoseconds = |ticks: u64| ticks.checked_mul(1_000_000_000 / per_second);
    // user nice system idle iowait irq softirq steal; guest time, behind them, is in user time already.
    let [user, nice, system, idle, iowait, interrupts, soft_interrupts, steal] = *ticks.first_chunk()?;
    let sum = |parts: &[u64]| parts.iter().try_fold(0_u64, |sum, part| sum.checked_add(*part));
    let busy = sum(&[user, nice, system, interrupts, soft_interrupts])?;
    Some(SystemTimes {
        busy_ns: nanoseconds(busy)?,
        steal_ns: nanoseconds(steal)?,
        total_ns: nanoseconds(sum(&[busy, idle, iowait, steal])?)?,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn read(stat: &str) -> Option<SystemTimes> {
        let tree = tempfile::tempdir().unwrap();
        fs::create_dir(tree.path().join("proc")).unwrap();
        fs::write(tree.path().join("proc/stat"), stat).unwrap();
        read_system_times(&SystemRoot::at(tree.path()))
    }

    #[test]
    fn guest_time_is_not_counted_twice_and_waiting_is_not_work() {
        let tick = 1_000_000_000 / rustix::param::clock_ticks_per_second();
        let times = read("cpu  10 1 5 100 20 2 3 7 9 9\ncpu0 1 1 1 1 1 1 1 1 1 1\n").unwrap();
        assert_eq!(times, SystemTimes { busy_ns: 21 * tick, steal_ns: 7 * tick, total_ns: 148 * tick });
    }

    #[test]
    fn nonsense_is_absence() {
        for text in
            ["", "cpu", "cpu  1 2 3", "cpu  1 2 3 x 5 6 7 8", "intr 5\n", "cpu  1 2 3 18446744073709551615 5 6 7 8"]
        {
            assert_eq!(read(text), None, "{text:?}");
        }
        assert!(read_system_times(&SystemRoot::real()).is_some());
    }
}

//! Whether this process stood still although it had something to do. A suspended machine, a frozen control group and a stop signal
//! show in the same way: a thread that wanted to wake up does so much later. A busy machine wakes threads late, too, but then the
//! kernel counts how long the thread waited for a processor.

use std::{fs::File, os::unix::fs::FileExt};

use pocketwatt_protocol::MonotonicNs;

/// Shorter ones are told from nothing.
const LEAST_NS: u64 = 1_000_000_000;

/// Watches the thread that made it.
#[derive(Debug)]
pub(super) struct Standstill {
    schedstat: Option<File>,
    waited_ns: u64,
    total_ns: u64,
}

impl Standstill {
    pub(super) fn new() -> Self {
        // The sampler reads this thread, and so never a tree in place of `/proc`.
        let schedstat = File::open("/proc/thread-self/schedstat").ok();
        let mut standstill = Self { schedstat, waited_ns: 0, total_ns: 0 };
        standstill.waited_ns = standstill.waited_so_far();
        standstill
    }

    /// The thread wanted to run at `due` at the latest, and ran at `now`. Called after each wait.
    pub(super) fn woke(&mut self, due: MonotonicNs, now: MonotonicNs) {
        let before = self.waited_ns;
        self.waited_ns = self.waited_so_far();
        let for_a_processor = self.waited_ns.saturating_sub(before);
        self.add(now.since(due).saturating_sub(for_a_processor));
    }

    fn add(&mut self, late_ns: u64) {
        if late_ns >= LEAST_NS {
            self.total_ns = self.total_ns.saturating_add(late_ns);
        }
    }

    /// The time since the last call in which it stood still, together with that in which the runner did; `None` below a second.
    pub(super) fn take(&mut self, runner_ns: u64) -> Option<u64> {
        // Both may have been stopped at the same time.
        let longest = std::mem::take(&mut self.total_ns).max(runner_ns);
        (longest >= LEAST_NS).then_some(longest)
    }

    /// How long the thread has waited for a processor (Documentation/scheduler/sched-stats.rst); 0 where the kernel does not say.
    fn waited_so_far(&self) -> u64 {
        let mut buffer = [0; 128];
        let read = |file: &File| {
            let length = file.read_at(&mut buffer, 0).ok()?;
            std::str::from_utf8(&buffer[..length]).ok()?.split_ascii_whitespace().nth(1)?.parse().ok()
        };
        self.schedstat.as_ref().and_then(read).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_second_late_or_more_stood_still() {
        let mut standstill = Standstill { schedstat: None, waited_ns: 0, total_ns: 0 };
        standstill.woke(MonotonicNs(5), MonotonicNs(LEAST_NS));
        assert_eq!(standstill.take(LEAST_NS - 1), None);
        standstill.woke(MonotonicNs(LEAST_NS), MonotonicNs(1));
        standstill.woke(MonotonicNs(0), MonotonicNs(3 * LEAST_NS));
        assert_eq!(standstill.take(2 * LEAST_NS), Some(3 * LEAST_NS));
        assert_eq!(standstill.take(2 * LEAST_NS), Some(2 * LEAST_NS), "the runner alone");
    }
}

use std::cell::Cell;

use rustix::time::{ClockId, clock_gettime};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Nanoseconds on the device's monotonic clock.
///
/// Comparable between processes of one boot, never between devices or boots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct MonotonicNs(pub u64);

impl MonotonicNs {
    /// Nanoseconds from `earlier` to `self`; 0 if the order is the other way round.
    pub fn since(self, earlier: MonotonicNs) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// From one moment to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TimeSpan {
    /// First moment.
    pub start: MonotonicNs,
    /// Last moment.
    pub end: MonotonicNs,
}

impl TimeSpan {
    /// Its length in nanoseconds; 0 where it ends before it starts.
    pub fn duration_ns(&self) -> u64 {
        self.end.since(self.start)
    }
}

/// Where a time comes from: the device in production, a script in tests.
pub trait Clock {
    /// The time now.
    fn now(&self) -> MonotonicNs;
}

/// `CLOCK_MONOTONIC`, read through the vDSO: tens of nanoseconds, no system call.
#[derive(Clone, Copy, Debug, Default)]
pub struct MonotonicClock;

impl Clock for MonotonicClock {
    fn now(&self) -> MonotonicNs {
        MonotonicNs(nanoseconds(ClockId::Monotonic))
    }
}

/// A clock that advances by a fixed step at every reading.
#[derive(Debug)]
pub struct FakeClock {
    next: Cell<u64>,
    step_ns: u64,
}

impl FakeClock {
    /// Starts at `start_ns`; each reading is `step_ns` after the one before it.
    pub fn new(start_ns: u64, step_ns: u64) -> Self {
        Self { next: Cell::new(start_ns), step_ns }
    }

    /// Lets `duration_ns` pass without a reading.
    pub fn advance(&self, duration_ns: u64) {
        self.next.set(self.next.get() + duration_ns);
    }
}

impl Clock for FakeClock {
    fn now(&self) -> MonotonicNs {
        let now = self.next.get();
        self.next.set(now + self.step_ns);
        MonotonicNs(now)
    }
}

/// Processor time that this process has used so far, all threads together, in nanoseconds.
pub fn process_cpu_ns() -> u64 {
    nanoseconds(ClockId::ProcessCPUTime)
}

/// Processor time that the calling thread has used so far, in nanoseconds.
pub fn thread_cpu_ns() -> u64 {
    nanoseconds(ClockId::ThreadCPUTime)
}

/// Time that the device has slept since it was started, in nanoseconds: `CLOCK_MONOTONIC` stands still in it, `CLOCK_BOOTTIME` does not.
/// A thread that is stopped between the two readings makes it less by as much.
pub fn slept_ns() -> u64 {
    let with_sleep = nanoseconds(ClockId::Boottime);
    with_sleep.saturating_sub(nanoseconds(ClockId::Monotonic))
}

/// Milliseconds since 1970-01-01 UTC. A label for a run, never the start of a duration.
pub fn wall_clock_unix_ms() -> u64 {
    nanoseconds(ClockId::Realtime) / 1_000_000
}

fn nanoseconds(clock: ClockId) -> u64 {
    let time = clock_gettime(clock);
    // Both fields are non-negative on these clocks: the kernel normalises them.
    time.tv_sec.unsigned_abs() * 1_000_000_000 + time.tv_nsec.unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn monotonic_clock_never_runs_backwards() {
        let first = MonotonicClock.now();
        let second = MonotonicClock.now();
        assert!(second >= first);
        assert_eq!(first.since(second).min(1), 0, "a negative duration saturates at zero");
    }

    #[test]
    fn fake_clock_steps_and_advances() {
        let clock = FakeClock::new(100, 10);
        assert_eq!(clock.now(), MonotonicNs(100));
        clock.advance(1000);
        assert_eq!(clock.now(), MonotonicNs(1110));
    }
}

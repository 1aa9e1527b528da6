use std::time::Duration;

use pocketwatt_protocol::{Clock, MonotonicClock, MonotonicNs};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{SystemRoot, surroundings::online_processors};

/// Counters may exceed the clock by this much without a fault: they are updated at ticks, and stolen time
/// when a processor comes back.
const SLACK_NS: u64 = 100_000_000;
const SLACK_SHARE: u64 = 10;
/// Time in which a sleeping processor is woken but not run by its host counts both as idle and as stolen: the sum may
/// exceed the clock by half at most.
const OVERLAP: (u128, u128) = (3, 2);
/// More processors than any machine has, for kernels that do not report their number.
const MOST_PROCESSORS: u32 = 1 << 16;

/// Processor time of the whole machine since boot, summed over processors, as the kernel counts it
/// (proc_stat(5)): in ticks, and not yet checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SystemTimes {
    at: MonotonicNs,
    processors: Option<u32>,
    busy: u128,
    idle: u128,
    steal: u128,
    ticks_per_second: u64,
}

/// What the processors did between two readings, as far as the clock allows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SystemWork {
    /// Time in which a processor worked: all but idle, waiting for a disk, and stolen time.
    pub busy_ns: Option<u64>,
    /// Time that the hypervisor gave to others although a processor had work.
    pub steal_ns: Option<u64>,
    /// Time that the processors had in total.
    pub total_ns: u64,
    /// Counters with impossible values.
    pub broken: Vec<BrokenCounter>,
}

/// A counter of the kernel with an impossible value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BrokenCounter {
    /// Which one.
    pub counter: KernelCounter,
    /// What it showed; one line.
    pub seen: String,
}

/// A counter of the kernel that the clock bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum KernelCounter {
    /// Time that the hypervisor gave to others (`/proc/stat`).
    Steal,
    /// Time in which processors worked (`/proc/stat`).
    Busy,
    /// Time in which processors did nothing, or waited for a disk (`/proc/stat`).
    Idle,
    /// Processor time of the runner (`/proc/<pid>/stat`).
    ProcessorTime,
    /// Time that the runner's threads waited for a processor (`/proc/<pid>/task/*/schedstat`).
    RunQueueWait,
}

impl KernelCounter {
    /// The word used in tables: "the kernel's steal counter is broken".
    pub fn name(self) -> &'static str {
        match self {
            Self::Steal => "steal",
            Self::Busy => "busy-time",
            Self::Idle => "idle-time",
            Self::ProcessorTime => "processor-time",
            Self::RunQueueWait => "run-queue",
        }
    }
}

impl SystemTimes {
    /// What happened since an earlier reading, on this device's clock.
    pub fn since(&self, earlier: &Self) -> SystemWork {
        self.within(earlier, self.at.since(earlier.at))
    }

    /// Time since an earlier reading, at least `least`: that much was waited.
    pub fn elapsed_ns(&self, earlier: &Self, least: Duration) -> u64 {
        self.at.since(earlier.at).max(u64::try_from(least.as_nanos()).unwrap_or(u64::MAX))
    }

    /// What happened since an earlier reading, `elapsed_ns` before this one.
    pub fn within(&self, earlier: &Self, elapsed_ns: u64) -> SystemWork {
        let processors = u64::from(self.processors.max(earlier.processors).unwrap_or(MOST_PROCESSORS));
        let ticks =
            |ns: u64| u128::from(ns) * u128::from(self.ticks_per_second) * u128::from(processors) / 1_000_000_000;
        let room = ticks(elapsed_ns);
        let most = ticks(elapsed_ns.saturating_add(SLACK_NS.max(elapsed_ns / SLACK_SHARE)));
        let mut broken = Vec::new();
        let mut grown = |counter: KernelCounter, before: u128, after: u128, most: u128| {
            let seen = match after.checked_sub(before) {
                Some(grown) if grown <= most => return Some(grown),
                Some(grown) => format!(
                    "it grew by {grown} ticks in {:.2} s, of which {processors} processors have {room}",
                    elapsed_ns as f64 / 1e9
                ),
                None => format!("it fell from {before} to {after} ticks"),
            };
            broken.push(BrokenCounter { counter, seen });
            None
        };
        let busy = grown(KernelCounter::Busy, earlier.busy, self.busy, most);
        let idle = grown(KernelCounter::Idle, earlier.idle, self.idle, most);
        // A processor does not work in stolen time, and hardly sleeps in it.
        let (share, of) = OVERLAP;
        let beside_idle = (most * share / of).saturating_sub(busy.unwrap_or(0) + idle.unwrap_or(0));
        let left = most.saturating_sub(busy.unwrap_or(0)).min(beside_idle);
        let steal = grown(KernelCounter::Steal, earlier.steal, self.steal, left);
        let counted = busy.zip(idle).zip(steal).map(|((busy, idle), steal)| busy + idle + steal);
        let nanoseconds = |ticks: u128| {
            let ns = ticks.saturating_mul(1_000_000_000) / u128::from(self.ticks_per_second);
            u64::try_from(ns).unwrap_or(u64::MAX)
        };
        SystemWork {
            busy_ns: busy.map(nanoseconds),
            steal_ns: steal.map(nanoseconds),
            // The clock replaces counters that failed the check.
            total_ns: nanoseconds(counted.unwrap_or(room)),
            broken,
        }
    }
}

/// Reads `/proc/stat`; `None` where it cannot be read (phones refuse it to ordinary programs).
pub fn read_system_times(root: &SystemRoot) -> Option<SystemTimes> {
    let text = root.text("proc/stat")?;
    let at = MonotonicClock.now();
    let fields = text.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let ticks: Vec<u128> = fields
        .split_ascii_whitespace()
        .map(str::parse)
        .collect::<Result<_, _>>()
        .ok()
        .filter(|ticks: &Vec<u128>| ticks.len() >= 8)?;
    // user nice system idle iowait irq softirq steal; guest time, behind them, is in user time already.
    let [user, nice, system, idle, iowait, interrupts, soft_interrupts, steal] = *ticks.first_chunk()?;
    let sum = |parts: &[u128]| parts.iter().try_fold(0_u128, |sum, part| sum.checked_add(*part));
    let listed = text.lines().filter(|line| {
        line.strip_prefix("cpu").is_some_and(|rest| rest.starts_with(|digit: char| digit.is_ascii_digit()))
    });
    let listed = u32::try_from(listed.count()).ok().filter(|listed| *listed > 0);
    Some(SystemTimes {
        at,
        processors: listed.or_else(|| online_processors(root)),
        busy: sum(&[user, nice, system, interrupts, soft_interrupts])?,
        idle: sum(&[idle, iowait])?,
        steal,
        ticks_per_second: Some(rustix::param::clock_ticks_per_second()).filter(|ticks| *ticks > 0)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::fixture::Tree;

    /// Two processors' first line, as often as the kernel has it.
    fn read(fields: &str) -> Option<SystemTimes> {
        let text = ["cpu ", "cpu0", "cpu1"].map(|name| format!("{name} {fields}")).join("\\n");
        read_system_times(&Tree::parse(&format!("proc/stat = {text}")).root())
    }

    /// What two processors did in a second of 100 ticks each.
    fn second(before: &str, after: &str) -> SystemWork {
        read(after).unwrap().within(&read(before).unwrap(), 1_000_000_000)
    }

    fn tick_ns() -> u64 {
        1_000_000_000 / rustix::param::clock_ticks_per_second()
    }

    const BEFORE: &str = "1000 0 500 9000 20 0 10 1700000000 0 0";

    #[test]
    fn guest_time_is_not_counted_twice_and_waiting_is_not_work() {
        let work = second("10 1 5 100 20 2 3 7 9 9", "30 2 10 250 25 4 8 24 11 11");
        assert_eq!(
            work,
            SystemWork {
                busy_ns: Some(33 * tick_ns()),
                steal_ns: Some(17 * tick_ns()),
                total_ns: 205 * tick_ns(),
                broken: vec![]
            }
        );
    }

    #[test]
    fn steal_that_the_clock_has_no_room_for_is_the_kernels_fault() {
        // 832457433 ticks a second up, and down; and next to the largest number.
        for (before, after, words) in [
            (
                BEFORE,
                "1005 0 500 9195 20 0 10 2532457433 0 0",
                "it grew by 832457433 ticks in 1.00 s, of which 2 processors have 200",
            ),
            ("0 0 0 0 0 0 0 832457500 0 0", "5 0 0 195 0 0 0 67 0 0", "it fell from 832457500 to 67 ticks"),
            (BEFORE, "1005 0 500 9195 20 0 10 1700000250 0 0", "it grew by 250 ticks"),
            // All of the time stolen from processors that were idle all of the time.
            (BEFORE, "1000 0 500 9200 20 0 10 1700000200 0 0", "it grew by 200 ticks"),
            (BEFORE, "1150 0 500 9050 20 0 10 1700000150 0 0", "it grew by 150 ticks"),
        ] {
            let work = second(before, after);
            let [broken] = &work.broken[..] else { panic!("{work:?}") };
            assert_eq!(broken.counter, KernelCounter::Steal, "{work:?}");
            assert!(broken.seen.starts_with(words), "{broken:?}");
            assert_eq!((work.steal_ns, work.total_ns), (None, 200 * tick_ns()));
            assert!(work.busy_ns.is_some());
        }
        let largest = "1000 0 500 9000 20 0 10 18446744073709551600 0 0";
        let work = second(largest, "1005 0 500 9193 20 0 10 18446744073709551618 0 0");
        assert_eq!(
            (work.steal_ns, work.broken),
            (Some(18 * tick_ns()), vec![]),
            "no number is too large to count from"
        );
    }

    #[test]
    fn steal_that_can_be_is_believed() {
        for (after, steal) in [
            ("1100 0 500 9000 20 0 10 1700000100 0 0", 100),
            ("1000 0 500 9000 20 0 10 1700000200 0 0", 200),
            // Woken and not run: stolen and idle at once.
            ("1020 0 500 9180 20 0 10 1700000060 0 0", 60),
        ] {
            let work = second(BEFORE, after);
            assert_eq!((work.steal_ns, work.broken), (Some(steal * tick_ns()), vec![]), "{after}");
        }
    }

    #[test]
    fn other_counters_are_bounded_too() {
        let counters = |before: &str, after: &str| -> Vec<KernelCounter> {
            second(before, after).broken.iter().map(|broken| broken.counter).collect()
        };
        assert_eq!(counters(BEFORE, "9000 0 500 9000 20 0 10 1700000000 0 0"), [KernelCounter::Busy]);
        assert_eq!(counters(BEFORE, "1000 0 500 900000 20 0 10 1700000000 0 0"), [KernelCounter::Idle]);
        // After a migration to another host everything begins anew.
        assert_eq!(
            counters(BEFORE, "1 0 1 20 0 0 0 5 0 0"),
            [KernelCounter::Busy, KernelCounter::Idle, KernelCounter::Steal]
        );
        assert_eq!(second(BEFORE, "1 0 1 20 0 0 0 5 0 0").busy_ns, None);
        assert_eq!(counters(BEFORE, "1005 0 500 9190 15 0 10 1700000000 0 0"), [], "waiting for a disk may fall");
    }

    #[test]
    fn nonsense_is_absence() {
        for text in ["", "cpu", "cpu  1 2 3", "cpu  1 2 3 x 5 6 7 8", "intr 5", "cpu  1 2 3 -4 5 6 7 8"] {
            assert_eq!(read_system_times(&Tree::parse(&format!("proc/stat = {text}")).root()), None, "{text:?}");
        }
        let now = read_system_times(&SystemRoot::real()).unwrap();
        assert!(now.processors.is_some());
    }
}

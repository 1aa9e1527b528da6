use pocketwatt_protocol::{Clock, MonotonicClock, MonotonicNs, slept_ns};

use crate::{
    BrokenCounter, CaseReadings, KernelCounter, MemoryReading, ProcessMemory, ProcessMeter, Regrouped, RunnerCores,
    SystemRoot, SystemTimes, plateau, read_system_times,
};

/// The processor times of one process and of all processes may differ by this much in how they are counted.
const OWN_SLACK_NS: u64 = 1_000_000_000;
/// Two clocks are read one after the other: a thread that waits in between makes less than this of a difference.
const LEAST_SLEEP_NS: u64 = 500_000_000;

/// Reads the runner, and what the rest of the machine did while it lived.
#[derive(Debug)]
pub(super) struct ProcessReader {
    root: SystemRoot,
    process: ProcessMeter,
    system_start: Option<SystemTimes>,
    slept_start_ns: u64,
    allowed_start: Option<String>,
    groups_start: Option<String>,
    stopped: StoppedTime,
    cpu_start_ns: Option<u64>,
    cpu_ns: Option<u64>,
    peak: PeakWithHugePages,
}

impl ProcessReader {
    pub(super) fn new(root: &SystemRoot, mut process: ProcessMeter) -> Self {
        let system_start = read_system_times(root);
        let cpu_start_ns = process.processor_ns();
        Self {
            root: root.clone(),
            system_start,
            slept_start_ns: slept_ns(),
            allowed_start: process.allowed(),
            groups_start: control_groups(root),
            stopped: StoppedTime::default(),
            cpu_start_ns,
            cpu_ns: None,
            peak: PeakWithHugePages::default(),
            process,
        }
    }

    /// How long the runner was stopped, from the first round that saw it so to the last one.
    pub(super) fn stopped_ns(&self) -> u64 {
        self.stopped.total_ns
    }

    pub(super) fn read(&mut self, readings: &mut CaseReadings) {
        let at = MonotonicClock.now();
        // A process that has died keeps the readings from while it lived.
        if let Some(memory) = self.process.memory() {
            self.stopped.add(at, self.process.is_stopped());
            readings.peak_with_huge_pages_bytes = self.peak.after(&memory);
            readings.peak_resident_bytes = memory.peak_bytes.or(readings.peak_resident_bytes);
            if let Some(reading) = memory_reading(at, memory) {
                push(&mut readings.memory, reading);
            }
        }
        self.cpu_ns = self.process.processor_ns().or(self.cpu_ns);
        self.process.read_run_queue();
    }

    pub(super) fn finish(mut self, readings: &mut CaseReadings) {
        let (allowed, end) = (self.allowed_start.take(), self.process.allowed());
        readings.runner_cores = Some(RunnerCores {
            allowed_at_end: end.filter(|end| Some(end) != allowed.as_ref()),
            allowed,
            last_ran_on: self.process.last_ran_on(),
        });
        let groups = self.groups_start.take().zip(control_groups(&self.root));
        readings.regrouped =
            groups.filter(|(before, after)| before != after).map(|(before, after)| Regrouped { before, after });
        readings.slept_ns =
            Some(slept_ns().saturating_sub(self.slept_start_ns)).filter(|slept| *slept >= LEAST_SLEEP_NS);
        match self.process.run_queue_wait() {
            Ok(wait) => readings.run_queue_wait_ns = wait,
            Err(broken) => readings.broken_counters.push(broken),
        }
        let Some((start, end)) = self.system_start.zip(read_system_times(&self.root)) else { return };
        let work = end.since(&start);
        readings.steal_ns = work.steal_ns;
        readings.system_cpu_ns = Some(work.total_ns);
        readings.broken_counters.extend(work.broken);
        let own = self.cpu_ns.zip(self.cpu_start_ns).map(|(end, start)| end.saturating_sub(start));
        let Some((busy, own)) = work.busy_ns.zip(own) else { return };
        // Both are counted in ticks, so the difference may fall slightly below zero.
        let within = |whole: u64| own <= whole.saturating_add(OWN_SLACK_NS).saturating_add(whole / 10);
        let broken = match (within(work.total_ns), within(busy)) {
            (true, true) => {
                readings.other_busy_ns = Some(busy.saturating_sub(own));
                return;
            }
            (true, false) => KernelCounter::Busy,
            (false, _) => KernelCounter::ProcessorTime,
        };
        let [own, busy, whole] = [own, busy, work.total_ns].map(|ns| ns as f64 / 1e9);
        let seen = format!("of {whole:.2} s the runner worked {own:.2} s, and all programs together {busy:.2} s");
        readings.broken_counters.push(BrokenCounter { counter: broken, seen });
    }
}

/// The control groups of this process, in one line.
fn control_groups(root: &SystemRoot) -> Option<String> {
    Some(root.text("proc/self/cgroup")?.lines().collect::<Vec<_>>().join(" "))
}

/// How long a process was stopped.
#[derive(Debug, Default)]
struct StoppedTime {
    /// When it was last seen, if it was stopped then.
    seen: Option<MonotonicNs>,
    total_ns: u64,
}

impl StoppedTime {
    fn add(&mut self, at: MonotonicNs, is_stopped: bool) {
        if let Some(seen) = self.seen.filter(|_| is_stopped) {
            self.total_ns = self.total_ns.saturating_add(at.since(seen));
        }
        self.seen = is_stopped.then_some(at);
    }
}

/// `None` unless the kernel reports all three classes: a sum with a part missing would be a wrong number.
fn memory_reading(at: MonotonicNs, memory: ProcessMemory) -> Option<MemoryReading> {
    Some(MemoryReading {
        at,
        anonymous_bytes: memory.anonymous_bytes?,
        file_bytes: memory.file_bytes?,
        shared_bytes: memory.shared_bytes?,
        // Kernels without such pages do not mention them.
        huge_bytes: memory.huge_bytes.unwrap_or(0),
    })
}

/// The largest sum of ordinary and huge pages so far. The kernel keeps a high-water mark of the ordinary ones only.
#[derive(Debug, Default)]
struct PeakWithHugePages {
    /// As last read.
    high_water: u64,
    huge: u64,
    peak: u64,
    seen: bool,
}

impl PeakWithHugePages {
    /// The sum after one more reading; `None` as long as there are no huge pages.
    ///
    /// Where the high-water mark has risen since the last reading, it was reached in between, together with as many huge pages
    /// as before or now: the larger number counts.
    fn after(&mut self, memory: &ProcessMemory) -> Option<u64> {
        let huge = memory.huge_bytes.unwrap_or(0);
        let parts = [memory.anonymous_bytes, memory.file_bytes, memory.shared_bytes];
        let resident = parts.into_iter().flatten().fold(0, u64::saturating_add);
        let high_water = memory.peak_bytes.unwrap_or(resident);
        let now = match high_water > self.high_water {
            true => high_water.saturating_add(huge.max(self.huge)),
            false => resident.saturating_add(huge),
        };
        self.peak = self.peak.max(now);
        self.high_water = high_water;
        self.huge = huge;
        self.seen |= huge > 0;
        self.seen.then_some(self.peak)
    }
}

/// Keeps the first and the last reading of a plateau: an hour of decoding changes nothing, and records stay small.
pub(super) fn push(readings: &mut Vec<MemoryReading>, next: MemoryReading) {
    let same = |one: &MemoryReading, other: &MemoryReading| MemoryReading { at: other.at, ..*one } == *other;
    plateau::push(readings, next, same, |last, next| last.at = next.at);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Resident, high-water mark and huge pages.
    fn peak(readings: &[(u64, u64, u64)]) -> Option<u64> {
        let mut peak = PeakWithHugePages::default();
        let after = |&(resident, high_water, huge): &(u64, u64, u64)| {
            peak.after(&ProcessMemory {
                anonymous_bytes: Some(resident),
                peak_bytes: Some(high_water),
                huge_bytes: Some(huge),
                ..ProcessMemory::default()
            })
        };
        readings.iter().map(after).last().flatten()
    }

    #[test]
    fn only_time_between_two_looks_at_a_stopped_process_counts() {
        let mut stopped = StoppedTime::default();
        for (at, is_stopped) in [(1, false), (2, true), (5, true), (9, false), (10, true), (11, true)] {
            stopped.add(MonotonicNs(at), is_stopped);
        }
        assert_eq!(stopped.total_ns, 3 + 1);
    }

    #[test]
    fn huge_pages_are_added_to_what_was_resident_beside_them() {
        assert_eq!(peak(&[(6, 6, 0), (5, 6, 0)]), None, "without such pages the kernel's own mark is the peak");
        assert_eq!(peak(&[(1, 1, 0), (6, 6, 6)]), Some(12));
        // Loading takes 100 for a moment, and huge pages come afterwards.
        assert_eq!(peak(&[(10, 100, 0), (10, 100, 40)]), Some(100));
        // The mark was reached between two readings with huge pages.
        assert_eq!(peak(&[(10, 10, 40), (20, 90, 30)]), Some(130));
    }
}

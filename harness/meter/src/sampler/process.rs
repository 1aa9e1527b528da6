use pocketwatt_protocol::{Clock, MonotonicClock, MonotonicNs};

use crate::{
    CaseReadings, MemoryReading, ProcessMemory, ProcessMeter, SystemRoot, SystemTimes, plateau, read_system_times,
};

/// The runner, and what the rest of the machine did while it lived.
#[derive(Debug)]
pub(super) struct ProcessReader {
    root: SystemRoot,
    process: ProcessMeter,
    system_start: Option<SystemTimes>,
    cpu_start_ns: Option<u64>,
    cpu_ns: Option<u64>,
}

impl ProcessReader {
    pub(super) fn new(root: &SystemRoot, mut process: ProcessMeter) -> Self {
        let system_start = read_system_times(root);
        let cpu_start_ns = process.processor_ns();
        Self { root: root.clone(), process, system_start, cpu_start_ns, cpu_ns: None }
    }

    pub(super) fn read(&mut self, readings: &mut CaseReadings) {
        let at = MonotonicClock.now();
        // A process that has died keeps what was read of it while it lived.
        if let Some(memory) = self.process.memory() {
            readings.peak_resident_bytes = memory.peak_bytes.or(readings.peak_resident_bytes);
            if let Some(reading) = memory_reading(at, memory) {
                push(&mut readings.memory, reading);
            }
        }
        self.cpu_ns = self.process.processor_ns().or(self.cpu_ns);
        self.process.read_run_queue();
    }

    pub(super) fn finish(self, readings: &mut CaseReadings) {
        readings.run_queue_wait_ns = self.process.run_queue_wait_ns();
        let Some((start, end)) = self.system_start.zip(read_system_times(&self.root)) else { return };
        readings.steal_ns = end.steal_ns.checked_sub(start.steal_ns);
        readings.system_cpu_ns = end.total_ns.checked_sub(start.total_ns);
        let own = self.cpu_ns.zip(self.cpu_start_ns).map(|(end, start)| end.saturating_sub(start));
        readings.other_busy_ns = end
            .busy_ns
            .checked_sub(start.busy_ns)
            .zip(own)
            // Both are counted in ticks, so the difference may fall below zero by one of them.
            .map(|(busy, own)| busy.saturating_sub(own));
    }
}

/// Only where the kernel tells all three classes: a sum with a part missing would be a wrong number.
fn memory_reading(at: MonotonicNs, memory: ProcessMemory) -> Option<MemoryReading> {
    Some(MemoryReading {
        at,
        anonymous_bytes: memory.anonymous_bytes?,
        file_bytes: memory.file_bytes?,
        shared_bytes: memory.shared_bytes?,
    })
}

/// Keeps the first and the last reading of a plateau: decoding for an hour changes nothing, and records stay small.
pub(super) fn push(readings: &mut Vec<MemoryReading>, next: MemoryReading) {
    let same = |one: &MemoryReading, other: &MemoryReading| MemoryReading { at: other.at, ..*one } == *other;
    plateau::push(readings, next, same, |last, next| last.at = next.at);
}

use std::{
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread::{self, JoinHandle},
    time::Duration,
};

use pocketwatt_protocol::{Clock, MonotonicClock, MonotonicNs, thread_cpu_ns};

use crate::{
    CaseReadings, MemoryReading, MeterError, ProcessMemory, ProcessMeter, SamplerCost, SystemRoot, SystemTimes,
    read_system_times,
};

/// A thread that reads beside a runner. It sleeps between readings, and measures what it costs.
#[derive(Debug)]
pub struct Sampler {
    stop: Sender<()>,
    thread: JoinHandle<CaseReadings>,
}

impl Sampler {
    /// Ten readings a second: a peak is in the kernel's own high-water mark anyhow, the samples show when it was.
    pub const DEFAULT_PERIOD: Duration = Duration::from_millis(100);

    /// Starts reading a living process.
    ///
    /// # Errors
    /// When it is gone already or may not be looked at, or the thread cannot be started.
    pub fn start(root: &SystemRoot, pid: u32, period: Duration) -> Result<Self, MeterError> {
        let process = ProcessMeter::open(root, pid)?;
        let mut session = SamplerSession::new(root.clone(), process);
        let (stop, stopped) = channel();
        let thread = thread::Builder::new()
            .name("sampler".into())
            .spawn(move || {
                session.read_until(&stopped, period);
                session.finish()
            })
            .map_err(MeterError::Thread)?;
        Ok(Self { stop, thread })
    }

    /// Takes a last reading, while the process still lives, and returns them all.
    pub fn stop(self) -> CaseReadings {
        // Dropping the sender wakes the thread.
        drop(self.stop);
        // It can only have panicked; then there are no readings, and every metric of them says so.
        self.thread.join().unwrap_or_default()
    }
}

struct SamplerSession {
    root: SystemRoot,
    process: ProcessMeter,
    readings: CaseReadings,
    start: MonotonicNs,
    cpu_start_ns: u64,
    system_start: Option<SystemTimes>,
    process_cpu_start_ns: Option<u64>,
    process_cpu_ns: Option<u64>,
}

impl SamplerSession {
    fn new(root: SystemRoot, mut process: ProcessMeter) -> Self {
        let system_start = read_system_times(&root);
        let process_cpu_start_ns = process.processor_ns();
        Self {
            root,
            process,
            readings: CaseReadings::default(),
            start: MonotonicClock.now(),
            cpu_start_ns: 0,
            system_start,
            process_cpu_start_ns,
            process_cpu_ns: None,
        }
    }

    fn read_until(&mut self, stopped: &Receiver<()>, period: Duration) {
        self.cpu_start_ns = thread_cpu_ns();
        loop {
            self.read();
            match stopped.recv_timeout(period) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(()) | Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.read();
    }

    fn read(&mut self) {
        self.readings.sampler.reads += 1;
        let at = MonotonicClock.now();
        // A process that has died keeps what was read of it while it lived.
        if let Some(memory) = self.process.memory() {
            self.readings.peak_resident_bytes = memory.peak_bytes.or(self.readings.peak_resident_bytes);
            if let Some(reading) = memory_reading(at, memory) {
                push(&mut self.readings.memory, reading);
            }
        }
        self.process_cpu_ns = self.process.processor_ns().or(self.process_cpu_ns);
        self.process.read_run_queue();
    }

    fn finish(mut self) -> CaseReadings {
        self.readings.run_queue_wait_ns = self.process.run_queue_wait_ns();
        if let Some((start, end)) = self.system_start.zip(read_system_times(&self.root)) {
            self.readings.steal_ns = end.steal_ns.checked_sub(start.steal_ns);
            self.readings.system_cpu_ns = end.total_ns.checked_sub(start.total_ns);
            let own = self.process_cpu_ns.zip(self.process_cpu_start_ns).map(|(end, start)| end.saturating_sub(start));
            self.readings.other_busy_ns = end
                .busy_ns
                .checked_sub(start.busy_ns)
                .zip(own)
                // Both are counted in ticks, so the difference may fall below zero by one of them.
                .map(|(busy, own)| busy.saturating_sub(own));
        }
        self.readings.sampler = SamplerCost {
            reads: self.readings.sampler.reads,
            cpu_ns: thread_cpu_ns().saturating_sub(self.cpu_start_ns),
            wall_ns: MonotonicClock.now().since(self.start),
        };
        self.readings
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
fn push(readings: &mut Vec<MemoryReading>, next: MemoryReading) {
    let same = |reading: &MemoryReading| MemoryReading { at: next.at, ..*reading } == next;
    if let [.., before, last] = readings.as_mut_slice()
        && same(before)
        && same(last)
    {
        last.at = next.at;
        return;
    }
    readings.push(next);
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        process::{Command, Stdio},
    };

    use super::*;

    fn reading(at: u64, anonymous_bytes: u64) -> MemoryReading {
        MemoryReading { at: MonotonicNs(at), anonymous_bytes, file_bytes: 1, shared_bytes: 0 }
    }

    #[test]
    fn a_plateau_keeps_its_ends() {
        let mut readings = Vec::new();
        for (at, bytes) in [(1, 5), (2, 5), (3, 5), (4, 5), (5, 8), (6, 8), (7, 5)] {
            push(&mut readings, reading(at, bytes));
        }
        let kept: Vec<(u64, u64)> = readings.iter().map(|reading| (reading.at.0, reading.anonymous_bytes)).collect();
        assert_eq!(kept, [(1, 5), (4, 5), (5, 8), (6, 8), (7, 5)]);
    }

    /// A process that takes 64 MiB, says so, and waits to be let go.
    #[test]
    fn the_memory_of_a_real_process_is_found() {
        const TAKEN: u64 = 64 << 20;
        let program = format!("import sys; taken = b'x' * {TAKEN}; print('ready', flush=True); sys.stdin.read()");
        let mut child = Command::new("python3")
            .args(["-c", &program])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let sampler = Sampler::start(&SystemRoot::real(), child.id(), Duration::from_secs(60)).unwrap();
        let mut ready = [0; 5];
        child.stdout.take().unwrap().read_exact(&mut ready).unwrap();
        let readings = sampler.stop();
        child.stdin.take().unwrap().write_all(b"go").unwrap();
        child.wait().unwrap();

        let last = readings.memory.last().unwrap();
        assert!((TAKEN..TAKEN * 5 / 4).contains(&last.anonymous_bytes), "{last:?}");
        let peak = readings.peak_resident_bytes.unwrap();
        assert!((last.anonymous_bytes..TAKEN * 3 / 2).contains(&peak), "{peak}");
        assert!(readings.sampler.reads >= 2 && readings.sampler.cpu_ns > 0, "{:?}", readings.sampler);
        assert!(readings.run_queue_wait_ns.is_some() && readings.other_busy_ns.is_some());
    }

    #[test]
    fn a_process_that_died_keeps_what_was_read() {
        let mut child = Command::new("python3").args(["-c", "input()"]).stdin(Stdio::piped()).spawn().unwrap();
        let mut session =
            SamplerSession::new(SystemRoot::real(), ProcessMeter::open(&SystemRoot::real(), child.id()).unwrap());
        session.read();
        child.kill().unwrap();
        child.wait().unwrap();
        session.read();
        let readings = session.finish();
        assert!(readings.peak_resident_bytes.is_some());
        assert_eq!(readings.memory.len(), 1);
    }
}

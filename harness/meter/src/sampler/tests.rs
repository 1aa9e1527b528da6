use std::{
    io::{Read, Write},
    process::{Command as Program, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use super::{process::push, *};
use crate::{
    MemoryReading,
    energy::{Basis, Measurand, MeterInfo, MeterSource, Moment, RawReading, Reason, Scope, Unavailable, UpdatePeriod},
};

/// Longer than any test: only edges and commands bring rounds.
const NEVER: Duration = Duration::from_secs(600);

/// Counts its readings, and fails from one of them on.
#[derive(Debug)]
struct CountingMeter {
    info: MeterInfo,
    reads: Arc<AtomicU32>,
    fails_from: u32,
    failure: Reason,
}

fn meter(update_ns: u64, fails_from: u32, failure: Reason) -> (Box<dyn EnergyMeter>, Arc<AtomicU32>) {
    let reads = Arc::new(AtomicU32::new(0));
    let info = MeterInfo {
        id: "test:one".into(),
        source: MeterSource::Powercap,
        scope: Scope::Package,
        part: "one".into(),
        path: "none".into(),
        measurand: Measurand::EnergyCounter { joules_per_unit: 1e-6, modulus: None },
        unit_basis: Basis::Documented,
        resolution: 1,
        update_period: Some(UpdatePeriod { ns: update_ns, basis: Basis::Documented }),
        gain_error: None,
        power_limit_watts: None,
    };
    (Box::new(CountingMeter { info, reads: reads.clone(), fails_from, failure }), reads)
}

impl EnergyMeter for CountingMeter {
    fn info(&self) -> &MeterInfo {
        &self.info
    }

    fn read(&mut self) -> Result<RawReading, Unavailable> {
        let count = self.reads.fetch_add(1, Ordering::SeqCst) + 1;
        if count >= self.fails_from {
            Err(Unavailable::new(self.failure, "test"))
        } else {
            Ok(RawReading::new(count.into()))
        }
    }
}

/// A process that takes 64 MiB, says so, and waits to be released. Its output must stay open: Python may write the end of the
/// line separately, and would die of a closed pipe.
const TAKEN: u64 = 64 << 20;

fn waiting_process() -> std::process::Child {
    let program = format!("import sys; taken = b'x' * {TAKEN}; print('ready', flush=True); sys.stdin.read()");
    let mut command = Program::new("python3");
    command.args(["-c", &program]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
}

#[test]
fn a_plateau_keeps_its_ends() {
    let mut readings = Vec::new();
    for (at, bytes) in [(1, 5), (2, 5), (3, 5), (4, 5), (5, 8), (6, 8), (7, 5)] {
        push(
            &mut readings,
            MemoryReading {
                at: MonotonicNs(at),
                anonymous_bytes: bytes,
                file_bytes: 1,
                shared_bytes: 0,
                huge_bytes: 0,
            },
        );
    }
    let kept: Vec<(u64, u64)> = readings.iter().map(|reading| (reading.at.0, reading.anonymous_bytes)).collect();
    assert_eq!(kept, [(1, 5), (4, 5), (5, 8), (6, 8), (7, 5)]);
}

#[test]
fn the_memory_of_a_real_process_is_found() {
    let mut child = waiting_process();
    let sampler = Sampler::start(&SystemRoot::real(), Vec::new(), NEVER).unwrap();
    sampler.watch(child.id(), None).unwrap();
    child.stdout.as_mut().unwrap().read_exact(&mut [0; 5]).unwrap();
    sampler.release();
    child.stdin.take().unwrap().write_all(b"go").unwrap();
    child.wait().unwrap();
    let readings = sampler.stop().readings;

    let last = readings.memory.last().unwrap();
    assert!((TAKEN..TAKEN * 5 / 4).contains(&last.anonymous_bytes), "{:?}", readings.memory);
    let peak = readings.peak_resident_bytes.unwrap();
    assert!((last.anonymous_bytes..TAKEN * 3 / 2).contains(&peak), "{peak}");
    assert!(readings.sampler.reads >= 2 && readings.sampler.cpu_ns > 0, "{:?}", readings.sampler);
    assert!(readings.run_queue_wait_ns.is_some() && readings.other_busy_ns.is_some());
}

#[test]
fn a_process_that_died_keeps_what_was_read() {
    let mut child = waiting_process();
    child.stdout.as_mut().unwrap().read_exact(&mut [0; 5]).unwrap();
    let sampler = Sampler::start(&SystemRoot::real(), Vec::new(), NEVER).unwrap();
    sampler.watch(child.id(), None).unwrap();
    // The answer to a first release means that the first round was read.
    let (done, wait) = channel();
    sampler.send(Command::Release(done));
    wait.recv().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    sampler.release();
    let readings = sampler.stop().readings;
    assert!(readings.peak_resident_bytes.is_some());
    assert!(!readings.memory.is_empty());
}

#[test]
fn a_request_that_the_socket_does_not_hold_is_written_whole_while_edges_are_watched() {
    const REQUEST: usize = 10 << 20;
    let sampler = Sampler::start(&SystemRoot::real(), Vec::new(), NEVER).unwrap();
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let mut request_end = ours.try_clone().unwrap();
    sampler.watch(std::process::id(), Some(ours)).unwrap();
    let written = thread::spawn(move || request_end.write_all(&vec![b'x'; REQUEST]));
    let (mut read, mut buffer) = (0, vec![0; 1 << 20]);
    while read < REQUEST {
        // Slower than the writer, and with edges in between.
        theirs.write_all(b".").unwrap();
        thread::sleep(Duration::from_millis(1));
        let some = theirs.read(&mut buffer).unwrap();
        assert!(some > 0, "the request ends after {read} of {REQUEST} bytes");
        read += some;
    }
    written.join().unwrap().unwrap();
    sampler.stop();
}

#[test]
fn an_edge_is_read_at_once_by_quick_meters() {
    let (quick, quick_reads) = meter(1_000_000, u32::MAX, Reason::Vanished);
    let (slow, slow_reads) = meter(1_000_000_000, u32::MAX, Reason::Vanished);
    let sampler = Sampler::start(&SystemRoot::real(), vec![quick, slow], NEVER).unwrap();
    let (ours, theirs) = UnixStream::pair().unwrap();
    sampler.watch(std::process::id(), Some(ours)).unwrap();
    let wait_for = |count: u32| {
        while quick_reads.load(Ordering::SeqCst) < count {
            thread::yield_now();
        }
    };
    // The first round of the thread, and the first one with the process.
    wait_for(2);
    for edge in 1..=3 {
        let due = MonotonicClock.now().0 + 2 * CLOSEST_EDGES_NS;
        while MonotonicClock.now().0 < due {
            thread::yield_now();
        }
        (&theirs).write_all(b".").unwrap();
        wait_for(2 + edge);
    }
    assert_eq!(slow_reads.load(Ordering::SeqCst), 2, "a slow meter has nothing new at an edge");
    // The runner's end is closed, and the thread neither ends nor spins.
    drop(theirs);
    sampler.release();
    let sampled = sampler.stop();
    let series = &sampled.readings.energy[0];
    assert_eq!(series.taken, u64::from(quick_reads.load(Ordering::SeqCst)));
    assert!(series.readings.is_sorted_by(|one, other| one.at < other.at && one.value < other.value));
    assert_eq!(sampled.meters.len(), 2, "the meters come back for the next case");
}

#[test]
fn a_meter_that_vanishes_ends_and_one_that_stutters_goes_on() {
    for (failure, fails_from, taken, ended) in
        [(Reason::Vanished, 2, 1, true), (Reason::Unreadable, 3, 2, false), (Reason::ChargerConnected, 1, 0, true)]
    {
        let (broken, _) = meter(1_000_000, fails_from, failure);
        let mut reader = MeterReader::new(broken);
        for _ in 0..4 {
            reader.read(Moment::Regular);
        }
        let (series, _) = reader.finish();
        assert_eq!(series.taken, taken, "{failure:?}");
        assert_eq!(series.ended.is_some_and(|end| end.unavailable.reason == failure), ended, "{failure:?}");
    }
}

mod meters;
mod process;
mod standstill;

use std::{
    io::Read,
    os::unix::net::UnixStream,
    sync::mpsc::{Receiver, Sender, channel},
    thread::{self, JoinHandle},
    time::Duration,
};

use pocketwatt_protocol::{Clock, MonotonicClock, MonotonicNs, thread_cpu_ns};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    net::{RecvFlags, recv},
};

use self::{meters::MeterReader, process::ProcessReader, standstill::Standstill};
use crate::{
    CaseReadings, ContextProbe, ContextSeries, LentAffinity, LimitReading, Limits, MeterError, ProcessMeter,
    SamplerCost, SystemRoot,
    energy::{EnergyMeter, Moment},
};

/// Edges of phases closer together than this share a reading.
const CLOSEST_EDGES_NS: u64 = 500_000;
/// Temperatures, frequencies and limits change slowly: they are read in every fifth regular round.
const ROUNDS_PER_CONTEXT: u64 = 5;

/// A thread that reads beside a case: energy meters from before the runner is started until after it has ended, and the
/// runner's memory while it lives. It sleeps between rounds of reading, and measures its own cost.
#[derive(Debug)]
pub struct Sampler {
    root: SystemRoot,
    commands: Sender<Command>,
    /// Wakes the thread; closed to end it.
    doorbell: UnixStream,
    thread: JoinHandle<Sampled>,
}

/// What a sampler has read, and the meters for the next one.
#[derive(Debug, Default)]
pub struct Sampled {
    /// All readings. The caller fills in the idle windows.
    pub readings: CaseReadings,
    /// The meters, still open.
    pub meters: Vec<Box<dyn EnergyMeter>>,
}

#[derive(Debug)]
enum Command {
    /// A runner was started.
    Watch(Box<ProcessReader>, Option<UnixStream>),
    /// The runner is about to be released: the last moment to read its memory. Answered when that is done.
    Release(Sender<()>),
}

impl Sampler {
    /// Ten rounds a second: the kernel's own high-water mark has every peak of memory, and energy counters are also read
    /// at the edges of phases.
    pub const DEFAULT_PERIOD: Duration = Duration::from_millis(100);

    /// Starts reading `meters`, and returns when each was read once, so that readings cover whatever begins then.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn start(root: &SystemRoot, meters: Vec<Box<dyn EnergyMeter>>, period: Duration) -> Result<Self, MeterError> {
        let (doorbell, bell) = UnixStream::pair().map_err(MeterError::Thread)?;
        let (commands, orders) = channel();
        let context = ContextProbe::open(root);
        let (read_once, wait) = channel();
        let spawned = thread::Builder::new()
            .name("sampler".into())
            .spawn(move || Session::new(meters, context, orders, bell).run(period, &read_once));
        let thread = spawned.map_err(MeterError::Thread)?;
        // It fails only after a panic, which `stop` handles.
        let _ = wait.recv();
        Ok(Self { root: root.clone(), commands, doorbell, thread })
    }

    /// From now on, also reads a living process, and all meters at once whenever a byte arrives on `edges`.
    ///
    /// # Errors
    /// When the process is already gone or may not be inspected.
    pub fn watch(&self, pid: u32, edges: Option<UnixStream>) -> Result<(), MeterError> {
        let process = ProcessReader::new(&self.root, ProcessMeter::open(&self.root, pid)?);
        self.send(Command::Watch(Box::new(process), edges));
        Ok(())
    }

    /// Reads the process a last time while it still lives; the meters are still read afterwards.
    pub fn release(&self) {
        let (done, wait) = channel();
        self.send(Command::Release(done));
        // It fails only after a panic, which `stop` handles.
        let _ = wait.recv();
    }

    /// Takes a last reading of the meters, and returns all readings.
    pub fn stop(self) -> Sampled {
        drop(self.doorbell);
        // It fails only after a panic; then there are no readings, and every metric that needs them says so.
        self.thread.join().unwrap_or_default()
    }

    fn send(&self, command: Command) {
        use std::io::Write;
        // Both fail only when the thread is gone, which `stop` handles.
        let _ = self.commands.send(command);
        let _ = (&self.doorbell).write_all(b".");
    }
}

/// What the thread was woken by.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wake {
    Time,
    Edge,
    Command,
    Stop,
}

struct Session {
    meters: Vec<MeterReader>,
    context: ContextProbe,
    process: Option<ProcessReader>,
    edges: Option<UnixStream>,
    orders: Receiver<Command>,
    bell: UnixStream,
    readings: CaseReadings,
    rounds: u64,
    /// Whether the next round is the first or the last one.
    at_boundary: bool,
    latest: MonotonicNs,
    /// When the process was first read, and the thread's processor time at that moment.
    watched_from: (MonotonicNs, u64),
}

impl Session {
    fn new(
        meters: Vec<Box<dyn EnergyMeter>>,
        context: ContextProbe,
        orders: Receiver<Command>,
        bell: UnixStream,
    ) -> Self {
        Self {
            meters: meters.into_iter().map(MeterReader::new).collect(),
            at_boundary: true,
            context,
            process: None,
            edges: None,
            orders,
            bell,
            readings: CaseReadings::default(),
            rounds: 0,
            latest: MonotonicNs(0),
            watched_from: (MonotonicNs(0), 0),
        }
    }

    fn run(mut self, period: Duration, read_once: &Sender<()>) -> Sampled {
        let period_ns = u64::try_from(period.as_nanos()).unwrap_or(u64::MAX);
        self.regular_round();
        let mut due = MonotonicNs(MonotonicClock.now().0.saturating_add(period_ns));
        let mut standstill = Standstill::new();
        // It fails only if the sampler is gone, and then nothing waits for it.
        let _ = read_once.send(());
        loop {
            let asleep_from = MonotonicClock.now();
            let wake = self.wait(due.since(asleep_from));
            standstill.woke(MonotonicNs(due.0.max(asleep_from.0)), MonotonicClock.now());
            match wake {
                Wake::Time => self.regular_round(),
                Wake::Edge => self.edge_round(),
                Wake::Command => self.obey(&mut standstill),
                Wake::Stop => break,
            }
            if wake == Wake::Time {
                // A late round does not make the following ones hurry.
                due = MonotonicNs(MonotonicClock.now().0.max(due.0.saturating_add(period_ns)));
            }
        }
        self.read_meters(Moment::Boundary);
        self.read_limits();
        let mut readings = self.readings;
        let mut meters = Vec::new();
        for reader in self.meters {
            let (series, meter) = reader.finish();
            readings.energy.push(series);
            meters.push(meter);
        }
        Sampled { readings, meters }
    }

    /// Sleeps until a byte arrives somewhere, at most for `rest_ns`.
    fn wait(&mut self, rest_ns: u64) -> Wake {
        let timeout = Timespec {
            tv_sec: i64::try_from(rest_ns / 1_000_000_000).unwrap_or(i64::MAX),
            tv_nsec: (rest_ns % 1_000_000_000) as _,
        };
        let (rung, edge) = {
            let mut sources = vec![PollFd::new(&self.bell, PollFlags::IN)];
            sources.extend(self.edges.as_ref().map(|edges| PollFd::new(edges, PollFlags::IN)));
            if poll(&mut sources, Some(&timeout)).is_err() {
                // A signal; the round comes a little early.
                return Wake::Time;
            }
            let ready = |source: &PollFd| !source.revents().is_empty();
            (sources.first().is_some_and(ready), sources.get(1).is_some_and(ready))
        };
        if edge {
            let open = self.edges.as_mut().is_some_and(drain);
            if open {
                return Wake::Edge;
            }
            self.edges = None;
        }
        match rung {
            true if self.bell.read(&mut [0]).is_ok_and(|read| read > 0) => Wake::Command,
            true => Wake::Stop,
            false => Wake::Time,
        }
    }

    fn obey(&mut self, standstill: &mut Standstill) {
        match self.orders.try_recv() {
            Ok(Command::Watch(process, edges)) => {
                self.watched_from = (MonotonicClock.now(), thread_cpu_ns());
                // What was before the runner is not its own.
                standstill.take(0);
                self.rounds = 0;
                self.process = Some(*process);
                self.edges = edges;
                self.regular_round();
            }
            Ok(Command::Release(done)) => {
                self.regular_round();
                if let Some(process) = self.process.take() {
                    self.readings.frozen_ns = standstill.take(process.stopped_ns());
                    process.finish(&mut self.readings);
                }
                self.edges = None;
                let (from, cpu) = self.watched_from;
                self.readings.sampler = SamplerCost {
                    reads: self.rounds,
                    cpu_ns: thread_cpu_ns().saturating_sub(cpu),
                    wall_ns: MonotonicClock.now().since(from),
                };
                let _ = done.send(());
            }
            Err(_) => {}
        }
    }

    fn regular_round(&mut self) {
        let moment = if std::mem::take(&mut self.at_boundary) { Moment::Boundary } else { Moment::Regular };
        self.read_meters(moment);
        if let Some(process) = &mut self.process {
            process.read(&mut self.readings);
        }
        if self.rounds.is_multiple_of(ROUNDS_PER_CONTEXT) {
            self.read_context();
        }
        self.rounds += 1;
    }

    fn edge_round(&mut self) {
        if MonotonicClock.now().since(self.latest) >= CLOSEST_EDGES_NS {
            self.read_meters(Moment::PhaseEdge);
            self.rounds += 1;
        }
    }

    fn read_meters(&mut self, moment: Moment) {
        // Those that may take long come last, so that they do not hold up the others.
        for own_pace in [false, true] {
            for meter in self.meters.iter_mut().filter(|meter| meter.has_own_pace() == own_pace) {
                meter.read(moment);
            }
        }
        self.latest = MonotonicClock.now();
    }

    fn read_context(&mut self) {
        let at = MonotonicClock.now();
        let context = self.context.read();
        let readings = &mut self.readings;
        for (name, celsius) in context.temperatures {
            add(&mut readings.temperatures, &name, at, celsius);
        }
        for (name, hertz) in [("mean", context.mean_hz), (ContextSeries::FASTEST, context.max_hz)] {
            if let Some(hertz) = hertz {
                add(&mut readings.frequencies, name, at, hertz);
            }
        }
        self.read_limits();
    }

    fn read_limits(&mut self) {
        let Some(limits) = LentAffinity::unless_lent(|| self.context.limits()) else { return };
        let Limits { processors, highest_hz } = limits;
        if processors.is_none() && highest_hz.is_empty() {
            return;
        }
        self.readings.push_limit(LimitReading { at: MonotonicClock.now(), processors, highest_hz });
    }
}

fn add(series: &mut Vec<ContextSeries>, name: &str, at: MonotonicNs, value: f64) {
    let reading = crate::ContextReading { at, value };
    match series.iter_mut().find(|series| series.name == name) {
        Some(series) => series.readings.push(reading),
        None => series.push(ContextSeries { name: name.to_owned(), readings: vec![reading] }),
    }
}

/// Takes all bytes that have arrived; false when the other end is closed. Only these reads do not block: the socket itself must
/// stay blocking, because another handle of it may be writing a request that is larger than its buffer.
fn drain(edges: &mut UnixStream) -> bool {
    let mut buffer = [0; 64];
    loop {
        match recv(&*edges, &mut buffer, RecvFlags::DONTWAIT) {
            Ok((_, 0)) => return false,
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return error == Errno::AGAIN,
        }
    }
}

#[cfg(test)]
mod tests;

//! The energy meters of a run, read beside one case after the other.

use std::{os::unix::net::UnixStream, time::Duration};

use pocketwatt_meter::{
    CaseReadings, IdleWindows, MeterError, Sampler, SystemRoot, TimeSpan, boot_id,
    energy::{EnergyMeter, Unavailable},
};
use pocketwatt_protocol::{Clock, MonotonicClock};

use super::Mailbox;

/// An ended activity keeps the device busy for a moment: a hash, a process that frees its memory. This time does not count as idle.
const CALM_DOWN: Duration = Duration::from_millis(300);

/// The meters that are read beside every case.
#[derive(Debug)]
pub struct CaseMeters {
    root: SystemRoot,
    meters: Vec<Box<dyn EnergyMeter>>,
    /// Why there are none.
    none: Option<Unavailable>,
    idle: Duration,
}

impl CaseMeters {
    /// `meters`, or why there are `none`; the device is left idle for `idle` before and after each case.
    pub fn new(root: SystemRoot, meters: Vec<Box<dyn EnergyMeter>>, none: Option<Unavailable>, idle: Duration) -> Self {
        Self { root, meters, none, idle }
    }

    /// Which start of the device this is.
    pub(super) fn boot_id(&self) -> Option<String> {
        boot_id(&self.root)
    }

    /// Begins reading at once.
    pub(super) fn begin_at_once(&mut self) -> CaseSampler<'_> {
        let meters = std::mem::take(&mut self.meters);
        let idle = if meters.is_empty() { Duration::ZERO } else { self.idle };
        // Its thread fails to start only when the system is out of memory; then the meters are gone with it, and the
        // records say that there are no readings.
        let sampler = Sampler::start(&self.root, meters, Sampler::DEFAULT_PERIOD).map_err(tell).ok();
        CaseSampler { meters: self, sampler, idle, windows: None }
    }

    /// Reads the idle device and nothing else, and says when, unless there are no meters; `None` when the user wants to stop.
    pub(super) fn idle(&mut self, mailbox: &mut Mailbox) -> Option<(CaseReadings, Option<TimeSpan>)> {
        let case = self.begin_at_once();
        match case.rest(mailbox) {
            Rest::Interrupted(_) => {
                case.end();
                None
            }
            Rest::Taken(window) => Some((case.end(), window)),
        }
    }

    /// Begins reading, with the idle device first; `None` when the user wants to stop.
    pub(super) fn begin(&mut self, mailbox: &mut Mailbox) -> Option<CaseSampler<'_>> {
        let mut case = self.begin_at_once();
        let before = case.rest(mailbox);
        match before {
            Rest::Interrupted(_) => {
                case.end();
                None
            }
            Rest::Taken(before) => {
                case.windows = before.map(|before| IdleWindows { before, after: None });
                Some(case)
            }
        }
    }
}

/// The readings beside one case.
#[derive(Debug)]
pub(super) struct CaseSampler<'a> {
    meters: &'a mut CaseMeters,
    sampler: Option<Sampler>,
    idle: Duration,
    windows: Option<IdleWindows>,
}

enum Rest {
    Taken(Option<TimeSpan>),
    Interrupted(Option<TimeSpan>),
}

impl CaseSampler<'_> {
    /// From now on, also reads a runner, and the meters at the edges that it signals.
    pub(super) fn watch(&self, runner: u32, edges: Option<UnixStream>) -> Result<(), MeterError> {
        self.sampler.as_ref().map_or(Ok(()), |sampler| sampler.watch(runner, edges))
    }

    /// Reads the runner a last time, before it is released.
    pub(super) fn release(&self) {
        if let Some(sampler) = &self.sampler {
            sampler.release();
        }
    }

    /// Leaves the device idle again. The user may interrupt that: the measurements stay.
    pub(super) fn rest_after(&mut self, mailbox: &mut Mailbox) {
        let (Rest::Taken(after) | Rest::Interrupted(after)) = self.rest(mailbox);
        if let Some(windows) = &mut self.windows {
            windows.after = after;
        }
    }

    /// All readings; the meters are ready for the next case.
    pub(super) fn end(mut self) -> CaseReadings {
        let sampled = self.sampler.take().map(Sampler::stop).unwrap_or_default();
        self.meters.meters = sampled.meters;
        let mut readings = sampled.readings;
        readings.idle = self.windows;
        readings.no_energy = self.meters.none.clone();
        readings
    }

    fn rest(&self, mailbox: &mut Mailbox) -> Rest {
        if self.idle.is_zero() {
            return Rest::Taken(None);
        }
        if mailbox.pause(CALM_DOWN) {
            return Rest::Interrupted(None);
        }
        let start = MonotonicClock.now();
        let interrupted = mailbox.pause(self.idle);
        let span = Some(TimeSpan { start, end: MonotonicClock.now() });
        if interrupted { Rest::Interrupted(span) } else { Rest::Taken(span) }
    }
}

fn tell(error: MeterError) {
    notice!("nothing is read beside the case: {:#}", anyhow::Error::from(error));
}

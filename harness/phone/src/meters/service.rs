//! A service of Android that a thread of its own asks: an answer is a process, which takes some tens of milliseconds, and may never
//! come. All meters of one report share its answers.

use std::{
    fmt::Debug,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use pocketwatt_meter::energy::{Moment, Reason, Unavailable};
use pocketwatt_protocol::{Clock, MonotonicClock, MonotonicNs};

use super::dumpsys::{Dumpsys, LIMIT};

/// Meters that ask within this time share an answer.
pub(super) const SHARED_NS: u64 = 200_000_000;

/// What a service said.
#[derive(Debug)]
pub(super) struct Answer<R> {
    /// Counted from 1.
    number: u64,
    /// When it was asked.
    pub(super) asked: MonotonicNs,
    /// Middle of the time that it took.
    pub(super) at: MonotonicNs,
    /// What it said.
    pub(super) report: Result<R, Unavailable>,
}

/// A service, with the thread that asks it.
#[derive(Debug)]
pub(super) struct Service<R> {
    shared: Arc<Shared<R>>,
    /// How old the latest answer becomes before the next is asked for.
    period: Duration,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared<R> {
    state: Mutex<State<R>>,
    changed: Condvar,
    stopped: AtomicBool,
}

#[derive(Debug)]
struct State<R> {
    latest: Option<Arc<Answer<R>>>,
    /// Whether another answer is wanted.
    is_wanted: bool,
    /// When the answer was asked for that is being waited for.
    in_progress: Option<MonotonicNs>,
}

impl<R> Shared<R> {
    fn state(&self) -> MutexGuard<'_, State<R>> {
        // Each change leaves the state whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<R: Send + Sync + Debug + 'static> Service<R> {
    /// Starts the thread, which asks when it is told to.
    ///
    /// # Errors
    /// [`Reason::Unreadable`] when the thread cannot be started.
    pub(super) fn start(
        dumpsys: Dumpsys,
        name: &'static str,
        read: fn(&str) -> Result<R, Unavailable>,
        period: Duration,
    ) -> Result<Self, Unavailable> {
        let state = State { latest: None, is_wanted: false, in_progress: None };
        let shared =
            Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new(), stopped: AtomicBool::new(false) });
        let of_thread = Arc::clone(&shared);
        let ask = move |stopped: &AtomicBool| dumpsys.print(name, stopped).and_then(|text| read(&text));
        let spawned = thread::Builder::new().name("dumpsys".into()).spawn(move || answer(&of_thread, ask));
        let refused = |error| Unavailable::new(Reason::Unreadable, format!("nothing asks dumpsys {name}: {error}"));
        Ok(Self { shared, period, thread: Some(spawned.map_err(refused)?) })
    }

    fn latest(&self) -> Option<Arc<Answer<R>>> {
        self.shared.state().latest.clone()
    }

    /// Asks for another answer if the latest is old, and waits for nothing.
    fn ask_when_due(&self, now: MonotonicNs) {
        let mut state = self.shared.state();
        let is_due =
            state.latest.as_ref().is_none_or(|latest| Duration::from_nanos(now.since(latest.asked)) >= self.period);
        if is_due && state.in_progress.is_none() && !state.is_wanted {
            state.is_wanted = true;
            self.shared.changed.notify_all();
        }
    }

    /// An answer that was asked for now or later. One that is being waited for ends at its time limit.
    fn answer_from(&self, now: MonotonicNs) -> Option<Arc<Answer<R>>> {
        const SLACK: Duration = Duration::from_secs(2);
        let until = MonotonicNs(now.0.saturating_add((LIMIT * 2 + SLACK).as_nanos() as u64));
        let mut state = self.shared.state();
        loop {
            if let Some(latest) = state.latest.as_ref().filter(|latest| latest.asked >= now) {
                return Some(Arc::clone(latest));
            }
            state.is_wanted |= state.in_progress.is_none_or(|asked| asked < now);
            self.shared.changed.notify_all();
            let rest = until.since(MonotonicClock.now());
            if rest == 0 {
                return None;
            }
            let waited = self.shared.changed.wait_timeout(state, Duration::from_nanos(rest));
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl<R> Drop for Service<R> {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
        // The lock is taken so that the thread does not miss it between its look and its sleep.
        drop(self.shared.state());
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // It fails only after a panic, and then there is nothing to end.
            let _ = thread.join();
        }
    }
}

/// Answers until the service is dropped.
fn answer<R>(shared: &Shared<R>, ask: impl Fn(&AtomicBool) -> Result<R, Unavailable>) {
    let mut number = 0;
    let mut state = shared.state();
    while !shared.stopped.load(Ordering::Relaxed) {
        if !state.is_wanted {
            state = shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            continue;
        }
        let asked = MonotonicClock.now();
        state.is_wanted = false;
        state.in_progress = Some(asked);
        drop(state);
        let report = ask(&shared.stopped);
        let at = MonotonicNs(asked.0.midpoint(MonotonicClock.now().0));
        number += 1;
        state = shared.state();
        state.in_progress = None;
        state.latest = Some(Arc::new(Answer { number, asked, at, report }));
        shared.changed.notify_all();
    }
}

/// One meter's view of a service: each answer once.
#[derive(Debug)]
pub(super) struct Reader<R> {
    service: Arc<Service<R>>,
    seen: u64,
}

impl<R: Send + Sync + Debug + 'static> Reader<R> {
    pub(super) fn new(service: &Arc<Service<R>>) -> Self {
        Self { service: Arc::clone(service), seen: 0 }
    }

    /// An answer that was not seen yet; at a boundary, one of now.
    pub(super) fn next(&mut self, moment: Moment) -> Option<Arc<Answer<R>>> {
        let now = MonotonicClock.now();
        let unseen = |answer: &Arc<Answer<R>>| answer.number > self.seen;
        let answer = match moment {
            Moment::Boundary => {
                let shared = self.service.latest().filter(unseen).filter(|latest| now.since(latest.asked) < SHARED_NS);
                shared.or_else(|| self.service.answer_from(now))
            }
            Moment::Regular | Moment::PhaseEdge => {
                self.service.ask_when_due(now);
                self.service.latest().filter(unseen)
            }
        }?;
        self.seen = answer.number;
        Some(answer)
    }
}

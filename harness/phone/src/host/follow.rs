//! Waiting for a job. One command on the phone says when something happens, and every half a minute that nothing does; the phone is
//! asked nothing else meanwhile. A connection that is lost is no end: the job goes on, and is found again.

use std::time::Duration;

use pocketwatt_protocol::{Clock, MonotonicClock, MonotonicNs};

use super::{Connection, HostError};
use crate::{
    adb::{LineStream, Serial, Streamed},
    job::{JobId, JobReport, JobState, WaitLine},
};

/// A beat comes so often.
const BEAT: Duration = Duration::from_secs(30);
/// Three beats that did not come.
const STALLED: Duration = Duration::from_secs(90);
/// The user's wish to stop is looked for so often.
const STEP: Duration = Duration::from_millis(200);
/// After a lost connection, the phone is looked for so often.
const RETRY: Duration = Duration::from_secs(3);

/// Something that happened to a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Followed {
    /// It is this far, and this was added to its log.
    Goes {
        /// How far.
        state: JobState,
        /// New lines.
        log: String,
    },
    /// The connection was lost: the job goes on without it.
    Lost {
        /// What happened.
        words: String,
    },
    /// It was found again.
    Found,
}

/// Follows a job.
#[derive(Debug)]
pub struct Follower<'a> {
    connection: Connection<'a>,
    job: JobId,
    /// The log is known up to here.
    log_bytes: u64,
    /// How long a phone may be out of reach.
    patience: Duration,
    beat: Duration,
    stalled: Duration,
}

/// How following ended.
#[derive(Debug)]
pub enum FollowEnd {
    /// The job has.
    Ended(JobReport),
    /// The user wants to do something else.
    Interrupted,
    /// The phone was out of reach for too long.
    Unreachable {
        /// What happened last.
        words: String,
    },
}

impl<'a> Follower<'a> {
    /// Of a job. A phone that is out of reach is waited for `patience`.
    pub fn new(connection: Connection<'a>, job: JobId, patience: Duration) -> Self {
        Self { connection, job, log_bytes: 0, patience, beat: BEAT, stalled: STALLED }
    }

    /// With another time between beats, of at least a second: three that do not come are a lost connection.
    pub fn with_beat(self, beat: Duration) -> Self {
        Self { beat, stalled: beat * 3, ..self }
    }

    /// Until the job has ended, the user stops it, or the phone is out of reach for too long.
    ///
    /// # Errors
    /// When adb does not start, or the phone's answer makes no sense.
    pub fn follow(
        &mut self,
        mut is_stopped: impl FnMut() -> bool,
        mut tell: impl FnMut(Followed),
    ) -> Result<FollowEnd, HostError> {
        let mut lost: Option<MonotonicNs> = None;
        loop {
            let stream = self.connection.wait(&self.job, self.beat, self.log_bytes)?;
            let words = match self.listen(&stream, &mut is_stopped, &mut |followed| {
                if lost.take().is_some() {
                    tell(Followed::Found);
                }
                tell(followed);
            })? {
                Listened::End(report) => return Ok(FollowEnd::Ended(report)),
                Listened::Interrupted => return Ok(FollowEnd::Interrupted),
                Listened::Lost(words) => words,
            };
            drop(stream);
            let since = match lost {
                Some(since) => since,
                None => {
                    tell(Followed::Lost { words: words.clone() });
                    *lost.insert(MonotonicClock.now())
                }
            };
            if MonotonicClock.now().since(since) >= self.patience.as_nanos() as u64 {
                return Ok(FollowEnd::Unreachable { words });
            }
            if pause(RETRY, &mut is_stopped) {
                return Ok(FollowEnd::Interrupted);
            }
            reconnect(&self.connection);
        }
    }

    fn listen(
        &mut self,
        stream: &LineStream,
        is_stopped: &mut impl FnMut() -> bool,
        tell: &mut impl FnMut(Followed),
    ) -> Result<Listened, HostError> {
        let mut heard = MonotonicClock.now();
        loop {
            if is_stopped() {
                return Ok(Listened::Interrupted);
            }
            match stream.next_within(STEP) {
                Streamed::Nothing if MonotonicClock.now().since(heard) < self.stalled.as_nanos() as u64 => {}
                Streamed::Nothing => {
                    return Ok(Listened::Lost(format!("no sign of life for {} s", self.stalled.as_secs())));
                }
                Streamed::Lost => return Ok(Listened::Lost("the connection ended".into())),
                Streamed::End(status) => {
                    return Ok(Listened::Lost(format!("waiting on the phone ended with exit status {status}")));
                }
                Streamed::Line(line) => {
                    heard = MonotonicClock.now();
                    match super::ask::read("say how far the job is", &line)? {
                        WaitLine::Beat { state, log, log_bytes } => {
                            self.log_bytes = log_bytes;
                            tell(Followed::Goes { state, log });
                        }
                        WaitLine::End { report, log, log_bytes } => {
                            self.log_bytes = log_bytes;
                            tell(Followed::Goes { state: report.state.clone(), log });
                            return Ok(Listened::End(report));
                        }
                    }
                }
            }
        }
    }
}

enum Listened {
    End(JobReport),
    Interrupted,
    Lost(String),
}

/// Waits for a while, unless the user stops it; whether the user did.
pub fn pause(time: Duration, is_stopped: &mut impl FnMut() -> bool) -> bool {
    let begun = MonotonicClock.now();
    while MonotonicClock.now().since(begun) < time.as_nanos() as u64 {
        if is_stopped() {
            return true;
        }
        std::thread::sleep(STEP);
    }
    false
}

impl Connection<'_> {
    /// Looks for a phone that was lost, for so long; whether it answers again.
    pub fn find_again(&self, patience: Duration, mut is_stopped: impl FnMut() -> bool) -> bool {
        let begun = MonotonicClock.now();
        loop {
            reconnect(self);
            if self.probe().is_ok() {
                return true;
            }
            let is_over = MonotonicClock.now().since(begun) >= patience.as_nanos() as u64;
            if is_over || pause(RETRY, &mut is_stopped) {
                return false;
            }
        }
    }
}

/// A phone in the network does not come back by itself; one at a cable does.
fn reconnect(connection: &Connection) {
    if is_in_network(connection.phone) && connection.probe().is_err() {
        connection.adb.connect_again(connection.phone);
    }
}

fn is_in_network(phone: &Serial) -> bool {
    phone.for_the_user().contains(':')
}

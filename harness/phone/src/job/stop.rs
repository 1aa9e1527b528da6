//! The wish to stop a job: at a signal, or from another process on the phone.

use std::{
    path::Path,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open},
};

use super::{
    JobError, JobFolder, JobId, JobReport,
    life::{Holder, holder, report},
};

/// Whether a job shall stop. Its run is asked to store what it has, and to end.
#[derive(Debug, Default)]
pub struct Stop {
    wish: Mutex<Wish>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Wish {
    is_asked: bool,
    run: Option<Pid>,
}

impl Stop {
    /// Asks to stop; the run is told so each time.
    pub fn ask(&self) {
        let mut wish = self.wish();
        wish.is_asked = true;
        if let Some(run) = wish.run {
            interrupt(run);
        }
        self.changed.notify_all();
    }

    /// Whether it was asked.
    pub fn is_asked(&self) -> bool {
        self.wish().is_asked
    }

    /// Waits, but not once it was asked; whether it was.
    pub(super) fn wait(&self, time: Duration) -> bool {
        let guard = self.wish();
        let waited = self.changed.wait_timeout_while(guard, time, |wish| !wish.is_asked);
        waited.unwrap_or_else(PoisonError::into_inner).0.is_asked
    }

    /// From now on, this process is asked, too.
    pub(super) fn pass_on_to(&self, run: Pid) {
        let mut wish = self.wish();
        wish.run = Some(run);
        if wish.is_asked {
            interrupt(run);
        }
    }

    /// No more: its number may be another's soon.
    pub(super) fn forget(&self) {
        self.wish().run = None;
    }

    fn wish(&self) -> MutexGuard<'_, Wish> {
        self.wish.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn interrupt(process: Pid) {
    // It may have ended meanwhile.
    let _ = kill_process(process, Signal::INT);
}

/// How often an ended process is looked for on kernels that cannot tell.
const STEP: Duration = Duration::from_millis(200);

/// Asks a job to stop, waits until its process has ended, and returns what has become of it.
///
/// # Errors
/// [`JobError::NotStarted`], and when its folder cannot be read.
pub fn stop(root: &Path, id: &JobId, limit: Duration) -> Result<JobReport, JobError> {
    let lock = JobFolder::new(root, id).lock();
    let holder = || holder(&lock).map_err(JobError::io("look at", &lock));
    if let Holder::Process(process) = holder()? {
        let handle = pidfd_open(process, PidfdFlags::empty());
        // If it still holds the lock, the handle is its own, and its number was no other's meanwhile.
        if holder()? == Holder::Process(process) {
            interrupt(process);
            match handle {
                Ok(handle) => {
                    let limit = Timespec::try_from(limit).ok();
                    // What has become of it is looked at below, also after an error.
                    let _ = poll(&mut [PollFd::new(&handle, PollFlags::IN)], limit.as_ref());
                }
                Err(_) => {
                    for _ in 0..limit.as_millis() / STEP.as_millis() {
                        if holder()? != Holder::Process(process) {
                            break;
                        }
                        std::thread::sleep(STEP);
                    }
                }
            }
        }
    }
    report(root, id)?.ok_or_else(|| JobError::NotStarted { id: id.clone() })
}

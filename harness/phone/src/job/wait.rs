//! `pocketwatt on-phone wait`: tells a host how a job goes on. It sleeps nearly all the time, because the phone measures meanwhile.

use std::{
    io::{self, ErrorKind, Write},
    os::fd::{AsFd, OwnedFd},
    path::Path,
    thread,
    time::Duration,
};

use pocketwatt_protocol::{Clock, MonotonicClock, MonotonicNs};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::inotify::{self, CreateFlags, WatchFlags},
    process::{Pid, PidfdFlags, pidfd_open},
};

use super::{
    JobError, JobFolder, JobId, JobLife, JobReport, JobState, WaitLine,
    life::{Holder, holder, report},
    log,
};

/// The longest part of a log in one line, in bytes.
pub const LONGEST_LOG_BYTES: usize = 64 << 10;
/// Between two looks, where the kernel does not tell.
const STEP: Duration = Duration::from_secs(1);
/// A job that was just started has a state within this time.
const START: Duration = Duration::from_secs(30);
const START_STEP: Duration = Duration::from_millis(100);

/// Blocks until the process of a job has ended, and writes a line at once, then at each change of its state or its log and each `every`, and a
/// last one. Ends before that if nobody reads what it writes.
///
/// # Errors
/// [`JobError::NotStarted`], and when the job's folder cannot be read or the lines cannot be written.
pub fn wait(
    root: &Path,
    id: &JobId,
    every: Duration,
    log_from: u64,
    output: &mut (impl Write + AsFd),
) -> Result<(), JobError> {
    let mut watch = Watch { root, id, folder: JobFolder::new(root, id), log_bytes: log_from };
    let mut now = watch.first_report()?;
    let told = loop {
        // Before the last look at the job, so that no change falls between.
        let changes = Changes::of(&watch.folder);
        now = watch.report()?.unwrap_or(now);
        if now.life != JobLife::Running {
            break watch.end(now, output);
        }
        let state = now.state.clone();
        if let Err(error) = watch.beat(&state, output) {
            break Err(error);
        }
        if !changes.wait(&watch, &state, every, output)? {
            return Ok(());
        }
    };
    match told {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        told => told.map_err(JobError::Output),
    }
}

struct Watch<'a> {
    root: &'a Path,
    id: &'a JobId,
    folder: JobFolder,
    log_bytes: u64,
}

impl Watch<'_> {
    fn report(&self) -> Result<Option<JobReport>, JobError> {
        report(self.root, self.id)
    }

    fn first_report(&self) -> Result<JobReport, JobError> {
        for _ in 0..START.as_millis() / START_STEP.as_millis() {
            if let Some(report) = self.report()? {
                return Ok(report);
            }
            if !self.folder.path().is_dir() {
                break;
            }
            thread::sleep(START_STEP);
        }
        Err(JobError::NotStarted { id: self.id.clone() })
    }

    /// Tells what was added to the log, in as many lines as that takes: at least one.
    fn beat(&mut self, state: &JobState, output: &mut impl Write) -> io::Result<()> {
        loop {
            let log = self.log(false)?;
            let is_rest = log.len() < LONGEST_LOG_BYTES / 2;
            write(output, &WaitLine::Beat { state: state.clone(), log, log_bytes: self.log_bytes })?;
            if is_rest {
                return Ok(());
            }
        }
    }

    fn end(&mut self, report: JobReport, output: &mut impl Write) -> io::Result<()> {
        loop {
            let log = self.log(true)?;
            let log_bytes = self.log_bytes;
            if log.len() < LONGEST_LOG_BYTES / 2 {
                return write(output, &WaitLine::End { report, log, log_bytes });
            }
            write(output, &WaitLine::Beat { state: report.state.clone(), log, log_bytes })?;
        }
    }

    fn log(&mut self, is_last: bool) -> io::Result<String> {
        let part = log::part(&self.folder.log(), self.log_bytes, LONGEST_LOG_BYTES, is_last)?;
        self.log_bytes = part.end;
        Ok(part.text)
    }
}

fn write(output: &mut impl Write, line: &WaitLine) -> io::Result<()> {
    let text = serde_json::to_string(line)? + "\n";
    output.write_all(text.as_bytes())?;
    output.flush()
}

/// What the kernel tells: the end of the job's process, that a file in its folder was replaced, and that something was added to its log,
/// which happens between cases.
struct Changes {
    process: Option<OwnedFd>,
    files: Option<OwnedFd>,
}

impl Changes {
    fn of(folder: &JobFolder) -> Self {
        let process = match holder(&folder.lock()) {
            Ok(Holder::Process(process)) => handle(folder, process),
            _ => None,
        };
        Self { process, files: changed_files(folder.path()).ok() }
    }

    /// Waits for a change, at most for that time; false if nobody reads the output any more.
    fn wait(&self, watch: &Watch, told: &JobState, time: Duration, output: &impl AsFd) -> Result<bool, JobError> {
        let started = MonotonicClock.now();
        loop {
            let Some(rest) = time.checked_sub(since(started)) else { return Ok(true) };
            let tells_all = self.process.is_some() && self.files.is_some();
            let nap = if tells_all { rest } else { rest.min(STEP) };
            let mut handles = vec![PollFd::new(output, PollFlags::empty())];
            let others = [&self.process, &self.files];
            handles.extend(others.into_iter().flatten().map(|handle| PollFd::new(handle, PollFlags::IN)));
            if poll(&mut handles, Timespec::try_from(nap).ok().as_ref()).is_err() {
                // A signal, or a kernel without it.
                thread::sleep(STEP.min(nap));
            }
            if handles[0].revents().intersects(PollFlags::ERR | PollFlags::HUP) {
                return Ok(false);
            }
            let has_told = handles[1..].iter().any(|handle| !handle.revents().is_empty());
            // Its events are not read: another handle is made for the next line.
            if has_told {
                return Ok(true);
            }
            if !tells_all {
                let now = watch.report()?;
                if now.is_none_or(|now| now.life != JobLife::Running || !is_same(&now.state, told)) {
                    return Ok(true);
                }
            }
        }
    }
}

/// The number of stored cases is told with the next line: a record in its place wakes nobody.
fn is_same(left: &JobState, right: &JobState) -> bool {
    let without = |state: &JobState| JobState { stored: 0, ..state.clone() };
    without(left) == without(right)
}

fn since(started: MonotonicNs) -> Duration {
    Duration::from_nanos(MonotonicClock.now().since(started))
}

fn handle(folder: &JobFolder, process: Pid) -> Option<OwnedFd> {
    let handle = pidfd_open(process, PidfdFlags::empty()).ok()?;
    // If it still holds the lock, the handle is not that of another process which got its number.
    matches!(holder(&folder.lock()), Ok(Holder::Process(now)) if now == process).then_some(handle)
}

fn changed_files(folder: &Path) -> rustix::io::Result<OwnedFd> {
    let files = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
    inotify::add_watch(&files, folder, WatchFlags::MOVED_TO | WatchFlags::MODIFY)?;
    Ok(files)
}

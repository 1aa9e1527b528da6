//! Which jobs there are, and whether they live.

use std::{fs, io, path::Path, thread, time::Duration};

use pocketwatt_files::{Lock, read_bounded_in_place};
use rustix::process::{Pid, test_kill_process};

use super::{JobError, JobFolder, JobId, JobLife, JobReport, JobState, Stage, below_root};

const MOST_STATE_BYTES: u64 = 1 << 20;
const MOST_EXIT_BYTES: u64 = 100;
/// A look at a lock takes it for a moment, and another look finds it taken then.
const LOOKS: u32 = 20;
const BETWEEN_LOOKS: Duration = Duration::from_millis(25);
/// Folders in folders: results have four.
const DEEPEST: usize = 8;

/// Who holds the lock of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holder {
    Nobody,
    Process(Pid),
    /// Somebody who does not say so, or in another container.
    Unknown,
}

/// What a holder writes into a lock.
pub(super) fn own_name(id: &JobId) -> String {
    format!("job {id}, process {}", std::process::id())
}

/// Who holds a lock.
pub(super) fn holder(lock: &Path) -> io::Result<Holder> {
    for _ in 0..LOOKS {
        let Some(held) = Lock::look(lock)? else { return Ok(Holder::Nobody) };
        let number = held.holder.rsplit(' ').next().and_then(|number| number.parse().ok());
        if let Some(process) = number.and_then(Pid::from_raw).filter(|process| test_kill_process(*process).is_ok()) {
            return Ok(Holder::Process(process));
        }
        // The one who looks; or the name of one that is gone.
        thread::sleep(BETWEEN_LOOKS);
    }
    Ok(Holder::Unknown)
}

/// Takes a lock; if somebody has it, returns who. A look at it that takes it for a moment is waited for.
pub(super) fn take(path: &Path, name: &str) -> io::Result<Result<Lock, String>> {
    let mut last = String::new();
    for _ in 0..LOOKS {
        match Lock::try_take(path, name)? {
            Ok(lock) => return Ok(Ok(lock)),
            Err(held) => last = held.holder,
        }
        if let Holder::Process(_) = holder(path)? {
            break;
        }
    }
    Ok(Err(if last.is_empty() { "another job".into() } else { last }))
}

/// The names of all jobs, in their order. Other things in the folder are none.
pub(super) fn jobs(root: &Path) -> Result<Vec<JobId>, JobError> {
    let folder = root.join(below_root::JOBS);
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(JobError::io("read", &folder))?,
    };
    let folders = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let names = folders.filter_map(|entry| entry.file_name().into_string().ok());
    let mut jobs: Vec<JobId> = names.filter_map(|name| JobId::try_from(name).ok()).collect();
    jobs.sort();
    Ok(jobs)
}

/// Each job that was started; a job whose state cannot be read is an error in its place.
///
/// # Errors
/// When the folder of jobs cannot be read.
pub fn reports(root: &Path) -> Result<Vec<Result<JobReport, JobError>>, JobError> {
    Ok(jobs(root)?.iter().filter_map(|id| report(root, id).transpose()).collect())
}

/// What is going on with a job; `None` if it was not started.
///
/// # Errors
/// When its folder cannot be read.
pub fn report(root: &Path, id: &JobId) -> Result<Option<JobReport>, JobError> {
    let folder = JobFolder::new(root, id);
    let lock = folder.lock();
    let is_held = || Ok(holder(&lock).map_err(JobError::io("look at", &lock))? != Holder::Nobody);
    // In this order: a job that ends in between has written its last state by then.
    let (mut lives, mut last) = (is_held()?, state(&folder)?);
    if !lives && last.as_ref().is_some_and(|state| !state.stage.is_last()) {
        // It is dead, unless it began in between.
        (lives, last) = (is_held()?, state(&folder)?);
    }
    let mut state = match (last, exit_status(&folder)) {
        (Some(state), _) => state,
        // It was started a second time.
        (None, _) if lives => state_now(id, Stage::Started, None),
        (None, Some(status)) => JobState { words: Some(no_start(status)), ..state_now(id, Stage::Failed, None) },
        // It was being started again when the phone was switched off: what it had stored is there.
        (None, None) if stored(&folder) > 0 => state_now(id, Stage::Started, None),
        (None, None) => return Ok(None),
    };
    state.stored = stored(&folder).max(state.stored);
    let life = match boot_id() {
        _ if lives => JobLife::Running,
        _ if state.stage.is_last() => JobLife::Ended,
        now if now.is_some() && state.boot_id.is_some() && now != state.boot_id => JobLife::InterruptedByReboot,
        _ => JobLife::Died,
    };
    match life {
        JobLife::InterruptedByReboot => {
            state.words = Some("the phone was started anew while the job was going on; stored cases are kept".into());
        }
        JobLife::Died => {
            let words = "the job's process was killed, by somebody or by the phone (its memory was full, or USB \
                         debugging was switched off); stored cases are kept";
            state.words = Some(words.into());
        }
        JobLife::Running | JobLife::Ended => {}
    }
    let has_changed_settings = folder.before().symlink_metadata().is_ok();
    let bytes = bytes(folder.path());
    Ok(Some(JobReport { state, life, has_changed_settings, bytes }))
}

/// The latest state that was written.
pub(super) fn state(folder: &JobFolder) -> Result<Option<JobState>, JobError> {
    let path = folder.state();
    match read_bounded_in_place(&path, MOST_STATE_BYTES) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(JobError::io("read", &path)(error)),
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|error| JobError::NotUnderstood { path, words: error.to_string() }),
    }
}

/// What the process of the job, or the shell around it, wrote last.
fn exit_status(folder: &JobFolder) -> Option<i32> {
    let text = read_bounded_in_place(&folder.exit(), MOST_EXIT_BYTES).ok()?;
    String::from_utf8(text).ok()?.trim().parse().ok()
}

/// Why a program could not write its first state, from the exit status that a shell saw.
fn no_start(status: i32) -> String {
    let why = match status {
        126 | 127 => {
            "the phone does not start it: its file or its loader (lib/ld-linux-aarch64.so.1) is missing, or may not be executed"
        }
        139 => "it crashed (signal 11), as programs do that are not built for the phone's pages of 16 KiB",
        159 => "the phone does not allow one of its system calls (seccomp)",
        137 => "it was killed, by somebody or by the phone because its memory was full",
        _ => "it ended before it began",
    };
    format!("pocketwatt on the phone ended with status {status}: {why}")
}

/// Which start of the device this is.
pub(super) fn boot_id() -> Option<String> {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(text.trim().to_owned())
}

/// The number of cases with a record: `results/DEVICE/RUN/cases/CASE.json`.
pub(super) fn stored(folder: &JobFolder) -> u32 {
    let inside = |path: &Path| fs::read_dir(path).into_iter().flatten().flatten();
    let runs = inside(&folder.results()).flat_map(|device| inside(&device.path()).collect::<Vec<_>>());
    let cases = runs.flat_map(|run| inside(&run.path().join("cases")).collect::<Vec<_>>());
    let is_record = |name: &str| name.ends_with(".json") && !name.starts_with('.');
    let records = cases.filter(|case| case.file_name().to_str().is_some_and(is_record));
    u32::try_from(records.count()).unwrap_or(u32::MAX)
}

/// Bytes of all files in a folder, without following links.
pub(super) fn bytes(path: &Path) -> u64 {
    fn below(path: &Path, depth: usize) -> u64 {
        let Ok(facts) = path.symlink_metadata() else { return 0 };
        if !facts.is_dir() {
            return facts.len();
        }
        if depth == DEEPEST {
            return 0;
        }
        fs::read_dir(path).into_iter().flatten().flatten().map(|entry| below(&entry.path(), depth + 1)).sum()
    }
    below(path, 0)
}

/// Writes a state.
pub(super) fn write_state(folder: &JobFolder, state: &JobState) -> io::Result<()> {
    let text = serde_json::to_string(state)? + "\n";
    pocketwatt_files::write_atomically(&folder.state(), |file| io::Write::write_all(file, text.as_bytes()))
}

/// A state from now on.
pub(super) fn state_now(id: &JobId, stage: Stage, cases: Option<u32>) -> JobState {
    JobState {
        id: id.clone(),
        stage,
        since_unix_ms: pocketwatt_protocol::wall_clock_unix_ms(),
        boot_id: boot_id(),
        stored: 0,
        cases,
        words: None,
    }
}

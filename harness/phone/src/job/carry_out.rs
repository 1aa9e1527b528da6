//! `pocketwatt on-phone carry-out`: a job from its beginning to its end.

use std::{io, path::Path, time::Duration};

use pocketwatt_files::read_bounded_in_place;

use super::{
    JobError, JobFolder, JobId, JobRequest, Stage, Untethered,
    android::Android,
    awake::Awake,
    measuring::{self, RunEnd},
    restore::{put_back, restore},
    stop::Stop,
    under_way::UnderWay,
    unplug::{Unplugged, wait_until_unplugged},
};

const MOST_REQUEST_BYTES: u64 = 4 << 20;
/// As of a run that was interrupted.
const INTERRUPTED: i32 = 130;
/// As of a run that the device is not fit for.
const UNFIT: i32 = 6;
const BROKEN: i32 = 1;

/// Why there was no run.
struct NoRun {
    exit: i32,
    words: String,
}

impl From<io::Error> for NoRun {
    fn from(error: io::Error) -> Self {
        Self { exit: BROKEN, words: error.to_string() }
    }
}

impl From<JobError> for NoRun {
    fn from(error: JobError) -> Self {
        Self { exit: BROKEN, words: error.to_string() }
    }
}

/// Carries a job out, and returns its exit status: that of its run, if there was one. What happens is in the job's folder, step by
/// step. The phone's settings are put back before this returns.
///
/// # Errors
/// When the job cannot begin: it does not exist, or one is going on ([`JobError::Busy`]).
pub fn carry_out(root: &Path, id: &JobId, android: &Android, stop: &Stop) -> Result<i32, JobError> {
    let mut job = UnderWay::begin(root, id, android)?;
    let (stage, exit, words) = match whole(root, id, &mut job, android, stop) {
        Ok(RunEnd { status, words }) => (Stage::Ended { status }, status, words),
        Err(NoRun { exit, words }) => (Stage::Failed, exit, Some(words)),
    };
    if let Some(words) = &words {
        job.tell(format_args!("pocketwatt: {words}"));
    }
    let state = job.folder().state();
    job.end(stage, exit, words).map_err(JobError::io("write", &state))?;
    Ok(exit)
}

fn whole(root: &Path, id: &JobId, job: &mut UnderWay, android: &Android, stop: &Stop) -> Result<RunEnd, NoRun> {
    let request = request(job.folder(), id)?;
    job.set_cases(request.cases);
    let mut awake = {
        // A setting that another job changed must not be taken for the user's. Whoever began to put this job's settings back before
        // it was carried out has ended then.
        put_back_of_earlier_jobs(root, id, job, android)?;
        let untethered = request.untethered.is_some();
        request.keep_awake.then(|| Awake::begin(android, &job.folder().before(), untethered)).transpose()?
    };
    if let Some(Untethered { unplug_limit_s }) = request.untethered {
        wait_for_battery(job, android, Duration::from_secs(unplug_limit_s), stop)?;
        if let Some(awake) = &mut awake {
            awake.darken()?;
        }
    }
    if let Some(awake) = &awake {
        tell_refused(job, awake);
    }
    if stop.is_asked() {
        return Err(stopped());
    }
    job.enter(Stage::Measuring, None)?;
    Ok(measuring::run(root, job.folder(), &request, awake.is_some(), stop)?)
}

fn request(folder: &JobFolder, id: &JobId) -> Result<JobRequest, JobError> {
    let path = folder.request();
    let bytes = read_bounded_in_place(&path, MOST_REQUEST_BYTES).map_err(JobError::io("read", &path))?;
    let request: JobRequest = serde_json::from_slice(&bytes)
        .map_err(|error| JobError::NotUnderstood { path: path.clone(), words: error.to_string() })?;
    if request.id != *id {
        return Err(JobError::NotUnderstood { path, words: format!("it is that of job {}", request.id) });
    }
    Ok(request)
}

fn put_back_of_earlier_jobs(root: &Path, id: &JobId, job: &UnderWay, android: &Android) -> Result<(), NoRun> {
    let mut lines = restore(root, android)?;
    // Its own lock is held, so it is not among them.
    lines.extend(put_back(id, job.folder(), android));
    match lines.into_iter().find(|line| !line.is_restored) {
        None => Ok(()),
        Some(line) => Err(NoRun {
            exit: BROKEN,
            words: format!(
                "job {} changed {} of this phone, and it cannot be put back: {}",
                line.job,
                line.what,
                line.words.unwrap_or_default()
            ),
        }),
    }
}

fn wait_for_battery(job: &mut UnderWay, android: &Android, limit: Duration, stop: &Stop) -> Result<(), NoRun> {
    job.enter(Stage::AwaitsUnplugging, None)?;
    let ended = wait_until_unplugged(android, limit, stop, |words| {
        // It goes on without having said so.
        let _ = job.enter(Stage::AwaitsUnplugging, Some(words.to_owned()));
    });
    match ended {
        Unplugged::Yes => Ok(()),
        Unplugged::Stopped => Err(stopped()),
        Unplugged::NotInTime(words) => Err(NoRun {
            exit: UNFIT,
            words: format!("the phone was not left to its battery within {} s: {words}", limit.as_secs()),
        }),
    }
}

fn stopped() -> NoRun {
    NoRun { exit: INTERRUPTED, words: "the job was stopped before it measured".into() }
}

fn tell_refused(job: &UnderWay, awake: &Awake) {
    for refused in awake.refused() {
        job.tell(format_args!("pocketwatt: the phone does not let {} be changed: {}", refused.what, refused.words));
    }
    if !awake.refused().is_empty() {
        job.tell(
            "pocketwatt: the job goes on, and the phone may fall asleep. On phones of Xiaomi, Realme and others: Developer options, \
             switch on \"USB debugging (Security settings)\", and restart the phone",
        );
    }
}

//! `pocketwatt on-phone clean`: removes what jobs left, or everything.

use std::{
    fs,
    path::Path,
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};

use super::{
    JobError, JobFolder, JobId,
    android::Android,
    below_root,
    life::{self, bytes, jobs},
    restore::restore,
};

/// What a bundle has, besides the folders of [`below_root`]; nothing else is removed.
const OF_A_BUNDLE: [&str; 7] =
    ["scenarios", "share", "licences", "backends.toml", "README.txt", "LICENSE-APACHE", "LICENSE-MIT"];
/// A host that makes a job has started it by then.
const BEING_MADE: Duration = Duration::from_secs(60 * 60);

/// What was removed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cleaned {
    /// Jobs that are gone.
    pub jobs: Vec<JobId>,
    /// Jobs that stay: their settings could not be put back, their host may be about to start them, or they cannot be removed.
    pub kept: Vec<JobId>,
    /// Bytes of what was removed.
    pub bytes: u64,
}

/// Removes all jobs that have ended; and programs and models, too, if that is wanted.
///
/// # Errors
/// [`JobError::Busy`] while a job is carried out. When something cannot be removed.
pub fn clean(root: &Path, android: &Android, everything: bool) -> Result<Cleaned, JobError> {
    let mut cleaned = Cleaned::default();
    let folder = root.join(below_root::JOBS);
    if folder.is_dir() {
        let lock = root.join(below_root::LOCK);
        let own = format!("the removal of jobs, process {}", std::process::id());
        let taken = life::take(&lock, &own).map_err(JobError::io("lock", &lock))?;
        // Until the end: no job begins meanwhile.
        let _phone = taken.map_err(|holder| JobError::Busy { holder })?;
        restore(root, android)?;
        for id in jobs(root)? {
            let folder = JobFolder::new(root, &id);
            let is_settled = folder.before().symlink_metadata().is_err() && (everything || !is_being_made(&folder));
            if is_settled && remove(folder.path(), &mut cleaned.bytes).is_ok() {
                cleaned.jobs.push(id);
            } else {
                cleaned.kept.push(id);
            }
        }
        if everything && cleaned.kept.is_empty() {
            let places = [below_root::PROGRAMS, below_root::LIBRARIES, below_root::CACHE, below_root::TEMPORARY];
            for place in places.iter().chain(&OF_A_BUNDLE).chain([&below_root::JOBS]) {
                let path = root.join(place);
                remove(&path, &mut cleaned.bytes).map_err(JobError::io("remove", &path))?;
            }
            // Something of others may lie in it.
            let _ = fs::remove_dir(root);
        }
    }
    Ok(cleaned)
}

fn is_being_made(folder: &JobFolder) -> bool {
    let is_young = || {
        let changed = folder.path().symlink_metadata().and_then(|facts| facts.modified()).ok()?;
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(pocketwatt_protocol::wall_clock_unix_ms());
        Some(now.duration_since(changed).is_ok_and(|age| age < BEING_MADE))
    };
    folder.state().symlink_metadata().is_err() && is_young().unwrap_or(false)
}

fn remove(path: &Path, bytes_freed: &mut u64) -> std::io::Result<()> {
    let Ok(facts) = path.symlink_metadata() else { return Ok(()) };
    let bytes = bytes(path);
    if facts.is_dir() {
        fs::remove_dir_all(path)?
    } else {
        fs::remove_file(path)?
    }
    *bytes_freed += bytes;
    Ok(())
}

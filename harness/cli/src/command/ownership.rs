//! The ownership of a run: one process measures into its folder, and a second one is refused.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use pocketwatt_files::{Held, Lock, PartialFolder, create_folder, remove_abandoned};
use pocketwatt_record::{Run, RunFolder};
use rustix::io::Errno;

use crate::{measure::holder, refusal::Refusal};

/// The lock file in a run's folder. The process that measures locks it; otherwise it is empty.
const RUN_LOCK: &str = "run.lock";
/// The lock file in the results folder, locked while a run gets its name.
const NAMES_LOCK: &str = ".pocketwatt.lock";

/// A run that no other process can measure as long as this lives.
#[derive(Debug)]
pub(super) struct OwnedRun {
    folder: RunFolder,
    _lock: Lock,
}

impl OwnedRun {
    /// Creates the folder of a new run. Its name is a time stamp, and gets a number if there is a run of that name on any device below
    /// `results`. The folder appears with its plan in it, or not at all.
    ///
    /// # Errors
    /// When nothing can be written or locked there. Then nothing is left behind.
    pub(super) fn begin(results: &Path, run: &mut Run) -> Result<Self> {
        Self::begin_with(results, run, |_, _| Ok(()))
    }

    /// The same for a run that already has records, which `fill` writes: the folder appears with them.
    ///
    /// # Errors
    /// As of [`OwnedRun::begin`], and those of `fill`.
    pub(super) fn begin_with(
        results: &Path,
        run: &mut Run,
        fill: impl FnOnce(&RunFolder, &Run) -> Result<()>,
    ) -> Result<Self> {
        let device = results.join(&run.device.name);
        create_folder(&device).with_context(|| format!("cannot create {}", device.display()))?;
        remove_litter(results);
        let names = results.join(NAMES_LOCK);
        let _naming = Lock::take(&names, &holder::own_name(), |_| {}).map_err(|error| no_lock(&names, error))?;
        let partial = PartialFolder::begin(&device).map_err(|error| no_lock(&device, error))?;
        let lock = take(&partial.path().join(RUN_LOCK))?
            .map_err(|held| anyhow::anyhow!("{} is locked already", held.path.display()))?;
        run.id = free_name(results, &run.id);
        fill(&RunFolder::create(partial.path(), run)?, run)?;
        let path = device.join(&run.id);
        partial.publish(&path).with_context(|| format!("cannot create {}", path.display()))?;
        // The name has to reach the disk, too; some file systems cannot do that for a folder.
        let _ = File::open(&device).and_then(|device| device.sync_all());
        Ok(Self { folder: RunFolder::open(&path), _lock: lock })
    }

    /// Reopens a stored run, and removes what a killed writer left in its folder.
    ///
    /// # Errors
    /// When another process measures it, it cannot be locked, or a link leads out of it: then nothing was changed.
    pub(super) fn reopen(results: &Path, folder: RunFolder) -> Result<Self> {
        let path = folder.path();
        if let Some(link) = places(path).iter().find(|place| place.is_symlink() && *place != path) {
            return Err(Refusal::error(format!("{} is a link: remove it", link.display())));
        }
        let lock = take(&path.join(RUN_LOCK))?.map_err(|held| {
            let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
            Refusal::error(format!(
                "run {name} is being measured by {}: wait for its end, or stop it",
                holder::shown(&held.holder)
            ))
        })?;
        remove_litter(results);
        for folder in places(path) {
            remove_abandoned(&folder);
            remove_unlocked(&folder);
        }
        Ok(Self { folder, _lock: lock })
    }

    pub(super) fn folder(&self) -> &RunFolder {
        &self.folder
    }
}

fn take(path: &Path) -> Result<Result<Lock, Held>> {
    Lock::try_take(path, &holder::own_name()).map_err(|error| no_lock(path, error))
}

/// Without locks, two runs could not be kept apart, and nobody would notice: so this is refused.
fn no_lock(path: &Path, error: io::Error) -> anyhow::Error {
    let without_locks = [Errno::NOLCK, Errno::OPNOTSUPP, Errno::NOSYS, Errno::BADF];
    if without_locks.iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error())) {
        return Refusal::error(format!(
            "the file system of {} has no locks (flock: {error}), so two runs could not be kept apart: give --results a \
             folder on a local disk, and copy it afterwards",
            path.display()
        ));
    }
    anyhow::Error::from(error).context(format!("cannot lock {}", path.display()))
}

/// The time stamp, or the time stamp with a number that sorts after it.
fn free_name(results: &Path, stamp: &str) -> String {
    let devices = folders(results);
    let taken = |name: &str| devices.iter().any(|device| device.join(name).symlink_metadata().is_ok());
    let numbered = (2_u64..).map(|number| format!("{stamp}-{number}"));
    let mut names = std::iter::once(stamp.to_owned()).chain(numbered);
    names.find(|name| !taken(name)).unwrap_or_default()
}

/// Removes what killed writers left, of this run and of all others; it is recognised by its locks.
fn remove_litter(results: &Path) {
    for device in folders(results) {
        remove_abandoned(&device);
        for run in folders(&device) {
            places(&run).iter().filter(|folder| !folder.is_symlink()).for_each(|folder| remove_abandoned(folder));
        }
    }
}

/// The folders that a run is written to.
fn places(run: &Path) -> [PathBuf; 3] {
    [run.to_owned(), run.join("cases"), run.join("charts")]
}

/// Removes unfinished files of versions that did not lock them: no other process writes into an owned run.
fn remove_unlocked(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let random = |rest: &str| rest.len() == 6 && rest.chars().all(|c| c.is_ascii_alphanumeric());
        let unfinished = entry.file_name().to_str().and_then(|name| name.strip_prefix(".tmp")).is_some_and(random);
        if unfinished && entry.file_type().is_ok_and(|kind| kind.is_file()) {
            // If it cannot be removed, it does no harm.
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn folders(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    // Links lead elsewhere, where nothing belongs to this run.
    entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path()).collect()
}

#[cfg(test)]
mod tests {
    use pocketwatt_record::latest_run;

    use super::*;
    use crate::fixture;

    fn begun(results: &Path, device: &str) -> (OwnedRun, Run) {
        let mut run = fixture::run();
        run.device.name = device.into();
        let owned = OwnedRun::begin(results, &mut run).unwrap();
        (owned, run)
    }

    #[test]
    fn runs_of_one_second_have_folders_of_their_own() {
        let results = tempfile::tempdir().unwrap();
        let threads: Vec<_> = (0..8)
            .map(|number| {
                let results = results.path().to_owned();
                std::thread::spawn(move || begun(&results, ["phone", "board"][number % 2]))
            })
            .collect();
        let mut names: Vec<String> = threads
            .into_iter()
            .map(|thread| {
                let (owned, run) = thread.join().unwrap();
                assert_eq!(owned.folder().run().unwrap(), run);
                run.id
            })
            .collect();
        names.sort();
        let stamp = names[0].clone();
        let expected: Vec<String> = (2..9).map(|number| format!("{stamp}-{number}")).collect();
        assert_eq!(names[1..], expected);
    }

    #[test]
    fn a_second_owner_is_refused_with_the_first_one_s_name() {
        let results = tempfile::tempdir().unwrap();
        let (owned, run) = begun(results.path(), "phone");
        let folder = owned.folder().clone();
        let error = OwnedRun::reopen(results.path(), folder.clone()).unwrap_err();
        let expected = format!("run {} is being measured by pocketwatt, process {}", run.id, std::process::id());
        assert!(error.to_string().starts_with(&expected) && crate::refusal::is_refusal(&error), "{error}");
        drop(owned);
        OwnedRun::reopen(results.path(), folder).unwrap();
    }

    #[test]
    fn what_killed_writers_left_is_removed_by_the_next_one() {
        let results = tempfile::tempdir().unwrap();
        let (owned, run) = begun(results.path(), "phone");
        let folder = owned.folder().clone();
        drop(owned);
        // A start that was killed before its plan was complete, and records that were killed while being written, in both forms.
        let device = results.path().join("phone");
        fs::create_dir_all(device.join(".pocketwatt-killed.partial/cases")).unwrap();
        let cases = folder.path().join("cases");
        fs::write(cases.join(".pocketwatt-half.partial"), "{").unwrap();
        fs::write(cases.join(".tmpAb12Cd"), "{").unwrap();
        fs::write(cases.join("somebody's"), "").unwrap();
        assert_eq!(latest_run(results.path()).unwrap().folder.path(), folder.path(), "no half run is in the way");
        let (_other, other) = begun(results.path(), "board");
        assert!(!cases.join(".pocketwatt-half.partial").exists());
        OwnedRun::reopen(results.path(), folder).unwrap();
        let names = |path: &Path| {
            let mut names: Vec<String> =
                fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
            names.sort();
            names
        };
        assert_eq!(names(&cases), ["somebody's"]);
        assert_eq!(names(&device), std::slice::from_ref(&run.id));
        assert_eq!(other.id, format!("{}-2", run.id), "names are one's own on all devices");
    }

    #[test]
    fn nothing_is_removed_behind_a_link() {
        let (results, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (owned, _) = begun(results.path(), "phone");
        let folder = owned.folder().clone();
        drop(owned);
        let others = elsewhere.path().join(".tmpAb12Cd");
        fs::write(&others, "somebody's").unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), folder.path().join("charts")).unwrap();
        let abandoned = elsewhere.path().join(".pocketwatt-half.partial");
        fs::write(&abandoned, "somebody's").unwrap();
        let error = OwnedRun::reopen(results.path(), folder.clone()).unwrap_err();
        assert!(error.to_string().contains("charts is a link") && crate::refusal::is_refusal(&error), "{error}");
        begun(results.path(), "board");
        assert!(others.exists() && abandoned.exists());
    }

    #[test]
    fn nothing_is_left_where_nothing_can_be_written() {
        let results = tempfile::tempdir().unwrap();
        let mut run = fixture::run();
        fs::write(results.path().join(&run.device.name), "a file in the way").unwrap();
        OwnedRun::begin(results.path(), &mut run).unwrap_err();
        assert_eq!(fs::read_dir(results.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_system_without_locks_is_named() {
        let error = no_lock(Path::new("/mnt/share/run.lock"), Errno::NOLCK.into());
        assert!(error.to_string().contains("/mnt/share/run.lock has no locks"), "{error}");
        assert!(crate::refusal::is_refusal(&error));
        let error = no_lock(Path::new("/full"), io::ErrorKind::StorageFull.into());
        assert!(!crate::refusal::is_refusal(&error));
    }
}

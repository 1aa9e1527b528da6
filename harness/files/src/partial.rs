//! Files and folders that are not finished: their names begin with a dot, and their writer holds a lock on them.

use std::{
    fs::{self, File},
    io::{self, ErrorKind},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use rustix::{
    fs::{OFlags, RenameFlags, renameat_with},
    io::Errno,
};
use tempfile::Builder;

use crate::folder::folder_of;

/// Prefix of the names of unfinished files and folders. Names that begin with a dot are never listed.
pub(crate) const PARTIAL_PREFIX: &str = ".pocketwatt-";
/// Suffix of these names.
pub(crate) const PARTIAL_SUFFIX: &str = ".partial";

/// Locks what was just created under an unfinished name. False if another process took it for abandoned and removed it.
pub(crate) fn claim(file: &File) -> io::Result<bool> {
    file.lock()?;
    Ok(file.metadata()?.nlink() > 0)
}

/// A folder that is being written. If it is dropped before [`PartialFolder::publish`], it is removed with its contents.
#[derive(Debug)]
pub struct PartialFolder {
    path: PathBuf,
    /// Held as long as this lives.
    _lock: File,
    published: bool,
}

impl PartialFolder {
    /// Begins a folder in `parent`, which must exist, under an unpredictable name.
    ///
    /// # Errors
    /// When `parent` cannot be written.
    pub fn begin(parent: &Path) -> io::Result<Self> {
        loop {
            let folder = Builder::new()
                .prefix(PARTIAL_PREFIX)
                .suffix(PARTIAL_SUFFIX)
                .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777))
                .tempdir_in(parent)?;
            let lock = match open_folder(folder.path()) {
                Ok(lock) => lock,
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            if claim(&lock)? {
                return Ok(Self { path: folder.keep(), _lock: lock, published: false });
            }
        }
    }

    /// The folder to write into.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Moves the folder to its place, which must be free or an empty folder.
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyExists`] or [`ErrorKind::DirectoryNotEmpty`] when the place is taken; or when the system
    /// refuses.
    pub fn publish(mut self, target: &Path) -> io::Result<()> {
        // Renaming replaces an empty folder, and fails on any other.
        fs::rename(&self.path, target)?;
        self.published = true;
        Ok(())
    }

    /// Moves the folder to a place that is taken, in one step: a reader of the place finds either the old folder or this one.
    /// The old one is then removed.
    ///
    /// # Errors
    /// When the place is empty, or the system refuses.
    pub fn replace(mut self, target: &Path) -> io::Result<()> {
        exchange(&self.path, target)?;
        self.published = true;
        // The old folder now has the unfinished name; if it cannot be removed here, its lock is free, so it is removed later.
        let _ = remove(&self.path);
        Ok(())
    }
}

impl Drop for PartialFolder {
    fn drop(&mut self) {
        if !self.published {
            // The reason why it was not published is the error worth reporting, not a failed cleanup.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

/// Exchanges two files or folders on one disk in one step: a reader of either place finds one or the other.
/// Where the file system cannot do that, the second place is empty for a moment.
///
/// # Errors
/// When one of the places is empty, or the system refuses.
pub fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    let here = rustix::fs::CWD;
    match renameat_with(here, one, here, other, RenameFlags::EXCHANGE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => exchange_in_steps(one, other),
        exchanged => Ok(exchanged?),
    }
}

fn exchange_in_steps(one: &Path, other: &Path) -> io::Result<()> {
    one.symlink_metadata()?;
    let aside = Builder::new().prefix(PARTIAL_PREFIX).suffix(PARTIAL_SUFFIX).tempdir_in(folder_of(one))?;
    let old = aside.path().join("old");
    fs::rename(other, &old)?;
    if let Err(error) = fs::rename(one, other) {
        // The old one is better than none.
        let _ = fs::rename(&old, other);
        return Err(error);
    }
    fs::rename(&old, one)
}

/// Removes from a folder the unfinished files, possibly gigabytes, of writers that are gone. What cannot be removed, or is
/// still being written, stays.
pub fn remove_abandoned(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let unfinished =
            name.to_str().is_some_and(|name| name.starts_with(PARTIAL_PREFIX) && name.ends_with(PARTIAL_SUFFIX));
        let abandoned = if unfinished { lock_of_abandoned(&entry.path()) } else { None };
        if let Some(lock) = abandoned {
            let _ = remove(&entry.path());
            // Only now: a writer that had it before the end of the removal would write into what disappears.
            drop(lock);
        }
    }
}

/// The lock of an unfinished file or folder that no process holds. Whoever holds it may remove the file: a writer that claims it in
/// between waits, finds it removed, and begins again.
fn lock_of_abandoned(path: &Path) -> Option<File> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let mut options = fs::OpenOptions::new();
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags);
    let file = options.read(true).open(path).ok()?;
    file.try_lock().is_ok().then_some(file)
}

fn remove(path: &Path) -> io::Result<()> {
    if path.symlink_metadata()?.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
}

fn open_folder(path: &Path) -> io::Result<File> {
    let flags = (OFlags::NOFOLLOW | OFlags::DIRECTORY).bits().cast_signed();
    let mut options = fs::OpenOptions::new();
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags);
    options.read(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(folder: &Path) -> usize {
        fs::read_dir(folder).unwrap().count()
    }

    #[test]
    fn a_folder_appears_whole_or_not_at_all() {
        let root = tempfile::tempdir().unwrap();
        let target = root.path().join("target");
        let partial = PartialFolder::begin(root.path()).unwrap();
        fs::write(partial.path().join("file"), "half").unwrap();
        drop(partial);
        assert_eq!(count(root.path()), 0);
        let publish = |text: &str| {
            let partial = PartialFolder::begin(root.path()).unwrap();
            fs::write(partial.path().join("file"), text).unwrap();
            partial.publish(&target)
        };
        publish("first").unwrap();
        publish("second").unwrap_err();
        assert_eq!((fs::read_to_string(target.join("file")).unwrap().as_str(), count(root.path())), ("first", 1));
        let partial = PartialFolder::begin(root.path()).unwrap();
        fs::write(partial.path().join("file"), "third").unwrap();
        partial.replace(&target).unwrap();
        assert_eq!((fs::read_to_string(target.join("file")).unwrap().as_str(), count(root.path())), ("third", 1));
    }

    #[test]
    fn two_folders_change_places_in_one_step_or_in_several() {
        let root = tempfile::tempdir().unwrap();
        let (one, other) = (root.path().join("one"), root.path().join("other"));
        for folder in [&one, &other] {
            fs::create_dir(folder).unwrap();
            fs::write(folder.join("file"), folder.file_name().unwrap().as_encoded_bytes()).unwrap();
        }
        let read = || [&one, &other].map(|folder| fs::read_to_string(folder.join("file")).unwrap());
        exchange(&one, &other).unwrap();
        assert_eq!(read(), ["other", "one"]);
        exchange_in_steps(&one, &other).unwrap();
        assert_eq!(read(), ["one", "other"]);
        exchange(&one, &root.path().join("none")).unwrap_err();
        exchange_in_steps(&root.path().join("none"), &one).unwrap_err();
        assert_eq!((read(), count(root.path())), (["one".into(), "other".into()], 2));
    }

    #[test]
    fn what_a_dead_writer_left_is_removed_and_what_a_living_one_writes_is_not() {
        let root = tempfile::tempdir().unwrap();
        let living = PartialFolder::begin(root.path()).unwrap();
        fs::create_dir(root.path().join(".pocketwatt-dead.partial")).unwrap();
        fs::write(root.path().join(".pocketwatt-dead.partial/file"), "left").unwrap();
        fs::write(root.path().join(".pocketwatt-file.partial"), "left").unwrap();
        std::os::unix::fs::symlink("/", root.path().join(".pocketwatt-link.partial")).unwrap();
        fs::write(root.path().join("other"), "").unwrap();
        crate::write_atomically(&root.path().join("whole"), |_| {
            remove_abandoned(root.path());
            Ok(())
        })
        .unwrap();
        let mut left: Vec<_> = fs::read_dir(root.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        left.sort();
        let link = root.path().join(".pocketwatt-link.partial");
        let mut expected = vec![living.path().to_owned(), link, root.path().join("other"), root.path().join("whole")];
        expected.sort();
        assert_eq!(left, expected, "links are nobody's unfinished file");
    }
}

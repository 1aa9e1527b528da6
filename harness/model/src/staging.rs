//! Folders appear whole or not at all: they are written under another name beside their place, and renamed at the end.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rustix::{
    fs::statvfs,
    io::Errno,
    process::{Pid, test_kill_process},
};

use crate::ModelError;

/// Space that is left over on the disk: file systems fail in odd ways when they are filled to the last block.
pub(crate) const SPARE_BYTES: u64 = 16 << 20;

/// A folder that is being written. Dropped before [`StagedFolder::publish`], it vanishes with its contents.
#[derive(Debug)]
pub(crate) struct StagedFolder {
    path: PathBuf,
    target: PathBuf,
    published: bool,
}

impl StagedFolder {
    /// Begins the folder `target`, which shall hold about `bytes`, and its parents.
    ///
    /// # Errors
    /// When there is something at `target` already, the disk has no room for it, or its parent cannot be written.
    pub fn begin(target: &Path, bytes: u64) -> Result<Self, ModelError> {
        if is_occupied(target)? {
            return Err(ModelError::Exists { path: target.to_owned() });
        }
        let parent = match target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let name = target
            .file_name()
            .and_then(|name| name.to_str())
            .ok_or_else(|| ModelError::invalid(target, "it does not end in the name of a folder"))?;
        fs::create_dir_all(parent).map_err(ModelError::io("create", parent))?;
        // A name that begins with a dot is not listed as a model; the number tells whose it is.
        let prefix = format!(".{name}.partial-");
        remove_abandoned(parent, &prefix);
        require_space(parent, bytes)?;
        let path = parent.join(format!("{prefix}{}", std::process::id()));
        fs::create_dir(&path).map_err(ModelError::io("create", &path))?;
        Ok(Self { path, target: target.to_owned(), published: false })
    }

    /// Where to write.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Moves the folder to its place.
    ///
    /// # Errors
    /// When somebody else put something there meanwhile, or the folder cannot be moved.
    pub fn publish(mut self) -> Result<(), ModelError> {
        // Renaming replaces an empty folder, and fails on any other.
        match fs::rename(&self.path, &self.target) {
            Ok(()) => {
                self.published = true;
                Ok(())
            }
            Err(_) if is_occupied(&self.target)? => Err(ModelError::Exists { path: self.target.clone() }),
            Err(error) => Err(ModelError::io("create", &self.target)(error)),
        }
    }
}

impl Drop for StagedFolder {
    fn drop(&mut self) {
        if !self.published {
            // The reason why it was not published is the error worth reporting, not a failure to clean up.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

/// Whether there is anything but an empty folder.
fn is_occupied(path: &Path) -> Result<bool, ModelError> {
    match fs::read_dir(path) {
        Ok(mut entries) => Ok(entries.next().is_some()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        // The path is a file, or goes through one.
        Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => Ok(path.symlink_metadata().is_ok()),
        Err(error) => Err(ModelError::io("read", path)(error)),
    }
}

/// Removes what processes that were killed half-way left of the same folder: it may be gigabytes.
fn remove_abandoned(parent: &Path, prefix: &str) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let process = name.to_str().and_then(|name| name.strip_prefix(prefix)?.parse().ok()).and_then(Pid::from_raw);
        if process.is_some_and(|process| test_kill_process(process) == Err(Errno::SRCH)) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn require_space(parent: &Path, bytes: u64) -> Result<(), ModelError> {
    let disk = statvfs(parent).map_err(|error| ModelError::io("read the free space of", parent)(error.into()))?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    if free < bytes.saturating_add(SPARE_BYTES) {
        return Err(ModelError::NoSpace { path: parent.to_owned(), needed: bytes, spare: SPARE_BYTES, free });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_appears_whole_or_not_at_all() {
        let root = tempfile::tempdir().unwrap();
        let target = root.path().join("models/one");
        let staged = StagedFolder::begin(&target, 10).unwrap();
        fs::write(staged.path().join("file"), "half").unwrap();
        assert!(!target.exists());
        drop(staged);
        assert_eq!(fs::read_dir(root.path().join("models")).unwrap().count(), 0, "nothing half-made stays behind");

        let staged = StagedFolder::begin(&target, 10).unwrap();
        fs::write(staged.path().join("file"), "whole").unwrap();
        staged.publish().unwrap();
        assert_eq!(fs::read_to_string(target.join("file")).unwrap(), "whole");
        assert_eq!(fs::read_dir(root.path().join("models")).unwrap().count(), 1);
        let error = StagedFolder::begin(&target, 10).unwrap_err();
        assert!(matches!(error, ModelError::Exists { .. }), "{error}");
    }

    #[test]
    fn a_full_disk_is_seen_before_anything_is_written() {
        let root = tempfile::tempdir().unwrap();
        let error = StagedFolder::begin(&root.path().join("huge"), 1 << 60).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("1152921504606846976 bytes are needed"), "{text}");
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_a_killed_process_left_is_removed_and_what_a_living_one_writes_is_not() {
        let root = tempfile::tempdir().unwrap();
        // Process numbers end far below the largest number of their type.
        let dead = root.path().join(format!(".one.partial-{}", i32::MAX));
        let alive = root.path().join(".one.partial-1");
        let other = root.path().join(format!(".two.partial-{}", i32::MAX));
        for folder in [&dead, &alive, &other] {
            fs::create_dir(folder).unwrap();
        }
        drop(StagedFolder::begin(&root.path().join("one"), 10).unwrap());
        assert_eq!([&dead, &alive, &other].map(|folder| folder.exists()), [false, true, true]);
    }
}

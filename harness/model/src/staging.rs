//! Folders appear whole or not at all: they are written under another name beside their place, and renamed at the end.

use std::{
    fs,
    path::{Path, PathBuf},
};

use pocketwatt_files::{PartialFolder, create_folder, remove_abandoned};
use rustix::fs::statvfs;

use crate::ModelError;

/// Bytes that stay free on the disk: file systems fail in odd ways when they are filled to the last block.
pub(crate) const SPARE_BYTES: u64 = 16 << 20;

/// A folder that is being written. If it is dropped before [`StagedFolder::publish`], it is removed with its contents.
#[derive(Debug)]
pub(crate) struct StagedFolder {
    partial: PartialFolder,
    target: PathBuf,
}

impl StagedFolder {
    /// Begins the folder `target`, which will contain about `bytes`, and its parents.
    ///
    /// # Errors
    /// When `target` already exists, the disk has no room for it, or its parent cannot be written.
    pub fn begin(target: &Path, bytes: u64) -> Result<Self, ModelError> {
        if is_occupied(target)? {
            return Err(ModelError::Exists { path: target.to_owned() });
        }
        let parent = match target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        create_folder(parent).map_err(ModelError::io("create", parent))?;
        // This may free the room that is needed.
        remove_abandoned(parent);
        require_space(parent, bytes)?;
        let partial = PartialFolder::begin(parent).map_err(ModelError::io("write into", parent))?;
        Ok(Self { partial, target: target.to_owned() })
    }

    /// The folder to write into.
    pub fn path(&self) -> &Path {
        self.partial.path()
    }

    /// Moves the folder to its place.
    ///
    /// # Errors
    /// When another process has put something there in the meantime, or the folder cannot be moved.
    pub fn publish(self) -> Result<(), ModelError> {
        let Self { partial, target } = self;
        match partial.publish(&target) {
            Ok(()) => Ok(()),
            Err(_) if is_occupied(&target)? => Err(ModelError::Exists { path: target }),
            Err(error) => Err(ModelError::io("create", &target)(error)),
        }
    }
}

/// Whether anything but an empty folder exists at the path.
fn is_occupied(path: &Path) -> Result<bool, ModelError> {
    match fs::read_dir(path) {
        Ok(mut entries) => Ok(entries.next().is_some()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        // The path is a file, or leads through one.
        Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => Ok(path.symlink_metadata().is_ok()),
        Err(error) => Err(ModelError::io("read", path)(error)),
    }
}

/// Refuses to write this many bytes below `parent` where the disk has no room for them and [`SPARE_BYTES`] more.
///
/// # Errors
/// [`ModelError::NoSpace`].
pub(crate) fn require_space(parent: &Path, bytes: u64) -> Result<(), ModelError> {
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
}

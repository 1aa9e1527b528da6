//! The cache: models, downloads and libraries, which several processes may need at the same time. One of them creates an item,
//! and the others wait for it.

mod litter;

use std::{fmt, io::ErrorKind, path::Path, sync::Once};

use anyhow::{Context, Result};
use pocketwatt_files::{Held, Lock, create_folder, join_inside};

use crate::measure::holder;

/// Folder in the cache with a lock file for each item that only one process may create. The files stay, because a lock on a removed
/// file would lock nothing.
const LOCKS: &str = "locks";

/// Something in the cache that one process at a time creates or changes.
#[derive(Clone, Copy, Debug)]
pub enum Item<'a> {
    /// The model with that name, and what is derived from it.
    Model(&'a str),
    /// The download from the repository with that name, `OWNER/NAME`.
    Download(&'a str),
    /// The shared library with that file name.
    Library(&'a str),
}

impl Item<'_> {
    fn lock_name(&self) -> String {
        match self {
            Self::Model(name) => format!("model-{name}.lock"),
            Self::Download(repository) => format!("download-{}.lock", repository.replace('/', "--")),
            Self::Library(file) => format!("library-{file}.lock"),
        }
    }
}

impl fmt::Display for Item<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Model(name) => write!(formatter, "model {name:?}"),
            Self::Download(repository) => write!(formatter, "the download of {repository}"),
            Self::Library(file) => formatter.write_str(file),
        }
    }
}

/// The right to create or change an item; others wait as long as this lives. It ends with its process, and also holds
/// between containers that share the cache.
#[derive(Debug)]
pub struct CacheLock {
    _lock: Option<Lock>,
}

impl CacheLock {
    /// Waits until no other process works on that item, and says so once. The first call in a process also removes what processes
    /// that are gone left unfinished anywhere in the cache.
    ///
    /// # Errors
    /// When the lock file cannot be opened. A cache without write permission has no locks, since nothing is created in it.
    pub fn take(cache: &Path, item: Item) -> Result<Self> {
        static CLEANED: Once = Once::new();
        CLEANED.call_once(|| litter::remove(cache));
        let waits = |held: &Held| notice!("waiting for {item}: {} is at it", holder::shown(&held.holder));
        let path = join_inside(&cache.join(LOCKS), &item.lock_name())?;
        let taken = create_folder(&cache.join(LOCKS)).and_then(|()| Lock::take(&path, &holder::own_name(), waits));
        match taken {
            Ok(lock) => Ok(Self { _lock: Some(lock) }),
            Err(error) if matches!(error.kind(), ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied) => {
                Ok(Self { _lock: None })
            }
            Err(error) => Err(error).with_context(|| format!("cannot lock {}", path.display())),
        }
    }

    /// Takes it if it is free; otherwise `None`.
    fn try_take(cache: &Path, item: Item) -> Option<Lock> {
        let path = join_inside(&cache.join(LOCKS), &item.lock_name()).ok()?;
        create_folder(&cache.join(LOCKS)).ok()?;
        Lock::try_take(&path, &holder::own_name()).ok()?.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_is_made_by_one_and_others_are_not_held_up() {
        let cache = tempfile::tempdir().unwrap();
        let lock = CacheLock::take(cache.path(), Item::Model("tiny")).unwrap();
        assert!(CacheLock::try_take(cache.path(), Item::Model("tiny")).is_none());
        CacheLock::take(cache.path(), Item::Model("tiny-ls")).unwrap();
        CacheLock::take(cache.path(), Item::Download("somebody/tiny")).unwrap();
        drop(lock);
        assert!(CacheLock::try_take(cache.path(), Item::Model("tiny")).is_some());
    }
}

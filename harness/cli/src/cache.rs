//! The cache: models, downloads and libraries, which several processes may want at the same time. One makes a thing, and the
//! others wait for it.

mod litter;

use std::{fmt, io::ErrorKind, path::Path, sync::Once};

use anyhow::{Context, Result};
use pocketwatt_files::{Held, Lock, create_folder, join_inside};

use crate::measure::holder;

/// Below the cache: a file for each thing that is made one at a time. They stay, for who locks a file that was removed
/// locks nothing.
const LOCKS: &str = "locks";

/// Something in the cache that one process at a time makes or changes.
#[derive(Clone, Copy, Debug)]
pub enum Item<'a> {
    /// The model of that name, and what is derived from it.
    Model(&'a str),
    /// What is downloaded from the repository of that name, `OWNER/NAME`.
    Download(&'a str),
    /// The shared library of that file name.
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

/// The right to make or change an item, which others wait for as long as this lives. It ends with its process, and holds
/// between containers that share the cache.
#[derive(Debug)]
pub struct CacheLock {
    _lock: Option<Lock>,
}

impl CacheLock {
    /// Waits until nobody else is at that item, and says so once. The first time in a process, what others that are gone
    /// left half-done anywhere in the cache is removed.
    ///
    /// # Errors
    /// When the lock's file cannot be opened. A cache that may not be written has no locks: nobody here makes anything in it.
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

    /// Takes it if nobody else has it, and nothing otherwise.
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

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use rustix::fs::OFlags;

/// Of what a lock file says about its holder: it is shown to people, and may be anybody's text.
const MOST_HOLDER_BYTES: u64 = 400;

/// A lock on a file, for as long as this lives and at most as long as its process: the system lets go of it when the
/// process ends, however it ends. It holds between containers, too, as far as they see the same file (flock(2)).
#[derive(Debug)]
pub struct Lock {
    file: File,
}

/// Somebody else has the lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The lock's file.
    pub path: PathBuf,
    /// What the holder wrote about itself; empty if nothing can be read.
    pub holder: String,
}

impl Lock {
    /// Takes the lock if nobody has it, and writes into its file who has it now, for those who ask. The file is made
    /// where it is missing, and stays: removing it would let two have the lock.
    ///
    /// # Errors
    /// When the file cannot be opened or locked at all, for example because a link lies there.
    pub fn try_take(path: &Path, holder: &str) -> io::Result<Result<Self, Held>> {
        let mut file = open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Ok(Self { file: describe(file, holder) })),
            Err(TryLockError::WouldBlock) => {
                let mut bytes = Vec::new();
                // Nothing more is lost than a name.
                let _ = (&mut file).take(MOST_HOLDER_BYTES).read_to_end(&mut bytes);
                let text = String::from_utf8_lossy(&bytes);
                let holder = text.lines().next().unwrap_or_default().trim().to_owned();
                Ok(Err(Held { path: path.to_owned(), holder }))
            }
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Takes the lock, and waits for it if somebody else has it; `waits` is told once, before.
    ///
    /// # Errors
    /// As [`Lock::try_take`].
    pub fn take(path: &Path, holder: &str, waits: impl FnOnce(&Held)) -> io::Result<Self> {
        match Self::try_take(path, holder)? {
            Ok(lock) => Ok(lock),
            Err(held) => {
                waits(&held);
                let file = open(path)?;
                file.lock()?;
                Ok(Self { file: describe(file, holder) })
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Whoever finds the file does not look for a holder that is gone.
        let _ = self.file.set_len(0);
    }
}

/// Two who lock must lock the same file, so a lock file is opened where it lies, and never through a link: that would
/// write into somebody else's file. One that may only be read can be locked all the same.
fn open(path: &Path) -> io::Result<File> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let writable = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o666)
        .custom_flags(flags)
        .open(path);
    match writable {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            OpenOptions::new().read(true).custom_flags(flags).open(path)
        }
        opened => opened,
    }
}

/// Writes who holds the lock. That it cannot be written does not make the lock less one.
fn describe(mut file: File, holder: &str) -> File {
    let line: String = holder.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let _ = file
        .set_len(0)
        .and_then(|()| file.seek(SeekFrom::Start(0)))
        .and_then(|_| file.write_all(format!("{line}\n").as_bytes()));
    file
}

#[cfg(test)]
mod tests {
    use std::{fs, sync::mpsc::channel, thread};

    use super::*;

    #[test]
    fn one_has_the_lock_and_others_are_told_who() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("lock");
        let lock = Lock::try_take(&path, "process 7\nof mine").unwrap().unwrap();
        let held = Lock::try_take(&path, "me").unwrap().unwrap_err();
        assert_eq!(held, Held { path: path.clone(), holder: "process 7 of mine".into() });
        drop(lock);
        let _again = Lock::try_take(&path, "me").unwrap().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "me\n");
    }

    #[test]
    fn whoever_waits_gets_it_next() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("lock");
        let first = Lock::try_take(&path, "first").unwrap().unwrap();
        let (told, asks) = channel();
        let waiting = thread::spawn({
            let path = path.clone();
            move || Lock::take(&path, "second", |held| told.send(held.holder.clone()).unwrap()).unwrap()
        });
        assert_eq!(asks.recv().unwrap(), "first");
        drop(first);
        let _second = waiting.join().unwrap();
        assert!(Lock::try_take(&path, "third").unwrap().is_err());
    }

    #[test]
    fn a_link_is_not_followed() {
        let root = tempfile::tempdir().unwrap();
        let (target, link) = (root.path().join("target"), root.path().join("link"));
        fs::write(&target, "mine").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        Lock::try_take(&link, "me").unwrap_err();
        assert_eq!(fs::read_to_string(&target).unwrap(), "mine");
    }
}

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, ErrorKind, Read, Seek, SeekFrom, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use rustix::fs::OFlags;

use crate::folder::folder_of;

/// Longest description of a holder that is read from a lock file: it is shown to people, and any program may have written it.
const MOST_HOLDER_BYTES: u64 = 400;

/// A lock on a file. It is held until this is dropped, and at most as long as its process lives: the system releases it
/// however the process ends. It also works between containers that see the same file (flock(2)).
#[derive(Debug)]
pub struct Lock {
    file: File,
    shared: bool,
}

/// Another process has the lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The lock's file.
    pub path: PathBuf,
    /// What the holder wrote about itself; empty if it cannot be read.
    pub holder: String,
}

impl Lock {
    /// Takes the lock if it is free, and writes the holder into its file for others to see. The file is created
    /// if it is missing, and stays: if it were removed, two processes could each hold a lock.
    ///
    /// # Errors
    /// When the file cannot be opened or locked at all, for example because a link is at the path.
    pub fn try_take(path: &Path, holder: &str) -> io::Result<Result<Self, Held>> {
        let mut file = open_or_create(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Ok(Self { file: describe(file, holder), shared: false })),
            Err(TryLockError::WouldBlock) => Ok(Err(held(path, &mut file))),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Takes the lock, and waits if another process has it; before waiting, it calls `waits` once.
    ///
    /// # Errors
    /// As [`Lock::try_take`].
    pub fn take(path: &Path, holder: &str, waits: impl FnOnce(&Held)) -> io::Result<Self> {
        match Self::try_take(path, holder)? {
            Ok(lock) => Ok(lock),
            Err(held) => {
                waits(&held);
                let file = open_or_create(path)?;
                file.lock()?;
                Ok(Self { file: describe(file, holder), shared: false })
            }
        }
    }

    /// Takes a share of the lock: others may have a share, too, but nobody can have the whole lock meanwhile. Waits for a holder
    /// of the whole lock. The file names the latest holder of a share, so each new one changes its time of modification.
    ///
    /// # Errors
    /// As [`Lock::try_take`].
    pub fn share(path: &Path, holder: &str) -> io::Result<Self> {
        let file = open_or_create(path)?;
        file.lock_shared()?;
        Ok(Self { file: describe(file, holder), shared: true })
    }

    /// Whether a process has the lock or a share of it. The check takes the lock for a moment, in which others find it taken.
    ///
    /// # Errors
    /// As [`Lock::try_take`], except that a missing file means that nobody has the lock.
    pub fn look(path: &Path) -> io::Result<Option<Held>> {
        let mut file = match open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        match file.try_lock() {
            Ok(()) => {
                let_go(&file);
                Ok(None)
            }
            Err(TryLockError::WouldBlock) => Ok(Some(held(path, &mut file))),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

/// Closing the file would not be enough if another thread is just starting a child process: until the child runs its program,
/// it has the file open, too, and with it the lock.
fn let_go(file: &File) {
    // Unlocking fails only for a file that is no longer open.
    let _ = file.unlock();
}

fn held(path: &Path, file: &mut File) -> Held {
    let mut bytes = Vec::new();
    // On an error, only a name is lost.
    let _ = file.take(MOST_HOLDER_BYTES).read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes);
    let holder = text.lines().next().unwrap_or_default().trim().to_owned();
    Held { path: path.to_owned(), holder }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A reader of the file must not look for a holder that is gone. The name in a shared one may be another's.
        if !self.shared {
            let _ = self.file.set_len(0);
        }
        let_go(&self.file);
    }
}

/// All processes must lock the same file, so an existing lock file is opened, and only a missing one is created: in a
/// folder for everybody, systems may forbid to "create" a file that another user has made (`fs.protected_regular`).
fn open_or_create(path: &Path) -> io::Result<File> {
    loop {
        match open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            opened => return opened,
        }
        match options().write(true).create_new(true).mode(0o666).open(path) {
            // Another process was faster.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
            Ok(file) => {
                // In a folder where everybody may write, everybody may use the lock and write the name of its holder.
                let everybody = 0o002;
                if fs::metadata(folder_of(path))?.mode() & everybody != 0 {
                    file.set_permissions(fs::Permissions::from_mode(0o666))?;
                }
                return Ok(file);
            }
        }
    }
}

/// Never opens a link, and never a file with a second name: the holder's name would be written into another user's
/// file. A file that may only be read can still be locked.
fn open(path: &Path) -> io::Result<File> {
    let file = match options().write(true).open(path) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => options().open(path)?,
        opened => opened?,
    };
    let facts = file.metadata()?;
    if facts.is_file() && facts.nlink() <= 1 {
        return Ok(file);
    }
    let reason = format!("{} is not a lock file: it is something else, or has a second name", path.display());
    Err(io::Error::new(ErrorKind::InvalidInput, reason))
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed());
    options
}

/// Writes the holder into the file. If that fails, the lock is still valid.
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
    use std::{sync::mpsc::channel, thread};

    use super::*;

    #[test]
    fn one_has_the_lock_and_others_learn_its_name() {
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
    fn shares_stand_beside_each_other_and_keep_the_whole_away() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("lock");
        assert_eq!(Lock::look(&path).unwrap(), None);
        assert!(!path.exists(), "looking makes nothing");
        let first = Lock::share(&path, "first").unwrap();
        let second = Lock::share(&path, "second").unwrap();
        let held = Held { path: path.clone(), holder: "second".into() };
        assert_eq!(Lock::try_take(&path, "me").unwrap().unwrap_err(), held);
        drop(first);
        assert_eq!(Lock::look(&path).unwrap(), Some(held));
        drop(second);
        assert_eq!(Lock::look(&path).unwrap(), None);
    }

    #[test]
    fn in_a_folder_for_everybody_the_lock_is_everybody_s() {
        let root = tempfile::tempdir().unwrap();
        let mode = |name: &str| fs::metadata(root.path().join(name)).unwrap().permissions().mode() & 0o777;
        fs::write(root.path().join("ordinary"), "").unwrap();
        drop(Lock::try_take(&root.path().join("mine"), "me").unwrap().unwrap());
        assert_eq!(mode("mine"), mode("ordinary"));
        fs::set_permissions(root.path(), fs::Permissions::from_mode(0o1777)).unwrap();
        drop(Lock::try_take(&root.path().join("ours"), "me").unwrap().unwrap());
        assert_eq!(mode("ours"), 0o666);
    }

    #[test]
    fn a_second_name_of_a_file_is_not_written() {
        let root = tempfile::tempdir().unwrap();
        let (file, name) = (root.path().join("file"), root.path().join("lock"));
        fs::write(&file, "mine").unwrap();
        fs::hard_link(&file, &name).unwrap();
        Lock::try_take(&name, "me").unwrap_err();
        assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
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

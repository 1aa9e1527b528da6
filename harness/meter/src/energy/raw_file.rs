use std::{
    fs::{self, File},
    io,
    os::unix::fs::{FileExt, FileTypeExt, MetadataExt},
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use pocketwatt_files::open_regular;

use super::{
    Reason, Unavailable,
    failure::{failure, may_answer_at_once},
    plausible::FileUnit,
};
use crate::SystemRoot;

/// Longest content that is read, in bytes: sysfs attributes hold one page.
const BUFFER_BYTES: usize = 4096;
/// A file that has not answered yet is tried this often, with this pause, so that a driver that is busy for a moment does not
/// leave a device without its meter. Once it has answered, a failure is a gap in its series.
const FIRST_TRIES: u32 = 3;
const BETWEEN_TRIES: Duration = Duration::from_millis(5);

/// A small file of the kernel that is kept open, so that a reading is one system call.
#[derive(Debug)]
pub struct RawFile {
    file: File,
    path: PathBuf,
    answered: AtomicBool,
}

impl RawFile {
    /// Opens a file below `root`, given without the leading slash.
    ///
    /// # Errors
    /// [`Reason::NoMeter`] when it does not exist, [`Reason::NotPermitted`] when it may not be read, [`Reason::Covered`] when a
    /// device lies over it.
    pub fn open(root: &SystemRoot, path: &str) -> Result<Self, Unavailable> {
        let path = root.join(path);
        match open_regular(&path) {
            Ok(file) => Ok(Self { file, path, answered: AtomicBool::new(false) }),
            Err(_) if is_device(&path) => {
                let hint =
                    format!("{} is covered by a device, as container engines do; run on the host", path.display());
                Err(Unavailable::new(Reason::Covered, hint))
            }
            Err(error) => Err(failure(&error, Reason::NoMeter, path.display())),
        }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its text, trimmed; never empty.
    ///
    /// # Errors
    /// [`Reason::Vanished`] when the device behind it is gone, [`Reason::Unreadable`] when it is empty or does not answer now.
    pub fn text<'a>(&self, buffer: &'a mut [u8; BUFFER_BYTES]) -> Result<&'a str, Unavailable> {
        let length = self.read(buffer).map_err(|error| failure(&error, Reason::Vanished, self.path.display()))?;
        // An open file outlives its name. The kernel answers ENODEV for what it removed; other file systems go on.
        if self.file.metadata().is_ok_and(|metadata| metadata.nlink() == 0) {
            return Err(Unavailable::new(Reason::Vanished, format!("{} was removed", self.path.display())));
        }
        let text =
            std::str::from_utf8(&buffer[..length]).unwrap_or_default().trim_matches(['\0', ' ', '\n', '\t', '\r']);
        if text.is_empty() {
            return Err(Unavailable::new(Reason::Unreadable, format!("{} is empty", self.path.display())));
        }
        Ok(text)
    }

    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut tries = if self.answered.load(Ordering::Relaxed) { 1 } else { FIRST_TRIES };
        loop {
            tries -= 1;
            match self.file.read_at(buffer, 0) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => tries += 1,
                Err(error) if tries > 0 && may_answer_at_once(&error) => thread::sleep(BETWEEN_TRIES),
                answer => {
                    self.answered.fetch_or(answer.is_ok(), Ordering::Relaxed);
                    return answer;
                }
            }
        }
    }

    /// Its content as a whole number.
    ///
    /// # Errors
    /// As [`RawFile::text`], and [`Reason::Unreadable`] when it is not a number.
    pub fn integer(&self) -> Result<i64, Unavailable> {
        let mut buffer = [0; BUFFER_BYTES];
        let text = self.text(&mut buffer)?;
        text.parse().map_err(|_| {
            let shown: String = text.chars().take(40).collect();
            Unavailable::new(
                Reason::Unreadable,
                format!("{} holds {shown:?}, which is not a number", self.path.display()),
            )
        })
    }
}

impl RawFile {
    /// Its content as a whole number in a unit.
    ///
    /// # Errors
    /// As [`RawFile::integer`], and [`Reason::Unreadable`] when it is impossible in that unit.
    pub(super) fn amount(&self, unit: &FileUnit) -> Result<i64, Unavailable> {
        unit.admit(self.integer()?, self.path.display())
    }
}

/// Whether a character device, such as `/dev/null`, lies where a file should be.
fn is_device(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_char_device())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_again_and_again() {
        let tree = tempfile::tempdir().unwrap();
        fs::write(tree.path().join("counter"), "12\n").unwrap();
        let file = RawFile::open(&SystemRoot::at(tree.path()), "counter").unwrap();
        assert_eq!(file.integer(), Ok(12));
        fs::write(tree.path().join("counter"), "-13\n").unwrap();
        assert_eq!(file.integer(), Ok(-13));
    }

    #[test]
    fn a_file_that_is_removed_has_vanished() {
        let tree = tempfile::tempdir().unwrap();
        fs::write(tree.path().join("counter"), "12\n").unwrap();
        let file = RawFile::open(&SystemRoot::at(tree.path()), "counter").unwrap();
        fs::remove_file(tree.path().join("counter")).unwrap();
        assert_eq!(file.integer().unwrap_err().reason, Reason::Vanished);
    }

    #[test]
    fn nothing_and_nonsense_are_not_zero() {
        let tree = tempfile::tempdir().unwrap();
        let root = SystemRoot::at(tree.path());
        for (content, hint) in [("", "is empty"), ("\n", "is empty"), ("many", "holds \"many\"")] {
            fs::write(tree.path().join("x"), content).unwrap();
            let unavailable = RawFile::open(&root, "x").unwrap().integer().unwrap_err();
            assert_eq!(unavailable.reason, Reason::Unreadable);
            assert!(unavailable.hint.contains(hint), "{unavailable:?}");
        }
        assert_eq!(RawFile::open(&root, "y").unwrap_err().reason, Reason::NoMeter);
    }
}

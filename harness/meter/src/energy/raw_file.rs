use std::{
    fs::File,
    io::ErrorKind,
    os::unix::fs::{FileExt, MetadataExt},
    path::PathBuf,
};

use pocketwatt_files::open_regular;

use super::{Reason, Unavailable, plausible::FileUnit};
use crate::SystemRoot;

/// Longest content that is read: sysfs attributes hold one page.
const BUFFER_BYTES: usize = 4096;

/// A small file of the kernel that is kept open, so that a reading is one system call.
#[derive(Debug)]
pub struct RawFile {
    file: File,
    path: PathBuf,
}

impl RawFile {
    /// Opens a file below `root`, given without the leading slash.
    ///
    /// # Errors
    /// [`Reason::NoMeter`] when there is none, [`Reason::NotPermitted`] when it may not be read.
    pub fn open(root: &SystemRoot, path: &str) -> Result<Self, Unavailable> {
        let path = root.join(path);
        match open_regular(&path) {
            Ok(file) => Ok(Self { file, path }),
            Err(error) => Err(unavailable(&error, Reason::NoMeter, &path)),
        }
    }

    /// Its path.
    pub fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// Its text, trimmed; never empty.
    ///
    /// # Errors
    /// [`Reason::Vanished`] when the device behind it is gone, [`Reason::Unreadable`] when it is empty.
    pub fn text<'a>(&self, buffer: &'a mut [u8; BUFFER_BYTES]) -> Result<&'a str, Unavailable> {
        let length = match self.file.read_at(buffer, 0) {
            Ok(length) => length,
            Err(error) => return Err(unavailable(&error, Reason::Vanished, &self.path)),
        };
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

    /// Its content as a whole number.
    ///
    /// # Errors
    /// As [`RawFile::text`], and [`Reason::Unreadable`] when it is no number.
    pub fn integer(&self) -> Result<i64, Unavailable> {
        let mut buffer = [0; BUFFER_BYTES];
        let text = self.text(&mut buffer)?;
        text.parse().map_err(|_| {
            let shown: String = text.chars().take(40).collect();
            Unavailable::new(Reason::Unreadable, format!("{} holds {shown:?}, which is no number", self.path.display()))
        })
    }
}

impl RawFile {
    /// Its content as a whole number of a unit.
    ///
    /// # Errors
    /// As [`RawFile::integer`], and [`Reason::Unreadable`] when the unit cannot mean it.
    pub(super) fn amount(&self, unit: &FileUnit) -> Result<i64, Unavailable> {
        unit.admit(self.integer()?, self.path.display())
    }
}

/// What an error of the system means for a meter; `otherwise` for a file that is not there.
fn unavailable(error: &std::io::Error, otherwise: Reason, path: &std::path::Path) -> Unavailable {
    // ENODATA and EIO: the driver is there and has no answer.
    const NO_DATA: i32 = 61;
    const IO: i32 = 5;
    let reason = match error.kind() {
        ErrorKind::PermissionDenied => Reason::NotPermitted,
        ErrorKind::NotFound => otherwise,
        // A pipe or a device, where a file should be.
        ErrorKind::InvalidInput => Reason::Unreadable,
        _ if matches!(error.raw_os_error(), Some(NO_DATA | IO)) => Reason::Unreadable,
        _ => otherwise,
    };
    Unavailable::new(reason, format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::fs;

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

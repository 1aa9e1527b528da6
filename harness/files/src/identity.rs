use std::{
    fs::{self, File, Metadata},
    io::{self, ErrorKind},
    os::unix::fs::MetadataExt,
    path::Path,
};

/// Identifies a file and its last write by what the system knows without reading it. A file that was replaced,
/// written to or given another time has another identity; one that was only renamed, linked or given other permissions may
/// have another one, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileIdentity {
    device: u64,
    inode: u64,
    bytes: u64,
    /// Seconds and nanoseconds. Setting the modification time back changes the other one.
    modified: (i64, i64),
    changed: (i64, i64),
}

impl FileIdentity {
    /// The identity of the regular file at that path; links are followed.
    ///
    /// # Errors
    /// When there is no such file.
    pub fn of_path(path: &Path) -> io::Result<Self> {
        Self::from_facts(&fs::metadata(path)?)
    }

    /// The identity of an open file.
    ///
    /// # Errors
    /// When it is not a regular file.
    pub fn of_opened(file: &File) -> io::Result<Self> {
        Self::from_facts(&file.metadata()?)
    }

    fn from_facts(facts: &Metadata) -> io::Result<Self> {
        if !facts.is_file() {
            return Err(io::Error::new(ErrorKind::InvalidInput, "it is not a file"));
        }
        Ok(Self {
            device: facts.dev(),
            inode: facts.ino(),
            bytes: facts.size(),
            modified: (facts.mtime(), facts.mtime_nsec()),
            changed: (facts.ctime(), facts.ctime_nsec()),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn a_file_that_was_replaced_or_written_is_another_one() {
        let root = tempfile::tempdir().unwrap();
        let (path, other) = (root.path().join("file"), root.path().join("other"));
        fs::write(&path, "same").unwrap();
        let first = FileIdentity::of_path(&path).unwrap();
        assert_eq!(FileIdentity::of_opened(&File::open(&path).unwrap()).unwrap(), first);
        fs::read(&path).unwrap();
        assert_eq!(FileIdentity::of_path(&path).unwrap(), first);
        File::options().write(true).open(&path).unwrap().set_modified(UNIX_EPOCH).unwrap();
        let written = FileIdentity::of_path(&path).unwrap();
        assert_ne!(written, first);
        fs::write(&other, "same").unwrap();
        fs::rename(&other, &path).unwrap();
        let replaced = FileIdentity::of_path(&path).unwrap();
        assert_ne!(replaced, written);
        assert_eq!(FileIdentity::of_path(root.path()).unwrap_err().kind(), ErrorKind::InvalidInput);
    }
}

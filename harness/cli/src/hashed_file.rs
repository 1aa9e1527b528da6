//! Files that a record names by their sha256: they are checked beside each case, without reading them.

use std::{
    cell::Cell,
    path::{Path, PathBuf},
};

use pocketwatt_files::{FileIdentity, open_regular};
use pocketwatt_model::sha256_of_opened;

/// Characters of a hash that are enough to distinguish two files, for people.
const SHOWN_CHARACTERS: usize = 12;

/// A file, its purpose, and its hash.
#[derive(Clone, Debug)]
pub struct HashedFile {
    what: String,
    path: PathBuf,
    sha256: String,
    /// The identity of the file with that hash; unknown where it has to be hashed again.
    identity: Cell<Option<FileIdentity>>,
}

impl HashedFile {
    /// Reads a file and hashes it; `what` is its description: `the runner of tract`.
    ///
    /// # Errors
    /// When it is not a regular file or cannot be read; the error names it.
    pub fn read(what: impl Into<String>, path: &Path) -> Result<Self, String> {
        let what = what.into();
        let (identity, sha256) =
            hashed(path).map_err(|error| format!("{what}, {}, cannot be read: {error}", path.display()))?;
        Ok(Self { path: path.to_owned(), sha256, identity: Cell::new(Some(identity)), what })
    }

    /// A file with a known hash, from a time at which it had `identity`. Without an identity, it is hashed at the next
    /// check.
    pub fn known(what: impl Into<String>, path: &Path, sha256: &str, identity: Option<FileIdentity>) -> Self {
        Self { what: what.into(), path: path.to_owned(), sha256: sha256.to_owned(), identity: Cell::new(identity) }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its hash, in lower-case hexadecimal.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Checks whether it is still the file that was hashed. It is hashed again only if the system reports another identity, or a
    /// write since then.
    ///
    /// # Errors
    /// When it has another hash, or no longer exists; the error names it and says what to do.
    pub fn ensure_unchanged(&self) -> Result<(), String> {
        let gone = |error: String| {
            format!("{}, {}, cannot be read any more ({error}): start a new run", self.what, self.path.display())
        };
        let identity = FileIdentity::of_path(&self.path).map_err(|error| gone(error.to_string()))?;
        if self.identity.get() == Some(identity) {
            return Ok(());
        }
        let (identity, found) = hashed(&self.path).map_err(gone)?;
        if found != self.sha256 {
            let short = |sha256: &str| sha256.chars().take(SHOWN_CHARACTERS).collect::<String>();
            return Err(format!(
                "{} changed during the run ({}, sha256 {}, was {}): start a new run",
                self.what,
                self.path.display(),
                short(&found),
                short(&self.sha256)
            ));
        }
        self.identity.set(Some(identity));
        Ok(())
    }
}

/// The hash and the identity belong to the same file: both come from one open file, whose identity is read first. If it is written
/// to in the meantime, the next check finds another identity.
fn hashed(path: &Path) -> Result<(FileIdentity, String), String> {
    let file = open_regular(path).map_err(|error| error.to_string())?;
    let identity = FileIdentity::of_opened(&file).map_err(|error| error.to_string())?;
    let sha256 = sha256_of_opened(file, path).map_err(|error| format!("{:#}", anyhow::Error::from(error)))?;
    Ok((identity, sha256))
}

#[cfg(test)]
mod tests {
    use std::{fs, time::UNIX_EPOCH};

    use super::*;

    #[test]
    fn a_replaced_file_is_found_and_one_that_was_touched_is_not_blamed() {
        let root = tempfile::tempdir().unwrap();
        let (path, other) = (root.path().join("runner"), root.path().join("other"));
        fs::write(&path, "one").unwrap();
        let file = HashedFile::read("the runner", &path).unwrap();
        file.ensure_unchanged().unwrap();
        fs::File::options().write(true).open(&path).unwrap().set_modified(UNIX_EPOCH).unwrap();
        file.ensure_unchanged().unwrap();
        assert_eq!(
            file.identity.get(),
            Some(FileIdentity::of_path(&path).unwrap()),
            "it is hashed once, not at each look"
        );
        fs::write(&other, "two").unwrap();
        fs::rename(&other, &path).unwrap();
        let error = file.ensure_unchanged().unwrap_err();
        assert!(error.starts_with("the runner changed during the run ("), "{error}");
        assert!(error.ends_with(", was 7692c3ad3540): start a new run"), "{error}");
        fs::remove_file(&path).unwrap();
        assert!(file.ensure_unchanged().unwrap_err().contains("cannot be read any more"));
        assert!(HashedFile::read("the runner", root.path()).unwrap_err().contains("it is a folder, not a file"));
    }

    #[test]
    fn a_hash_from_an_unknown_moment_is_checked() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("weights");
        fs::write(&path, "one").unwrap();
        let right = HashedFile::read("", &path).unwrap().sha256().to_owned();
        HashedFile::known("weights", &path, &right, None).ensure_unchanged().unwrap();
        HashedFile::known("weights", &path, "other", None).ensure_unchanged().unwrap_err();
    }
}

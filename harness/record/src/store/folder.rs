use std::{
    io,
    path::{Path, PathBuf},
};

use pocketwatt_files::{NameError, check_name};

use super::{StoreError, write_atomically};
use crate::{Record, Run, read_run};

/// The folder of one run: `run.json` and `cases/<case id>.json`.
#[derive(Clone, Debug)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// Makes the folder and writes `run.json`.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn create(path: &Path, run: &Run) -> Result<Self, StoreError> {
        let folder = Self { path: path.to_owned() };
        run.check().map_err(StoreError::Unstorable)?;
        let cases = folder.cases();
        pocketwatt_files::create_folder(&cases).map_err(StoreError::io("create", &cases))?;
        write_atomically(&folder.run_path(), run)?;
        Ok(folder)
    }

    /// An existing folder.
    pub fn open(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it has either part of a run, in any condition.
    pub fn is_there(&self) -> bool {
        [self.run_path(), self.cases()].iter().any(|part| part.symlink_metadata().is_ok())
    }

    /// Whether the record of any case is there, in any condition.
    pub fn has_cases(&self) -> bool {
        std::fs::read_dir(self.cases()).is_ok_and(|mut files| files.next().is_some())
    }

    /// Reads `run.json`.
    ///
    /// # Errors
    /// See [`read_run`].
    pub fn run(&self) -> Result<Run, StoreError> {
        read_run(&self.run_path())
    }

    /// Stores a record; a reader sees all of it or nothing.
    ///
    /// # Errors
    /// When the file system refuses, for example because the disk is full.
    pub fn write(&self, record: &Record) -> Result<PathBuf, StoreError> {
        let path = self.record_path(&record.case.id)?;
        self.ensure_no_link().map_err(StoreError::io("write", &path))?;
        write_atomically(&path, record)?;
        Ok(path)
    }

    /// A link in place of the folder of cases would lead elsewhere.
    fn ensure_no_link(&self) -> io::Result<()> {
        if self.cases().is_symlink() {
            return Err(io::Error::other(format!("{} is a link: remove it", self.cases().display())));
        }
        Ok(())
    }

    pub(super) fn run_path(&self) -> PathBuf {
        self.path.join("run.json")
    }

    pub(super) fn cases(&self) -> PathBuf {
        self.path.join("cases")
    }

    pub(super) fn record_path(&self, case_id: &str) -> Result<PathBuf, NameError> {
        // The identifier alone is checked: an ending must not turn `..` into a valid name.
        check_name(case_id)?;
        Ok(self.cases().join(format!("{case_id}.json")))
    }
}

mod contents;
mod damage;
mod latest;
mod rebuilt;

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use pocketwatt_files::{NameError, check_name};
use serde::Serialize;
use thiserror::Error;

pub use contents::{Contents, Records};
pub(crate) use damage::shortened;
pub use damage::{Damage, DamageKind, Damaged};
pub use latest::{Latest, latest_run, stored_runs};

use crate::{PlanError, Record, Run, read_run};

/// Why results could not be stored or read.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The file system said no.
    #[error("cannot {action} {path}")]
    Io {
        /// `read`, `write`, ...
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Not one of our files, damaged, or written by a version that this one cannot read.
    #[error("{path} {damage}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        damage: Damage,
    },
    /// A plan whose records could not be stored.
    #[error("the plan cannot be stored")]
    Unstorable(#[source] PlanError),
    /// The folder of the records is a link, or something else that is no folder.
    #[error("{0} is no folder: links are not followed here")]
    Elsewhere(PathBuf),
    /// A word that cannot be the name of a file.
    #[error("a record cannot be stored")]
    Name(#[from] NameError),
    /// There is nothing to show.
    #[error("no runs in {0}: measure one with `pocketwatt run`")]
    NoRuns(PathBuf),
}

impl StoreError {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }

    pub(crate) fn damaged(path: &Path) -> impl FnOnce(Damage) -> Self {
        let path = path.to_owned();
        move |damage| Self::Damaged { path, damage }
    }
}

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

    /// Whether it has either part of a run, whatever its state.
    pub fn is_there(&self) -> bool {
        [self.run_path(), self.cases()].iter().any(|part| part.symlink_metadata().is_ok())
    }

    /// Reads `run.json`.
    ///
    /// # Errors
    /// See [`read_run`].
    pub fn run(&self) -> Result<Run, StoreError> {
        read_run(&self.run_path())
    }

    /// Stores a record; a reader sees the whole of it or nothing.
    ///
    /// # Errors
    /// When the file system refuses, for example because the disk is full.
    pub fn write(&self, record: &Record) -> Result<PathBuf, StoreError> {
        let path = self.record_path(&record.case.id)?;
        self.ensure_no_link().map_err(StoreError::io("write", &path))?;
        write_atomically(&path, record)?;
        Ok(path)
    }

    /// A link that somebody put in place of the folder of cases would lead elsewhere.
    fn ensure_no_link(&self) -> io::Result<()> {
        if self.cases().is_symlink() {
            return Err(io::Error::other(format!("{} is a link: remove it", self.cases().display())));
        }
        Ok(())
    }

    fn run_path(&self) -> PathBuf {
        self.path.join("run.json")
    }

    fn cases(&self) -> PathBuf {
        self.path.join("cases")
    }

    fn record_path(&self, case_id: &str) -> Result<PathBuf, NameError> {
        // The identifier alone is the name: an ending must not turn `..` into one.
        check_name(case_id)?;
        Ok(self.cases().join(format!("{case_id}.json")))
    }
}

/// Writes beside the target, then renames over it: a reader, or a run resumed after a crash, never sees half a file.
pub(crate) fn write_atomically(path: &Path, contents: &impl Serialize) -> Result<(), StoreError> {
    let write = |file: &mut File| {
        let mut buffer = BufWriter::new(file);
        serde_json::to_writer_pretty(&mut buffer, contents)?;
        buffer.write_all(b"\n")?;
        buffer.flush()
    };
    pocketwatt_files::write_atomically(path, write).map_err(StoreError::io("write", path))
}

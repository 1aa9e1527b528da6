use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use serde::Serialize;
use thiserror::Error;

use crate::{FormatVersion, RECORD_FORMAT, Record, Run, read_record, read_run};

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
    /// Not one of our files, or damaged.
    #[error("{path} is not a valid result file: {reason}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What the parser said.
        reason: String,
    },
    /// Written by a version that this one cannot read.
    #[error("{path} has format {found}, this version reads {RECORD_FORMAT}: use a newer pocketwatt")]
    Version {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: FormatVersion,
    },
    /// There is nothing to show.
    #[error("no runs in {0}: measure one with `pocketwatt run`")]
    NoRuns(PathBuf),
}

impl StoreError {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
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
        let path = self.record_path(&record.case.id);
        self.ensure_inside(&record.case.id).map_err(StoreError::io("write", &path))?;
        write_atomically(&path, record)?;
        Ok(path)
    }

    /// Whether the case has a record.
    pub fn holds(&self, case_id: &str) -> bool {
        self.record_path(case_id).is_file()
    }

    /// All records in the order of the plan; cases that were not reached are left out.
    ///
    /// # Errors
    /// When a record that is there cannot be read.
    pub fn records(&self) -> Result<Vec<Record>, StoreError> {
        self.run()?
            .plan
            .iter()
            .map(|planned| self.record_path(&planned.case.id))
            .filter(|path| path.is_file())
            .map(|path| read_record(&path))
            .collect()
    }

    /// A case's name leads nowhere else, and neither does a link that somebody put in place of the folder of cases.
    fn ensure_inside(&self, case_id: &str) -> io::Result<()> {
        pocketwatt_files::check_name(case_id).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
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

    fn record_path(&self, case_id: &str) -> PathBuf {
        self.cases().join(format!("{case_id}.json"))
    }
}

/// The newest run below `results/<device>/`; run names begin with their time, so the last name is the newest.
///
/// # Errors
/// [`StoreError::NoRuns`], or when the folder cannot be read.
pub fn latest_run(results: &Path) -> Result<RunFolder, StoreError> {
    let mut runs = Vec::new();
    for device in list(results)? {
        runs.extend(list(&device)?.into_iter().filter(|run| run.join("run.json").is_file()));
    }
    runs.sort_by_key(|run| run.file_name().map(ToOwned::to_owned));
    runs.pop().map(|path| RunFolder { path }).ok_or_else(|| StoreError::NoRuns(results.to_owned()))
}

fn list(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(folder).map_err(StoreError::io("read", folder))?;
    entries.map(|entry| entry.map(|entry| entry.path()).map_err(StoreError::io("read", folder))).collect()
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

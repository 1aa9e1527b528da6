use std::path::Path;

use pocketwatt_files::read_bounded_in_place;
use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    Damage, FormatVersion, PlanError, RECORD_FORMAT, Record, Run, StoreError, impossible, impossible_metrics,
    store::shortened,
};

/// Largest record that is read, in bytes: a case that ran for a day, with ten meters, has some hundred megabytes.
const MOST_RECORD_BYTES: u64 = 1 << 30;
/// Largest `run.json` that is written or read, in bytes: a plan of 10,000 cases has 5 megabytes, a file of conversations adds some.
pub(crate) const MOST_RUN_BYTES: u64 = 256 << 20;

/// Reads a record. A link is not followed.
///
/// # Errors
/// When it cannot be read, is not a record, has impossible blocks, or was written by a newer version.
pub fn read_record(path: &Path) -> Result<Record, StoreError> {
    intact_record(path).map_err(StoreError::damaged(path))
}

/// Reads a `run.json`. A link is not followed.
///
/// # Errors
/// As [`read_record`]; and when its plan has a case twice, or impossible settings, see [`Run::check`].
pub fn read_run(path: &Path) -> Result<Run, StoreError> {
    let run: Run = read(path, MOST_RUN_BYTES).map_err(StoreError::damaged(path))?;
    let malformed = |error: PlanError| Damage::Malformed(shortened(&error.to_string()));
    run.check().map_err(malformed).map_err(StoreError::damaged(path))?;
    Ok(run)
}

pub(crate) fn intact_record(path: &Path) -> Result<Record, Damage> {
    let mut record: Record = read(path, MOST_RECORD_BYTES)?;
    if let Some(impossible) = impossible(&record.samples.blocks, record.samples.iterations.len()) {
        return Err(Damage::Malformed(impossible));
    }
    if let Some(impossible) = impossible_metrics(&record.metrics) {
        return Err(Damage::Malformed(impossible));
    }
    record.complete();
    Ok(record)
}

/// The beginning of every stored file, whatever follows.
#[derive(Deserialize)]
struct Head {
    format: FormatVersion,
}

fn read<T: DeserializeOwned + Versioned>(path: &Path, most_bytes: u64) -> Result<T, Damage> {
    let contents = read_bounded_in_place(path, most_bytes).map_err(|error| Damage::of(&error))?;
    if contents.is_empty() {
        return Err(Damage::Empty);
    }
    let newer = |found: FormatVersion| found.major != RECORD_FORMAT.major;
    match serde_json::from_slice::<T>(&contents) {
        Ok(read) if newer(read.format()) => Err(Damage::Newer(read.format())),
        Ok(read) => Ok(read),
        // A file of a newer version may differ in anything but its head.
        Err(error) => Err(match serde_json::from_slice::<Head>(&contents) {
            Ok(head) if newer(head.format) => Damage::Newer(head.format),
            _ => Damage::Malformed(shortened(&error.to_string())),
        }),
    }
}

trait Versioned {
    fn format(&self) -> FormatVersion;
}

impl Versioned for Record {
    fn format(&self) -> FormatVersion {
        self.format
    }
}

impl Versioned for Run {
    fn format(&self) -> FormatVersion {
        self.format
    }
}

//! The data set `history`: a row for each metric of each case of each run that a history keeps, with its commit. A file has all runs of a
//! device and a month, since a history has thousands of small ones.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::Context;
use pocketwatt_history::{Entry, Known, Outline};

use super::{
    columns::{Column, Values, column},
    identity::Kept,
    metrics::{self, Row},
    partition::Partition,
    table,
};

/// Name of the data set.
pub const DATASET: &str = "history";
/// Name of each file, without its ending.
const FILE: &str = "runs";

/// The columns before those of `metrics`, as docs/formats.md explains them.
const COLUMNS: &[Column<Row>] = &[
    column("commit", Values::Text(|row| Some(row.kept.as_ref()?.commit.clone()))),
    column("branch", Values::Text(|row| Some(row.kept.as_ref()?.branch.clone()))),
    column("committed", Values::Instant(|row| row.kept.as_ref()?.committed)),
    column("message", Values::Text(|row| row.kept.as_ref()?.message.clone())),
    column("record_sha256", Values::Text(|row| row.kept.as_ref()?.record_sha256.clone())),
];

/// A file of the data set that this history would not replace: one of another history, or of an older state of it.
///
/// # Errors
/// When the folder cannot be read.
pub fn other(known: &Known, folder: &Path) -> anyhow::Result<Option<PathBuf>> {
    let files = files(known, folder);
    Ok(present(&folder.join(DATASET))?.into_iter().find(|path| !files.contains_key(path)))
}

/// Writes the entries of a history into a folder. `read` reads the entry of a file; one that it does not return is left out.
///
/// # Errors
/// When a file cannot be written.
pub fn write(known: &Known, read: &mut dyn FnMut(&str) -> Option<Entry>, folder: &Path) -> anyhow::Result<()> {
    for (path, entries) in files(known, folder) {
        table::write(&path, DATASET, &[COLUMNS, metrics::COLUMNS], |table| {
            for (file, outline) in entries {
                // The name of the commit may be abbreviated in this file, and whole in another one.
                let Some(entry) = read(file).map(|entry| Entry { commit: outline.commit.clone(), ..entry }) else {
                    continue;
                };
                let of_cases = entry.cases.iter().filter(|case| !case.case.baseline).map(|case| {
                    (Kept::of(&entry, case.record_sha256.as_deref()), metrics::rows_of_entry(&entry.run, case))
                });
                let of_missing = entry
                    .missing
                    .iter()
                    .filter(|missing| !missing.case.baseline)
                    .map(|missing| (Kept::of(&entry, None), metrics::rows_of_missing(&entry.run, missing)));
                for (kept, rows) in of_cases.chain(of_missing) {
                    rows.into_iter().try_for_each(|row| table.add(row.kept_as(&kept)))?;
                }
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// The files of the data set, with the entries of each.
fn files<'a>(known: &'a Known, folder: &Path) -> BTreeMap<PathBuf, Vec<(&'a str, &'a Outline)>> {
    let mut files: BTreeMap<PathBuf, Vec<(&str, &Outline)>> = BTreeMap::new();
    for (file, outline) in &known.entries {
        let partition = Partition::new(&outline.device, outline.started_unix_ms, FILE);
        files.entry(partition.file(folder, DATASET)).or_default().push((file, outline));
    }
    files
}

/// The files of a data set that is there.
fn present(dataset: &Path) -> anyhow::Result<BTreeSet<PathBuf>> {
    let mut files = BTreeSet::new();
    for device in inside(dataset)? {
        for month in inside(&device)? {
            files.extend(inside(&month)?);
        }
    }
    Ok(files)
}

/// What is in a folder; nothing if it is none.
fn inside(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        entries => entries.with_context(|| format!("cannot read {}", folder.display()))?,
    };
    let names = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>();
    names.with_context(|| format!("cannot read {}", folder.display()))
}

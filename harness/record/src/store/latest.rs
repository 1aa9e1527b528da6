use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{RunFolder, StoreError};

/// The newest run, and newer ones by name that cannot be read.
#[derive(Debug)]
pub struct Latest {
    /// The newest run that can be read; where none can, the newest.
    pub folder: RunFolder,
    /// Why the newer ones cannot be read, the newest first, after anything that may hide newer ones.
    pub damaged: Vec<StoreError>,
}

/// The newest run below `results/<device>/` whose `run.json` can be read, or the newest where none can; run names begin with
/// their time, so the last name is the newest.
///
/// # Errors
/// [`StoreError::NoRuns`], or when the folder cannot be read.
pub fn latest_run(results: &Path) -> Result<Latest, StoreError> {
    let (runs, mut damaged) = stored_runs(results)?;
    for folder in runs.iter().rev() {
        match folder.run() {
            Ok(_) => return Ok(Latest { folder: folder.clone(), damaged }),
            Err(error) => damaged.push(error),
        }
    }
    let newest = runs.into_iter().next_back();
    newest
        .map(|folder| Latest { folder, damaged: Vec::new() })
        .ok_or_else(|| damaged.into_iter().next().unwrap_or_else(|| StoreError::NoRuns(results.to_owned())))
}

/// The folders of all runs below `results/<device>/`, including damaged ones, by name: the oldest first. Also the devices
/// whose folders cannot be read, which hide no other.
///
/// # Errors
/// When the folder cannot be read.
pub fn stored_runs(results: &Path) -> Result<(Vec<RunFolder>, Vec<StoreError>), StoreError> {
    let (mut runs, mut unreadable) = (Vec::new(), Vec::new());
    for device in folders(results)? {
        match folders(&device) {
            Ok(found) => runs.extend(found.iter().map(|run| RunFolder::open(run)).filter(RunFolder::is_there)),
            Err(error) => unreadable.push(error),
        }
    }
    runs.sort_by(|left, right| left.path().file_name().cmp(&right.path().file_name()));
    Ok((runs, unreadable))
}

fn folders(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(folder).map_err(StoreError::io("read", folder))?;
    let paths: io::Result<Vec<PathBuf>> = entries.map(|entry| Ok(entry?.path())).collect();
    let mut paths = paths.map_err(StoreError::io("read", folder))?;
    let hidden = |path: &Path| path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    paths.retain(|path| path.is_dir() && !hidden(path));
    Ok(paths)
}

//! Finding a run that was stored.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use pocketwatt_record::{RunFolder, latest_run};

use crate::refusal::Refusal;

/// The word for the newest run.
pub const LATEST: &str = "latest";

/// A run by its name below `results/<device>/`, by its folder, or the newest.
///
/// # Errors
/// When there is none.
pub fn find(results: &Path, wanted: &str) -> Result<RunFolder> {
    if wanted == LATEST {
        return Ok(latest_run(results)?);
    }
    let direct = Path::new(wanted);
    if direct.join("run.json").is_file() {
        return Ok(RunFolder::open(direct));
    }
    let runs = runs(results)?;
    let name = |run: &PathBuf| run.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    if let Some(run) = runs.iter().find(|run| name(run) == wanted) {
        return Ok(RunFolder::open(run));
    }
    let nearest = runs
        .iter()
        .map(name)
        .max_by(|left, right| strsim::jaro_winkler(left, wanted).total_cmp(&strsim::jaro_winkler(right, wanted)));
    match nearest {
        Some(nearest) => {
            Err(Refusal::error(format!("no run {wanted:?} in {}; the nearest name is {nearest:?}", results.display())))
        }
        None => Err(Refusal::error(format!("no run {wanted:?}: there are no runs in {}", results.display()))),
    }
}

fn runs(results: &Path) -> Result<Vec<PathBuf>> {
    let mut runs = Vec::new();
    for device in folders(results)? {
        runs.extend(folders(&device)?.into_iter().filter(|run| run.join("run.json").is_file()));
    }
    Ok(runs)
}

fn folders(path: &Path) -> Result<Vec<PathBuf>> {
    let context = || format!("cannot read {}", path.display());
    let mut folders = Vec::new();
    if path.is_dir() {
        for entry in fs::read_dir(path).with_context(context)? {
            folders.push(entry.with_context(context)?.path());
        }
    }
    folders.retain(|folder| folder.is_dir());
    Ok(folders)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    fn stored(results: &Path, ids: &[&str]) {
        let records = fixture::records();
        for id in ids {
            let mut run = fixture::run(&records);
            run.id = (*id).into();
            let folder = RunFolder::create(&results.join("device").join(id), &run).unwrap();
            folder.write(&records[0]).unwrap();
        }
    }

    #[test]
    fn runs_are_found_by_name_folder_or_age() {
        let results = tempfile::tempdir().unwrap();
        stored(results.path(), &["20261122-080000", "20261123-080000"]);
        let found = |wanted: &str| find(results.path(), wanted).unwrap().run().unwrap().id;
        assert_eq!(found("latest"), "20261123-080000");
        assert_eq!(found("20261122-080000"), "20261122-080000");
        assert_eq!(found(&results.path().join("device/20261122-080000").to_string_lossy()), "20261122-080000");
        let error = find(results.path(), "20261122-080001").unwrap_err().to_string();
        assert!(error.ends_with("the nearest name is \"20261122-080000\""), "{error}");
    }
}

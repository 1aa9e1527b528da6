//! Finds a stored run.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Result;
use pocketwatt_record::{Latest, RunFolder, latest_run, stored_runs};

use super::advice::Advice;
use crate::refusal::Refusal;

/// The word for the newest run.
pub const LATEST: &str = "latest";

/// A run by its name below `results/<device>/`, by its folder, or the newest that can be read; reports what is wrong with
/// newer ones.
///
/// # Errors
/// When it does not exist.
pub fn find(results: &Path, wanted: &str) -> Result<RunFolder> {
    if wanted != LATEST {
        return named(results, wanted);
    }
    let Latest { folder, damaged } = latest_run(results)?;
    for damaged in damaged {
        notice!("passed over: {:#}", anyhow::Error::from(damaged));
    }
    Ok(folder)
}

/// As [`find`], for a run that will be resumed: an older run is not measured in place of a damaged newer one.
///
/// # Errors
/// When it does not exist, or the newest is damaged.
pub fn find_to_resume(results: &Path, wanted: &str) -> Result<RunFolder> {
    if wanted != LATEST {
        return named(results, wanted);
    }
    let Latest { folder, damaged } = latest_run(results)?;
    match damaged.into_iter().next() {
        None => Ok(folder),
        Some(damaged) => {
            let (damaged, older) = (anyhow::Error::from(damaged), Advice::new(&["run", "--resume"]).run(folder.path()));
            Err(Refusal::error(format!(
                "the newest run cannot continue: {damaged:#}; continue an older one by its name: `{older}`"
            )))
        }
    }
}

fn named(results: &Path, wanted: &str) -> Result<RunFolder> {
    let direct = RunFolder::open(Path::new(wanted));
    if direct.is_there() {
        return Ok(direct);
    }
    if let Some(inside) = run_inside(Path::new(wanted)) {
        return Err(Refusal::error(format!(
            "{wanted:?} is no run but has some: name one, such as {}",
            inside.display()
        )));
    }
    let (mut runs, _) = stored_runs(results)?;
    let name = |run: &RunFolder| run.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
    if let Some(place) = runs.iter().position(|run| name(run) == wanted) {
        return Ok(runs.swap_remove(place));
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

/// The last run, by name, directly in a folder, which may be that of a device, or in the folders in it.
fn run_inside(folder: &Path) -> Option<PathBuf> {
    let inside = |folder: &Path| -> Vec<PathBuf> {
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
    };
    let below = inside(folder);
    let runs = below.iter().cloned().chain(below.iter().flat_map(|folder| inside(folder)));
    runs.filter(|path| RunFolder::open(path).is_there()).max()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    fn stored(results: &Path, ids: &[&str]) {
        let record = fixture::record();
        for id in ids {
            let mut run = fixture::run();
            run.id = (*id).into();
            let folder = RunFolder::create(&results.join("device").join(id), &run).unwrap();
            folder.write(&record).unwrap();
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
        for folder in [results.path().to_owned(), results.path().join("device")] {
            let error = find(results.path(), &folder.to_string_lossy()).unwrap_err().to_string();
            assert!(error.contains("name one, such as ") && error.ends_with("device/20261123-080000"), "{error}");
        }
    }
}

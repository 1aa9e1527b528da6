//! Several stored runs that are read together, and what is reported about their damage.

use std::{collections::HashSet, path::Path};

use anyhow::Result;
use pocketwatt_record::{Run, RunFolder};

use super::{damaged, stored_run};
use crate::{
    exit::Exit,
    refusal::Refusal,
    report::{Results, Stored},
};

/// Runs by their names or folders, or the newest; reports those whose `run.json` cannot be read.
///
/// # Errors
/// When one does not exist, or is there twice.
pub fn open(results: &Path, wanted: &[String]) -> Result<Vec<(RunFolder, Run)>> {
    let runs = found(results, wanted)?;
    for (folder, run) in &runs {
        if let Some(damage) = &run.rebuilt {
            damaged::report_rebuilt(folder, damage);
        }
    }
    Ok(runs)
}

/// The same for numbers that leave this program, and have to say of which device they are.
///
/// # Errors
/// Also when the `run.json` of one cannot be read.
pub fn open_whole(results: &Path, wanted: &[String]) -> Result<Vec<(RunFolder, Run)>> {
    let runs = found(results, wanted)?;
    runs.iter().try_for_each(|(folder, run)| damaged::refuse_rebuilt(folder, run))?;
    Ok(runs)
}

fn found(results: &Path, wanted: &[String]) -> Result<Vec<(RunFolder, Run)>> {
    let mut runs: Vec<(RunFolder, Run)> = Vec::new();
    for wanted in wanted {
        let folder = stored_run::find(results, wanted)?;
        let run = folder.run_or_rebuilt()?;
        runs.push((folder, run));
    }
    refuse_repeated(&runs)?;
    Ok(runs)
}

/// The records of each.
///
/// # Errors
/// When one has no record that can be read.
pub fn records(runs: &[(RunFolder, Run)]) -> Result<Vec<Stored<'_>>> {
    let mut stored = Vec::new();
    for (folder, run) in runs {
        let results = Stored::open(folder, run)?;
        if results.are_gone() {
            damaged::report_gone(folder);
        }
        if !results.has_any() {
            damaged::report(folder, &results.damaged());
            return Err(Refusal::error(format!("{} has no record that can be read", folder.path().display())));
        }
        stored.push(results);
    }
    Ok(stored)
}

/// Reports, after all was read, which files are not records, and whether everything was there.
pub fn ended(runs: &[(RunFolder, Run)], stored: &[Stored<'_>]) -> Exit {
    let mut is_whole = true;
    for ((folder, run), results) in runs.iter().zip(stored) {
        let damaged = results.damaged();
        damaged::report(folder, &damaged);
        is_whole &= damaged.is_empty() && run.rebuilt.is_none();
    }
    if is_whole { Exit::Success } else { Exit::Incomplete }
}

/// Two runs of one name could not be told apart.
fn refuse_repeated(runs: &[(RunFolder, Run)]) -> Result<()> {
    let mut seen = HashSet::new();
    match runs.iter().find(|(_, run)| !seen.insert((&run.device.name, &run.id))) {
        Some((folder, run)) => Err(Refusal::error(format!(
            "run {:?} of {:?} is there twice: leave out {}",
            run.id,
            run.device.name,
            folder.path().display()
        ))),
        None => Ok(()),
    }
}

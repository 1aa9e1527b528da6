//! Files that should be records of a run but are not: how they are reported, and how their cases are measured again.

use anyhow::{Context, Result};
use pocketwatt_record::{Damage, Damaged, Records, Run, RunFolder, StoreError};

use super::advice::Advice;
use crate::refusal::Refusal;

/// This many files are named one by one.
const NAMED: usize = 20;

/// Reports on standard error which files are not records of the run.
pub fn report(folder: &RunFolder, damaged: &[Damaged]) {
    for Damaged { file, damage, .. } in damaged.iter().take(NAMED) {
        notice!("damaged: {} {damage}", folder.path().join("cases").join(file).display());
    }
    if damaged.len() > NAMED {
        notice!("damaged: {} files more", damaged.len() - NAMED);
    }
}

/// Reports that the folder of the records is missing.
pub fn report_gone(folder: &RunFolder) {
    notice!("damaged: {} is gone, with all records of the run", folder.path().join("cases").display());
}

/// Reports that `run.json` cannot be read, and what is shown instead.
pub fn report_rebuilt(folder: &RunFolder, damage: &Damage) {
    notice!(
        "damaged: {} {damage}: shown from the records alone, which do not say on which device they were measured, nor whether meters were \
         simulated",
        folder.path().join("run.json").display()
    );
}

/// Refuses a run without a readable `run.json` where others take its numbers for those of a device.
///
/// # Errors
/// When it is one.
pub fn refuse_rebuilt(folder: &RunFolder, run: &Run) -> Result<()> {
    let Some(damage) = &run.rebuilt else { return Ok(()) };
    Err(Refusal::error(format!(
        "{} {damage}: the device and its meters are not known without it; restore it (`{}` shows the records that are there)",
        folder.path().join("run.json").display(),
        Advice::new(&["show"]).run(folder.path())
    )))
}

/// Why a run without a readable `run.json` cannot continue.
pub fn no_plan(folder: &RunFolder, error: StoreError) -> anyhow::Error {
    if matches!(&error, StoreError::Damaged { damage: Damage::Newer(_), .. }) {
        return error.into();
    }
    let show = Advice::new(&["show"]).run(folder.path());
    Refusal::error(format!(
        "{:#}. Without it the run cannot continue: no record says which cases are missing, and with which settings they should \
         be measured. Nothing was measured; `{show}` shows the records that are there, and a new run measures the rest",
        anyhow::Error::from(error)
    ))
}

/// Renames the damaged records of planned cases, so that these cases can be measured again, and reports it before anything is
/// measured.
///
/// # Errors
/// When one cannot be renamed.
pub fn set_aside<T>(folder: &RunFolder, planned: usize, records: &Records<T>) -> Result<()> {
    if records.are_gone {
        report_gone(folder);
        notice!("all {planned} cases are measured again");
        folder.restore_cases().context("nothing was measured yet")?;
    }
    report(folder, &records.damaged);
    for damaged in records.damaged.iter().filter(|damaged| damaged.case.is_some()) {
        let kept = folder.set_aside(damaged).with_context(|| {
            format!("the case of the damaged {} cannot be measured again: nothing was measured yet", damaged.file)
        })?;
        notice!("measured again: {}, which is kept as {kept}", damaged.file);
    }
    Ok(())
}

//! What a run shows at its end.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use pocketwatt_record::{Outcome, Run, RunFolder};

use super::{RunArguments, again, begin::Begun};
use crate::{
    command::{advice::Advice, display::DisplayArguments, output},
    exit::Exit,
    plan::Registry,
    refusal::Refusal,
    report::{self, Results, Stored, Style, charts::Palette},
};

/// Shows a run that was measured here.
///
/// # Errors
/// As of [`show`].
pub(super) fn show_begun(arguments: &RunArguments, registry: &Registry, begun: &Begun) -> Result<Exit> {
    let baseline = begun.run.against.as_ref().map(|against| against.baseline.as_path());
    show(arguments, registry, &begun.run, begun.owned.folder(), baseline)
}

/// Writes the results, and draws the charts where something was measured. `baseline` is the stored run that it was measured against.
///
/// # Errors
/// When a chart cannot be stored, or the results cannot be written. The records are stored already.
pub(super) fn show(
    arguments: &RunArguments,
    registry: &Registry,
    run: &Run,
    folder: &RunFolder,
    baseline: Option<&Path>,
) -> Result<Exit> {
    let outcomes = folder.parts_of_records(run, |record| record.outcome)?.intact;
    let results = Stored::open(folder, run)?;
    // Without it, everything else is still shown.
    let compared = baseline.map(|baseline| again::compare_at_end(arguments, folder, baseline)).transpose();
    let (comparison, incomparable) = match compared {
        Ok(comparison) => (comparison, None),
        Err(error) => (None, Some(error)),
    };
    let again = Advice::new(&["show"]).run(folder.path());
    let written = arguments
        .display
        .write(run, &results, comparison.as_ref(), &arguments.cache)
        .with_context(|| format!("the records are stored; show them with `{again}`"));
    notice!("records: {}", folder.path().display());
    let is_any_measured = outcomes.contains(&Outcome::Measured);
    if is_any_measured {
        let charts = folder.path().join("charts");
        let again = again.option("--charts", &charts);
        let files = draw(run, &results, &Palette::new(registry.colours()), &charts)
            .with_context(|| format!("the records are stored; draw the charts again with `{again}`"))?;
        let names: Vec<_> = files.iter().filter_map(|file| file.file_name()?.to_str()).collect();
        notice!("charts:  {} ({})", charts.display(), names.join(", "));
    }
    written?;
    if let Some(error) = incomparable {
        return Err(error);
    }
    if arguments.judgement.is_asked_for() {
        let tally = match &comparison {
            Some(comparison) => comparison.tally(),
            None => report::baseline_tally(&results)?,
        };
        if let Some(exit) = arguments.judgement.exit(&tally) {
            return Ok(exit);
        }
    }
    let is_baseline_damaged = comparison.is_some_and(|comparison| !comparison.damaged.is_empty());
    Ok(match (is_any_measured, outcomes.iter().all(|outcome| *outcome == Outcome::Measured)) {
        (_, true) if is_baseline_damaged => Exit::Incomplete,
        (_, true) => Exit::Success,
        (true, false) => Exit::Incomplete,
        (false, false) => Exit::NothingMeasured,
    })
}

/// Draws the charts into the run's own folder, and not through a link in its place.
fn draw(run: &Run, results: &Stored, palette: &Palette, folder: &Path) -> Result<Vec<PathBuf>> {
    if folder.is_symlink() {
        return Err(Refusal::error(format!("{} is a link: remove it", folder.display())));
    }
    report::charts::write_stored(run, results, palette, folder)
}

/// Writes what runs on several devices gave, side by side.
///
/// # Errors
/// When a run cannot be read, or standard output cannot be written.
pub(super) fn show_side_by_side(display: &DisplayArguments, folders: &[RunFolder]) -> Result<()> {
    let runs = folders.iter().map(RunFolder::run).collect::<Result<Vec<_>, _>>()?;
    let opened = folders.iter().zip(&runs).map(|(folder, run)| Stored::open(folder, run));
    let results = opened.collect::<Result<Vec<_>, _>>()?;
    let devices: Vec<(String, &dyn Results)> =
        runs.iter().zip(&results).map(|(run, results)| (run.device.name.clone(), results as &dyn Results)).collect();
    let mut parts = output::Parts::open();
    report::write_devices(&devices, display.format, &Style::detect(), &mut |part| parts.write(part))?;
    parts.finish()
}

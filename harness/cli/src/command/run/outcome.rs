//! What a run shows at its end.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use pocketwatt_record::{Outcome, Run};

use super::{RunArguments, again, begin::Begun};
use crate::{
    command::advice::Advice,
    exit::Exit,
    plan::Registry,
    refusal::Refusal,
    report::{self, Stored, charts::Palette},
};

/// Writes the results, and draws the charts where something was measured.
///
/// # Errors
/// When a chart cannot be stored, or the results cannot be written. The records are stored already.
pub(super) fn show(arguments: &RunArguments, registry: &Registry, begun: &Begun) -> Result<Exit> {
    let (run, folder) = (&begun.run, begun.owned.folder());
    let outcomes = folder.parts_of_records(run, |record| record.outcome)?.intact;
    let results = Stored::open(folder, run)?;
    // Without it, everything else is still shown.
    let (comparison, incomparable) = match again::compare_at_end(arguments, begun) {
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

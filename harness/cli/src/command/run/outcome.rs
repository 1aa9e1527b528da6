//! What a run shows when it has ended.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use pocketwatt_record::{Record, Run, RunFolder};
use pocketwatt_scenario::Scenario;

use super::{RunArguments, scenario};
use crate::{
    command::{advice::Advice, decode::Decoder, output},
    refusal::Refusal,
    report::{self, Stored, Style},
};

/// Prints tables and whatever else was asked for, and draws the charts where something was `measured`.
///
/// # Errors
/// When a chart cannot be stored, or a text not be told. The records are stored already.
pub(super) fn show(arguments: &RunArguments, run: &Run, folder: &RunFolder, measured: bool) -> Result<()> {
    let (results, format, style) = (Stored::open(folder, run)?, arguments.format, Style::detect());
    let mut parts = output::Parts::open();
    report::write(run, &results, format, &style, &mut |part| parts.write(part))?;
    if arguments.turns {
        report::write_turns(run, &results, format, &style, &mut |part| parts.write(part))?;
    }
    let texts = arguments.show_text || arguments.calls.are_asked_for();
    let records = if texts { report::all_without_series(&results) } else { Vec::new() };
    if arguments.show_text {
        let decoder = Decoder::new(arguments.cache.library()?);
        let scenarios = run.scenarios.iter().map(Scenario::stored).collect::<Result<Vec<_>, _>>()?;
        let text = report::answers::render_with_prompts(
            &records,
            arguments.format,
            &|record, tokens| decoder.decode(record, tokens),
            &|record, turn| user_text(&scenarios, record, turn),
        );
        parts.write(&format!("\n{text}"))?;
    }
    let calls = arguments.calls.text(run, &records, format, &arguments.cache)?;
    let again = Advice::new(&["show"]).run(folder.path());
    let shown = parts
        .write(&calls)
        .and_then(|()| parts.finish())
        .with_context(|| format!("the records are stored; show them with `{again}`"));
    notice!("records: {}", folder.path().display());
    if measured {
        let charts = folder.path().join("charts");
        let again = again.option("--charts", &charts);
        let files = draw(run, &results, &charts)
            .with_context(|| format!("the records are stored; draw the charts again with `{again}`"))?;
        let names: Vec<_> = files.iter().filter_map(|file| file.file_name()?.to_str()).collect();
        notice!("charts:  {} ({})", charts.display(), names.join(", "));
    }
    shown
}

/// Draws the charts into the run's own folder, and through no link that somebody put there.
fn draw(run: &Run, results: &Stored, folder: &Path) -> Result<Vec<PathBuf>> {
    if folder.is_symlink() {
        return Err(Refusal::error(format!("{} is a link: remove it", folder.display())));
    }
    report::charts::write_stored(run, results, folder)
}

/// What the user said in a turn, counted through all conversations.
fn user_text(scenarios: &[Scenario], record: &Record, turn: usize) -> Option<String> {
    let talks = scenario(scenarios, &record.case.scenario).ok()?.talks();
    let conversations = record.samples.iterations.iter().map(|iteration| iteration.conversation).max()? as usize + 1;
    // Otherwise some were left out, and nobody knows which.
    let complete = talks.len() == conversations;
    talks.iter().flat_map(|talk| &talk.turns).nth(turn).map(|(user, _)| user.clone()).filter(|_| complete)
}

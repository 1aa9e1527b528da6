//! `pocketwatt show`: stored results, without measuring anything.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use pocketwatt_record::RunFolder;

use super::{
    advice::Advice,
    calls::CallArguments,
    damaged,
    decode::Decoder,
    output,
    selection::CacheArguments,
    stored_run::{self, LATEST},
};
use crate::{
    exit::Exit,
    refusal::Refusal,
    report::{self, Format, Results, Stored, Style},
};

/// What to show, and how.
#[derive(Args, Debug)]
pub struct ShowArguments {
    /// The run: its name, its folder, or `latest`.
    #[arg(default_value = LATEST)]
    run: String,
    /// Where runs are stored.
    #[arg(long, value_name = "DIR", default_value = "results")]
    results: PathBuf,
    /// How to write them.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Also draw charts (SVG) into this folder.
    #[arg(long, value_name = "DIR")]
    charts: Option<PathBuf>,
    /// Show each case of a study in full, in place of the study's answer.
    #[arg(long)]
    cases: bool,
    /// Also show what the backends answered.
    #[arg(long)]
    show_text: bool,
    /// Also show what each turn of a conversation costs, as its context grows.
    #[arg(long)]
    turns: bool,
    #[command(flatten)]
    calls: CallArguments,
    #[command(flatten)]
    cache: CacheArguments,
}

/// Writes the results to standard output.
///
/// # Errors
/// When there is no such run, a record of it cannot be read, or a file cannot be written.
pub fn run(arguments: ShowArguments) -> Result<Exit> {
    arguments.calls.check(arguments.format)?;
    if arguments.show_text && matches!(arguments.format, Format::Csv | Format::Json) {
        return Err(Refusal::error(
            "--show-text would make the document invalid: use it with --format table or markdown",
        ));
    }
    if arguments.turns && arguments.format == Format::Csv {
        return Err(Refusal::error("CSV has one line for each metric of a case: --format json has the turns"));
    }
    let folder = stored_run::find(&arguments.results, &arguments.run)?;
    let mut run = folder.run_or_rebuilt()?;
    if let Some(damage) = &run.rebuilt {
        damaged::report_rebuilt(&folder, damage);
    }
    if arguments.cases {
        run.study = None;
    }
    let results = Stored::open(&folder, &run)?;
    if results.are_gone() {
        damaged::report_gone(&folder);
    }
    if !results.has_any() {
        return Err(nothing_to_show(&folder, &results, &arguments.cache)?);
    }
    let (format, style) = (arguments.format, Style::detect());
    let mut parts = output::Parts::open();
    report::write(&run, &results, format, &style, &mut |part| parts.write(part))?;
    if arguments.turns {
        report::write_turns(&run, &results, format, &style, &mut |part| parts.write(part))?;
    }
    if arguments.show_text || arguments.calls.are_asked_for() {
        let records = report::all_without_series(&results);
        if arguments.show_text {
            let decoder = Decoder::new(arguments.cache.library()?);
            let text = report::answers::render(&records, format, &|record, tokens| decoder.decode(record, tokens));
            parts.write(&format!("\n{text}"))?;
        }
        parts.write(&arguments.calls.text(&run, &records, format, &arguments.cache)?)?;
    }
    if let Some(charts) = &arguments.charts {
        for file in report::charts::write_stored(&run, &results, charts)? {
            notice!("chart: {}", file.display());
        }
    }
    parts.finish()?;
    let damaged = results.damaged();
    damaged::report(&folder, &damaged);
    Ok(if damaged.is_empty() && run.rebuilt.is_none() { Exit::Success } else { Exit::Incomplete })
}

fn nothing_to_show(folder: &RunFolder, results: &Stored, cache: &CacheArguments) -> Result<anyhow::Error> {
    let (run, damaged) = (folder.path().display(), results.damaged());
    damaged::report(folder, &damaged);
    if !damaged.is_empty() {
        return Ok(Refusal::error(format!("no record of {run} can be read")));
    }
    let go_on = Advice::new(&["run", "--resume"]).run(folder.path()).cache(&cache.root()?);
    Ok(Refusal::error(format!("no case of {run} was measured yet: continue with `{go_on}`")))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn arguments(results: &Path, run: &str) -> ShowArguments {
        let charts = Some(results.join("charts"));
        ShowArguments {
            run: run.into(),
            results: results.to_owned(),
            format: Format::Table,
            charts,
            cases: false,
            show_text: true,
            calls: CallArguments::default(),
            turns: false,
            cache: CacheArguments::default(),
        }
    }

    #[test]
    fn nothing_measured_says_what_to_do() {
        let empty = tempfile::tempdir().unwrap();
        let latest = run(arguments(empty.path(), "latest")).unwrap_err().to_string();
        assert!(latest.ends_with("measure one with `pocketwatt run`"), "{latest}");
        let named = run(arguments(empty.path(), "x")).unwrap_err().to_string();
        assert!(named.starts_with("no run \"x\": there are no runs in "), "{named}");
    }

    #[test]
    fn a_document_is_not_mixed_with_text() {
        let empty = tempfile::tempdir().unwrap();
        let arguments = ShowArguments { format: Format::Json, ..arguments(empty.path(), "latest") };
        assert!(run(arguments).unwrap_err().to_string().starts_with("--show-text would make the document invalid"));
    }
}

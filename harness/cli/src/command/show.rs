//! `pocketwatt show`: stored results; nothing is measured.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use pocketwatt_record::{Run, RunFolder, Shard};

use super::{
    advice::Advice,
    damaged,
    display::DisplayArguments,
    selection::{CacheArguments, RegistryArguments},
    stored_run::{self, LATEST},
};
use crate::{
    exit::Exit,
    refusal::Refusal,
    report::{self, Results, Stored, charts::Palette},
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
    /// Also draw charts (SVG) into this folder.
    #[arg(long, value_name = "DIR")]
    charts: Option<PathBuf>,
    /// Show each case of a study in full, instead of the study's answer.
    #[arg(long)]
    cases: bool,
    #[command(flatten)]
    display: DisplayArguments,
    #[command(flatten)]
    cache: CacheArguments,
    // Whose colours the charts have.
    #[command(flatten)]
    registry: RegistryArguments,
}

/// Writes the results to standard output.
///
/// # Errors
/// When the run does not exist, a record of it cannot be read, or a file cannot be written.
pub fn run(arguments: ShowArguments) -> Result<Exit> {
    arguments.display.check()?;
    let palette = Palette::new(arguments.registry.open()?.colours());
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
        return Err(nothing_to_show(&folder, &run, &results, &arguments.cache)?);
    }
    arguments.display.write(&run, &results, None, &arguments.cache)?;
    if let Some(charts) = &arguments.charts {
        for file in report::charts::write_stored(&run, &results, &palette, charts)? {
            notice!("chart: {}", file.display());
        }
    }
    let damaged = results.damaged();
    damaged::report(&folder, &damaged);
    Ok(if damaged.is_empty() && run.rebuilt.is_none() { Exit::Success } else { Exit::Incomplete })
}

/// Shows a stored run as `pocketwatt show RUN` does.
///
/// # Errors
/// As of [`run`].
pub fn stored(folder: &Path, results: &Path) -> Result<Exit> {
    run(ShowArguments {
        run: folder.display().to_string(),
        results: results.to_owned(),
        charts: None,
        cases: false,
        display: DisplayArguments::default(),
        cache: CacheArguments::default(),
        registry: RegistryArguments::default(),
    })
}

fn nothing_to_show(folder: &RunFolder, run: &Run, results: &Stored, cache: &CacheArguments) -> Result<anyhow::Error> {
    let damaged = results.damaged();
    damaged::report(folder, &damaged);
    if !damaged.is_empty() {
        return Ok(Refusal::error(format!("no record of {} can be read", folder.path().display())));
    }
    if run.plan.is_empty()
        && let Some(shard) = &run.shard
    {
        let Shard { number, of, .. } = shard;
        return Ok(Refusal::error(format!(
            "{} is shard {number} of {of}, which has no case of the plan: `pocketwatt merge` joins the shards",
            folder.path().display()
        )));
    }
    let go_on = Advice::new(&["run", "--resume"]).run(folder.path()).cache(&cache.root()?);
    let path = folder.path().display();
    Ok(Refusal::error(format!("no case of {path} was measured yet: continue with `{go_on}`")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(results: &Path, run: &str) -> ShowArguments {
        let charts = Some(results.join("charts"));
        ShowArguments {
            run: run.into(),
            results: results.to_owned(),
            charts,
            cases: false,
            display: DisplayArguments { show_text: true, ..DisplayArguments::default() },
            cache: CacheArguments::default(),
            registry: RegistryArguments::default(),
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
}

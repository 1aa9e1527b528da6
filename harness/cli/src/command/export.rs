//! `pocketwatt export`: stored results in the formats of other programs; nothing is measured.

use std::{
    collections::HashSet,
    io::{BufWriter, Write},
    path::PathBuf,
};

use anyhow::{Context, Result};
use clap::Args;
use pocketwatt_files::write_atomically;
use pocketwatt_record::{Run, RunFolder};

use super::{
    damaged, output,
    stored_run::{self, LATEST},
};
use crate::{
    exit::Exit,
    refusal::Refusal,
    report::{self, ExportFormat, Exported, Output, Results, Stored},
};

/// What to write, and in which format.
#[derive(Args, Debug)]
pub struct ExportArguments {
    /// The runs: their names, their folders, or `latest`.
    #[arg(default_value = LATEST)]
    runs: Vec<String>,
    /// The format; docs/formats.md says what its fields mean.
    #[arg(long, value_enum, value_name = "NAME")]
    format: ExportFormat,
    /// Write into this file, which is replaced as a whole, instead of standard output; for parquet, into this folder, where files of
    /// other runs may be.
    #[arg(long, value_name = "PATH")]
    output: Option<PathBuf>,
    /// Where runs are stored.
    #[arg(long, value_name = "DIR", default_value = "results")]
    results: PathBuf,
}

/// Writes the measured results.
///
/// # Errors
/// When a run does not exist, none of its records can be read, or the file cannot be written.
pub fn run(arguments: &ExportArguments) -> Result<Exit> {
    let mut runs: Vec<(RunFolder, Run)> = Vec::new();
    for wanted in &arguments.runs {
        let folder = stored_run::find(&arguments.results, wanted)?;
        let run = folder.run_or_rebuilt()?;
        if let Some(damage) = &run.rebuilt {
            damaged::report_rebuilt(&folder, damage);
        }
        runs.push((folder, run));
    }
    refuse_repeated(&runs)?;
    let mut stored = Vec::new();
    for (folder, run) in &runs {
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
    let exported: Vec<Exported> =
        runs.iter().zip(&stored).map(|((_, run), results)| (run, results as &dyn Results)).collect();
    match (arguments.format, &arguments.output) {
        (ExportFormat::Parquet, Some(folder)) => report::export_folder(&exported, folder)?,
        (ExportFormat::Parquet, None) => {
            return Err(Refusal::error("parquet is a folder of files: name one with --output"));
        }
        (format, _) => write(arguments, |output| report::export(&exported, format, output))?,
    }
    let mut is_whole = true;
    for ((folder, run), results) in runs.iter().zip(&stored) {
        let damaged = results.damaged();
        damaged::report(folder, &damaged);
        is_whole &= damaged.is_empty() && run.rebuilt.is_none();
    }
    Ok(if is_whole { Exit::Success } else { Exit::Incomplete })
}

/// Two runs of one name could not be told apart in any format.
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

fn write(arguments: &ExportArguments, export: impl FnOnce(&mut Output) -> Result<()>) -> Result<()> {
    let Some(path) = &arguments.output else {
        let mut standard = output::Parts::open();
        export(&mut |part| standard.write(part))?;
        return standard.finish();
    };
    let mut outcome = Ok(());
    write_atomically(path, |file| {
        let mut buffered = BufWriter::new(file);
        outcome = export(&mut |part| Ok(buffered.write_all(part.as_bytes())?));
        buffered.flush()?;
        // A file that is not complete does not replace another one.
        if outcome.is_err() { Err(std::io::Error::other("it is not complete")) } else { Ok(()) }
    })
    .or_else(|error| outcome.and(Err(error.into())))
    .with_context(|| format!("cannot write {}", path.display()))
}

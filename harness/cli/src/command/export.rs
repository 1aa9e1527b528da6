//! `pocketwatt export`: stored results in the formats of other programs; nothing is measured.

use std::{
    io::{BufWriter, Write},
    path::PathBuf,
};

use anyhow::{Context, Result};
use clap::Args;
use pocketwatt_files::write_atomically;

use super::{output, stored_run::LATEST, stored_runs};
use crate::{
    exit::Exit,
    inert,
    refusal::Refusal,
    report::{self, ExportFormat, Exported, Output, Results, imitations_of},
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
    let runs = stored_runs::open(&arguments.results, &arguments.runs)?;
    let stored = stored_runs::records(&runs)?;
    let exported: Vec<Exported> =
        runs.iter().zip(&stored).map(|((_, run), results)| (run, results as &dyn Results)).collect();
    // Most formats have no place for it.
    for (run, results) in &exported {
        for imitation in imitations_of(run, *results)? {
            notice!("run {}: {imitation}", inert::line(&run.id));
        }
    }
    match (arguments.format, &arguments.output) {
        (ExportFormat::Parquet, Some(folder)) => report::export_folder(&exported, folder)?,
        (ExportFormat::Parquet, None) => {
            return Err(Refusal::error("parquet is a folder of files: name one with --output"));
        }
        (format, _) => write(arguments, |output| report::export(&exported, format, output))?,
    }
    Ok(stored_runs::ended(&runs, &stored))
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

//! `pocketwatt export`: stored results in the formats of other programs; nothing is measured.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::{document, stored_run::LATEST, stored_runs};
use crate::{
    exit::Exit,
    inert,
    refusal::Refusal,
    report::{self, ExportFormat, Exported, Results, imitations_of},
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
    /// Write into this file, which is replaced as a whole, instead of standard output (`-`); for parquet, into this folder, where files
    /// of other runs may be. Pipes and devices are written through.
    #[arg(long, value_name = "PATH")]
    output: Option<PathBuf>,
    /// Where runs are stored.
    #[arg(long, value_name = "DIR", default_value = "results")]
    results: PathBuf,
}

/// Writes the measured results.
///
/// # Errors
/// When a run does not exist, its `run.json` or none of its records can be read, or the file cannot be written.
pub fn run(arguments: &ExportArguments) -> Result<Exit> {
    let runs = stored_runs::open_whole(&arguments.results, &arguments.runs)?;
    let stored = stored_runs::records(&runs)?;
    let exported: Vec<Exported> =
        runs.iter().zip(&stored).map(|((_, run), results)| (run, results as &dyn Results)).collect();
    // Most formats have no place for it.
    for (run, results) in &exported {
        for imitation in imitations_of(run, *results)? {
            notice!("run {}: {imitation}", inert::line(&run.id));
        }
    }
    let place = arguments.output.as_deref();
    match (arguments.format, place.filter(|_| !document::is_standard(place))) {
        (ExportFormat::Parquet, Some(folder)) => report::export_folder(&exported, folder)?,
        (ExportFormat::Parquet, None) => {
            return Err(Refusal::error("parquet is a folder of files: name one with --output"));
        }
        (format, _) => document::write(place, |output| report::export(&exported, format, output))?,
    }
    Ok(stored_runs::ended(&runs, &stored))
}

//! Stored results in the formats of other programs. `docs/formats.md` says what their fields mean.
//!
//! Except for CSV and Parquet, they have only what was measured: an absent number is left out, because none of these formats has a place
//! for a reason.

mod array;
mod bencher;
mod digest;
mod github_action_benchmark;
mod llama_bench;
mod number;
mod openmetrics;
mod parquet;
mod subject;
#[cfg(test)]
mod tests;
mod trace;

use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::ValueEnum;
use pocketwatt_history::{Entry, Known};
use pocketwatt_record::Direction;

pub use self::subject::Exported;
use crate::{formats::csv, output::Output};

/// A format of another program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// For github-action-benchmark (`customBiggerIsBetter`): the metrics of which more is better.
    GithubActionBenchmarkBigger,
    /// For github-action-benchmark (`customSmallerIsBetter`): the metrics of which less is better.
    GithubActionBenchmarkSmaller,
    /// Bencher Metric Format.
    Bencher,
    /// OpenMetrics text 1.0, for Prometheus and others.
    Openmetrics,
    /// As `llama-bench -o json`, for llama.cpp's compare-llama-bench.py.
    LlamaBenchJson,
    /// As `llama-bench -o sql`: a script for `SQLite`.
    LlamaBenchSql,
    /// Trace events of phases, tokens and power, for Perfetto and Chrome.
    Trace,
    /// As `show --format csv`: a line for each metric of each case.
    Csv,
    /// A folder of tables for DuckDB, Spark and data frames: a row for each metric of each case, and for each token.
    Parquet,
}

/// Writes the measured records of runs; those of several runs are told apart by their run.
///
/// # Errors
/// When they cannot be written, or the format needs a folder: see [`export_folder`].
pub fn export(runs: &[Exported<'_>], format: ExportFormat, output: &mut Output) -> anyhow::Result<()> {
    match format {
        ExportFormat::GithubActionBenchmarkBigger => {
            github_action_benchmark::write(runs, Direction::HigherIsBetter, output)
        }
        ExportFormat::GithubActionBenchmarkSmaller => {
            github_action_benchmark::write(runs, Direction::LowerIsBetter, output)
        }
        ExportFormat::Bencher => bencher::write(runs, output),
        ExportFormat::Openmetrics => openmetrics::write(runs, output),
        ExportFormat::LlamaBenchJson => llama_bench::write_json(runs, output),
        ExportFormat::LlamaBenchSql => llama_bench::write_sql(runs, output),
        ExportFormat::Trace => trace::write(runs, output),
        ExportFormat::Csv => {
            csv::header(output)?;
            runs.iter().try_for_each(|&(run, results)| csv::body(run, results, output))
        }
        ExportFormat::Parquet => bail!("parquet is a folder of files"),
    }
}

/// Writes the runs as Parquet into a folder, where files of other runs may be.
///
/// # Errors
/// When a file cannot be written.
pub fn export_folder(runs: &[Exported<'_>], folder: &Path) -> anyhow::Result<()> {
    parquet::write(runs, folder)
}

/// Writes what a history keeps as Parquet into a folder; `read` reads the entry of a file, and one that it does not return is left out.
///
/// # Errors
/// When a file cannot be written.
pub fn export_history(known: &Known, read: &mut dyn FnMut(&str) -> Option<Entry>, folder: &Path) -> anyhow::Result<()> {
    parquet::write_history(known, read, folder)
}

/// A file in that folder which the history would leave there beside its own: readers would take both for one history.
///
/// # Errors
/// When the folder cannot be read.
pub fn other_history_in(known: &Known, folder: &Path) -> anyhow::Result<Option<PathBuf>> {
    parquet::other_history(known, folder)
}

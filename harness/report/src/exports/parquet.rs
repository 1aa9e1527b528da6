//! Parquet: tables for DuckDB, Spark, data frames and the like. A folder with data sets, each partitioned by device and month:
//! `metrics/device=NAME/month=YYYY-MM/RUN.parquet` has a row for each metric of each case, `tokens/...` one for each generated token,
//! `history/device=NAME/month=YYYY-MM/runs.parquet` the metrics of all runs that a history keeps.
//!
//! Unlike the formats beside it, it has columns for what is absent and why.

mod columns;
mod history;
mod identity;
#[cfg(test)]
mod many;
mod metrics;
mod partition;
mod table;
#[cfg(test)]
mod tests;
mod tokens;

use std::path::Path;

pub use self::history::{other as other_history, write as write_history};
use self::partition::Partition;
use super::subject::Exported;
use crate::cases::each_record;

/// Writes the runs into a folder: a file for each run and data set. One that is there is replaced; other runs stay as they are.
///
/// # Errors
/// When a file cannot be written.
pub fn write(runs: &[Exported<'_>], folder: &Path) -> anyhow::Result<()> {
    for &(run, results) in runs {
        let partition = Partition::of(run);
        table::write(&partition.file(folder, metrics::DATASET), metrics::DATASET, &[metrics::COLUMNS], |table| {
            each_record(results, |record| metrics::rows(run, &record).into_iter().try_for_each(|row| table.add(row)))
        })?;
        table::write(&partition.file(folder, tokens::DATASET), tokens::DATASET, &[tokens::COLUMNS], |table| {
            each_record(results, |record| tokens::rows(run, &record).try_for_each(|row| table.add(row)))
        })?;
    }
    Ok(())
}

//! Parquet: tables for DuckDB, Spark, data frames and the like. A folder with two data sets, each partitioned by device and month:
//! `metrics/device=NAME/month=YYYY-MM/RUN.parquet` has a row for each metric of each case, `tokens/...` one for each generated token.
//!
//! Unlike the formats beside it, it has columns for what is absent and why.

mod columns;
mod identity;
#[cfg(test)]
mod many;
mod metrics;
mod partition;
mod table;
#[cfg(test)]
mod tests;
mod tokens;

use std::{fs, path::Path};

use anyhow::Context;

use self::{partition::Partition, table::Table};
use super::subject::Exported;
use crate::cases::each_record;

/// Writes the runs into a folder: a file for each run and data set. One that is there is replaced; other runs stay as they are.
///
/// # Errors
/// When a file cannot be written.
pub fn write(runs: &[Exported<'_>], folder: &Path) -> anyhow::Result<()> {
    for &(run, results) in runs {
        let partition = Partition::of(run);
        write_table(&partition.file(folder, metrics::DATASET), metrics::DATASET, metrics::COLUMNS, |table| {
            each_record(results, |record| metrics::rows(run, &record).into_iter().try_for_each(|row| table.add(row)))
        })?;
        write_table(&partition.file(folder, tokens::DATASET), tokens::DATASET, tokens::COLUMNS, |table| {
            each_record(results, |record| tokens::rows(run, &record).try_for_each(|row| table.add(row)))
        })?;
    }
    Ok(())
}

fn write_table<R>(
    path: &Path,
    dataset: &'static str,
    columns: &'static [columns::Column<R>],
    fill: impl FnOnce(&mut Table<'_, R>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    table::write(path, dataset, columns, fill).with_context(|| format!("cannot write {}", path.display()))
}

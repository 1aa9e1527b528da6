//! All tables of a run, one after the other.

use pocketwatt_record::Record;
use pocketwatt_record::Run;
use pocketwatt_scenario::Study;

use crate::{
    cases::{Results, each_group, each_record, series, study_of, without_series},
    facts::Seen,
    table::Table,
    tables::{
        gains::{GainLines, gain_lines},
        grid::{self, grids},
        group::group_table,
        study::{comparison, slopes},
    },
};

/// Hands on the tables of a run, one after the other: its study's, or one for each group, and then the grids. `seen` learns of
/// every record on the way.
///
/// # Errors
/// Those of `put`.
pub fn each_table(
    run: &Run,
    results: &dyn Results,
    seen: &mut Seen,
    mut put: impl FnMut(&Table) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    if let Some(study) = study_of(run) {
        let mut records = Vec::new();
        each_record(results, |record| {
            seen.add(&record);
            records.push(without_series(record.into_owned()));
            Ok(())
        })?;
        return study_tables(&study, &records, &gain_lines(results)?).iter().try_for_each(put);
    }
    let spread = grid::spread(run, results);
    let mut lines = Vec::new();
    each_group(results, |group, part| {
        for column in &group.columns {
            seen.add(column.record);
            if spread.contains(&grid::key(&column.record.case)) {
                lines.push(grid::outline(column.record));
            }
        }
        let mut table = group_table(group, run);
        table.title += part;
        put(&table)
    })?;
    grids(run, &lines, &gain_lines(results)?).iter().try_for_each(put)
}

/// A table for each series, its columns along the axis, and one of the lines through their numbers.
fn study_tables(study: &Study, records: &[Record], gains: &GainLines) -> Vec<Table> {
    let series = series(study, records);
    let mut tables: Vec<Table> = series.iter().map(|series| comparison::table(study, series, gains)).collect();
    tables.extend(slopes::table(study, &series));
    tables
}

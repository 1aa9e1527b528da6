//! The table of cases that stand side by side.

use pocketwatt_record::Run;

use crate::{
    cases::{CaseGroup, Column},
    table::{Cell, Footnotes, Row, Table},
    tables::{
        agreement::agreement_row,
        contests::Contests,
        energy,
        metrics::{LINES, row},
        notes::notes_below,
        sustained,
        user_units::user_units,
        verdict::{put_verdicts, verdict},
    },
};

/// Fills in every cell of a group of a run.
pub fn group_table(group: &CaseGroup, run: &Run) -> Table {
    let mut footnotes = Footnotes::default();
    let verdicts: Vec<Option<Cell>> =
        group.columns.iter().map(|column| verdict(column.record, &column.name, &mut footnotes)).collect();
    let contests = Contests::of(group);
    let mut rows: Vec<Row> = LINES.iter().filter_map(|line| row(line, group, &contests, &mut footnotes)).collect();
    rows.extend(agreement_row(group, &mut footnotes));
    let simulated = run.energy.sysfs_root.is_some();
    rows.extend(sustained::rows(group, simulated, &mut footnotes));
    let energy = energy::rows(group, simulated, &contests, &mut footnotes);
    let has_energy = energy.iter().flat_map(|row| &row.cells).any(Cell::is_number);
    rows.extend(energy);
    put_verdicts(&mut rows, verdicts);
    // Without any number there is nothing to name either.
    if !group.columns.iter().any(Column::measured) {
        rows.truncate(1);
        for row in &mut rows {
            row.label = "outcome".into();
            row.unit = "";
        }
    }
    Table {
        title: group.title(),
        columns: group.columns.iter().map(|column| column.name.clone()).collect(),
        rows,
        verdicts: contests.told(),
        gains: Vec::new(),
        notes: notes_below(group, &footnotes),
        battery: user_units(group),
        has_energy,
        footnotes: footnotes.texts,
    }
}

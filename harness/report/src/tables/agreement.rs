//! The row that says whether backends generated the same tokens.

use crate::{
    cases::{
        CaseGroup, Column,
        agreement::{Agreement, agreement, answers},
    },
    table::{Cell, CellContent, Footnotes, Row},
};

/// Compares every column with the first one that generated tokens; no row if fewer than two did.
pub fn agreement_row(group: &CaseGroup, footnotes: &mut Footnotes) -> Option<Row> {
    // Constrained answers differ on purpose.
    let free = |column: &Column| column.measured() && !column.record.case.constrained;
    let generated = |column: &&Column| free(column) && answers(column.record).iter().any(|turn| !turn.is_empty());
    let reference = group.columns.iter().find(generated)?;
    if group.columns.iter().filter(generated).count() < 2 {
        return None;
    }
    let cells = group.columns.iter().map(|column| {
        let Some(agreement) = agreement(reference.record, column.record).filter(|_| free(column)) else {
            return Cell { content: CellContent::Absent, ..Cell::default() };
        };
        match agreement {
            Agreement::Same(_) if std::ptr::eq(column, reference) => Cell::word("reference"),
            Agreement::Same(count) => Cell::word(format!("yes ({count})")),
            Agreement::Differs(place) => differs(
                "no",
                format!("{} differs from token {} of turn {} on", column.name, place.token, place.turn),
                footnotes,
            ),
            Agreement::Unsteady(place) => differs(
                "unsteady",
                format!(
                    "{} gives other tokens in another iteration, from token {} of turn {} on",
                    column.name, place.token, place.turn
                ),
                footnotes,
            ),
        }
    });
    let cells = cells.collect();
    Some(Row { label: format!("same tokens as {}", reference.name), unit: "", cells, heading: false })
}

fn differs(word: &str, explanation: String, footnotes: &mut Footnotes) -> Cell {
    Cell::alarming(word, footnotes.number(explanation))
}

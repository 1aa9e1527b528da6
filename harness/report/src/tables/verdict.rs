//! A case without numbers in a table.

use pocketwatt_record::Record;

use crate::{
    cases::shortcoming,
    table::{Cell, Footnotes, Row},
};

/// Longest reason in a footnote; the record has all of it.
const REASON_CHARACTERS: usize = 400;

/// `failed` or `skipped` for a case without numbers.
pub fn verdict(record: &Record, name: &str, footnotes: &mut Footnotes) -> Option<Cell> {
    let (word, reason) = shortcoming(&record.outcome)?;
    let footnote = footnotes.number(format!("{name} {word}{}", shorten(&reason)));
    Some(Cell::alarming(word, footnote))
}

/// A case without numbers shows that once, at the top of its column.
pub fn put_verdicts(rows: &mut [Row], verdicts: Vec<Option<Cell>>) {
    for (index, verdict) in verdicts.into_iter().enumerate() {
        let Some(mut verdict) = verdict else { continue };
        for row in &mut *rows {
            row.cells[index] = std::mem::take(&mut verdict);
        }
    }
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(REASON_CHARACTERS) {
        Some((end, _)) => format!("{} ...", &text[..end]),
        None => text.to_owned(),
    }
}

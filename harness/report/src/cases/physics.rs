//! What failed the checks of physics, in words.

use pocketwatt_record::{CheckVerdict, PhysicsCheck, Record};

use crate::{cases::CaseGroup, output::inert::one_line};

const WITHHELD: &str = "withheld: ";

/// A reason as a footnote tells it: what is withheld is so by a check, which is named.
pub fn explained(record: &Record, reason: &str) -> String {
    let check = reason.strip_prefix(WITHHELD).and_then(|detail| {
        let check = failed(record).find(|check| one_line(&check.detail) == detail)?;
        Some(format!("{WITHHELD}{}: {detail}", one_line(&check.name)))
    });
    check.unwrap_or_else(|| reason.to_owned())
}

/// One note for each case of the group whose numbers cannot be true; the numbers themselves, unless `footnotes` have them.
pub fn notes(group: &CaseGroup, footnotes: &[String]) -> Vec<String> {
    let columns = group.columns.iter().filter(|column| column.measured());
    let notes = columns.flat_map(|column| failed(column.record).map(move |check| (&column.name, check)));
    notes
        .map(|(column, check)| {
            let detail = one_line(&check.detail);
            let told = footnotes.iter().any(|footnote| footnote.ends_with(&detail));
            let detail = if told { String::new() } else { format!(" ({detail})") };
            format!("{column}: physics check failed: {}{detail}; the numbers are withheld", one_line(&check.name))
        })
        .collect()
}

fn failed(record: &Record) -> impl Iterator<Item = &PhysicsCheck> {
    record.checks.iter().filter(|check| check.verdict == CheckVerdict::Failed)
}

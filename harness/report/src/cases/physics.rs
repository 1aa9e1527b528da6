//! Failed physics checks, in words.

use pocketwatt_record::{Absent, CheckVerdict, PhysicsCheck, Record};

use crate::{cases::CaseGroup, output::inert::one_line, table::Footnotes};

/// The text of a reason in a footnote; for a withheld number, it names the check.
pub fn explained(absent: &Absent) -> Absent {
    let words = match &absent.check {
        Some(check) => format!("{}: {}", one_line(check), one_line(&absent.words)),
        None => one_line(&absent.words),
    };
    Absent { words, ..absent.clone() }
}

/// One note for each case of the group whose numbers cannot be true; the numbers themselves, unless `footnotes` have them.
pub fn notes(group: &CaseGroup, footnotes: &Footnotes) -> Vec<String> {
    let columns = group.columns.iter().filter(|column| column.measured());
    let notes = columns.flat_map(|column| failed(column.record).map(move |check| (&column.name, check)));
    notes
        .map(|(column, check)| {
            let detail = one_line(&check.detail);
            let told = footnotes.tells(&explained(&Absent::withheld(&check.name, &check.detail)));
            let detail = if told { String::new() } else { format!(" ({detail})") };
            format!("{column}: physics check failed: {}{detail}; the numbers are withheld", one_line(&check.name))
        })
        .collect()
}

fn failed(record: &Record) -> impl Iterator<Item = &PhysicsCheck> {
    record.checks.iter().filter(|check| check.verdict == CheckVerdict::Failed)
}

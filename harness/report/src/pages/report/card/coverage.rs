//! What the answer is about: how many of the planned cases, in how many blocks, which are missing, and what disturbed the measurement.

use std::ops::RangeInclusive;

use maud::{Markup, html};

use crate::{
    cases::shortcoming,
    facts::disturbances,
    pages::{foreign::Foreign, report::card::members::Members, tables::notes},
};

/// Missing cases that are named; the tables have all.
const NAMED: usize = 6;

/// How many cases were measured, and why the others were not.
pub fn coverage(members: &Members) -> Markup {
    let (measured, planned) = (members.measured().count(), members.planned());
    let missing = missing(members);
    html! {
        p.pale {
            (measured) " of " (planned) " planned " @if planned == 1 { "case" } @else { "cases" }
            @if measured == 1 || planned == 1 { " was" } @else { " were" } " measured"
            @if let Some(blocks) = blocks(members).filter(|_| measured > 1) {
                ", in " (counted(&blocks)) " in which they took turns"
            }
            "."
            @if !missing.is_empty() {
                " Missing: "
                @for (place, words) in missing.iter().take(NAMED).enumerate() { @if place > 0 { "; " } (Foreign(words)) }
                @if missing.len() > NAMED { "; and " (missing.len() - NAMED) " more" }
                "."
            }
        }
    }
}

/// `tract int8 (skipped: ...)`.
fn missing(members: &Members) -> Vec<String> {
    let without_numbers = members.group.columns.iter().filter_map(|column| {
        let (word, reason) = shortcoming(&column.record.outcome)?;
        Some(format!("{} ({word}{reason})", column.name))
    });
    let without_record = members.without_record.iter().map(|name| format!("{name} (no record that can be read)"));
    without_numbers.chain(without_record).collect()
}

/// The fewest and the most blocks that count; `None` where nothing was measured in blocks.
pub fn blocks(members: &Members) -> Option<RangeInclusive<usize>> {
    let blocks = || members.measured().map(|column| column.record.samples.counted_blocks().count());
    let (fewest, most) = (blocks().min()?, blocks().max()?);
    (most > 0).then_some(fewest..=most)
}

fn counted(blocks: &RangeInclusive<usize>) -> String {
    match (blocks.start(), blocks.end()) {
        (1, 1) => "1 block".to_owned(),
        (fewest, most) if fewest == most => format!("{most} blocks"),
        (fewest, most) => format!("{fewest} to {most} blocks"),
    }
}

/// What disturbed the measurement, as many lines as there are.
pub fn disturbed(members: &Members) -> Markup {
    let disturbed = disturbances(&members.group);
    html! {
        @if !disturbed.is_empty() {
            p { b { "What disturbed the measurement" } }
            (notes(&disturbed))
        }
    }
}

//! What a request costs: joules and shares of a battery.

use maud::{Markup, html};
use pocketwatt_record::{EnergyMetric, Record, Run};

use crate::{
    cases::{CaseGroup, Column},
    output::quantity::{Quantity, significant},
    pages::{foreign::Foreign, tables::notes},
    tables::{preferred_energy, user_units},
};

/// The energy of each case: of a request, or where requests were not the same work, of an output token. Why there is none stands in the
/// line of the wish.
pub fn cost(group: &CaseGroup, is_same_work: bool, run: &Run) -> Markup {
    let (metric, what) = match is_same_work {
        true => (EnergyMetric::EnergyPerRequest, "A request costs"),
        false => (EnergyMetric::EnergyPerOutputToken, "An output token costs"),
    };
    let Some((scope, found)) = preferred_energy(group, metric, run.energy.sysfs_root.is_some()) else {
        return html! {};
    };
    let costs: Vec<String> = group
        .columns
        .iter()
        .zip(&found)
        .filter_map(|(column, found)| {
            let estimate = found.as_ref()?.as_ref().ok()?;
            let half = estimate.range.map(|(low, high)| (high - low) / 2.0);
            let joules = Quantity::new(estimate.value, "J").with(half).prefixed().in_text();
            Some(format!("{}: {joules}", column.name))
        })
        .collect();
    let battery = if is_same_work { user_units(group) } else { user_units(&with_lengths(group)) };
    html! {
        @if !costs.is_empty() {
            p { b { (what) } " (" (Foreign(&scope)) ", idle power included)" }
            (notes(&costs))
        }
        @if !battery.is_empty() { p { b { "Of a battery" } } (notes(&battery)) }
    }
}

/// The same cases, named with the lengths of their answers.
fn with_lengths<'a>(group: &CaseGroup<'a>) -> CaseGroup<'a> {
    let column = |column: &Column<'a>| {
        let tokens =
            mean_tokens(column.record).map_or_else(String::new, |tokens| format!(" (answers of {tokens} tokens)"));
        Column { name: format!("{}{tokens}", column.name), record: column.record }
    };
    CaseGroup { columns: group.columns.iter().map(column).collect() }
}

/// The mean length of the counted answers.
fn mean_tokens(record: &Record) -> Option<String> {
    let lengths: Vec<usize> =
        record.samples.counted().flat_map(|iteration| &iteration.turns).map(|turn| turn.tokens.len()).collect();
    (!lengths.is_empty()).then(|| significant(lengths.iter().sum::<usize>() as f64 / lengths.len() as f64))
}

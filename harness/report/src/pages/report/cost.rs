//! What a request costs: joules and shares of a battery, or why that is not known; and what a precision costs in quality.

use maud::{Markup, html};
use pocketwatt_record::{EnergyMetric, Estimate, Precision, QualityMetric, Run, Statistic, estimate};

use crate::{
    cases::CaseGroup,
    output::quantity::{Quantity, significant},
    pages::{foreign::Foreign, tables::notes},
    tables::{preferred_energy, user_units},
};

const REQUEST: EnergyMetric = EnergyMetric::EnergyPerRequest;

/// The energy of a request of each case and the closeness of its answers to those in f32.
pub fn cost(group: &CaseGroup, run: &Run) -> Markup {
    html! {
        (energy(group, run))
        (quality(group))
    }
}

fn energy(group: &CaseGroup, run: &Run) -> Markup {
    let Some((scope, found)) = preferred_energy(group, REQUEST, run.energy.sysfs_root.is_some()) else {
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
    let battery = user_units(group);
    html! {
        // Why there are none stands in the row of the wish.
        @if !costs.is_empty() {
            p { b { "A request costs" } " (" (Foreign(&scope)) ", idle power included)" }
            (notes(&costs))
        }
        @if !battery.is_empty() { p { b { "Of a battery" } } (notes(&battery)) }
    }
}

/// The divergence of each precision that is not f32: the largest of its backends.
fn quality(group: &CaseGroup) -> Markup {
    let mut precisions: Vec<(Precision, f64)> = Vec::new();
    for record in group.columns.iter().filter(|column| column.measured()).map(|column| column.record) {
        let found = estimate(record, QualityMetric::KlDivergence, Statistic::Median);
        let Ok(Estimate { value, .. }) = found else { continue };
        match precisions.iter_mut().find(|(known, _)| *known == record.case.precision) {
            Some((_, most)) => *most = most.max(value),
            None => precisions.push((record.case.precision, value)),
        }
    }
    html! {
        @if precisions.len() > 1 {
            p {
                b { "Closeness to f32" } " (KL divergence of the next token, in nats; 0 is the same): "
                @for (place, (precision, value)) in precisions.iter().enumerate() {
                    @if place > 0 { ", " }
                    (precision.name()) " " (significant(*value))
                }
                "."
            }
        }
    }
}

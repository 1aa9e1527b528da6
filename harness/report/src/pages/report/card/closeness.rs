//! What a precision costs in quality: how often the most probable next token is another one than in f32.

use maud::{Markup, html};
use pocketwatt_record::{Estimate, Precision, QualityMetric, Record, Statistic, estimate};

use crate::{
    cases::CaseGroup,
    output::quantity::{fixed, significant},
};

/// Of a case that does not compute in f32: `64 %`, the share of a text's positions at which its most probable token is that of f32.
pub fn same_tokens(record: &Record) -> Option<String> {
    (record.case.precision != Precision::F32).then(|| share(record)).flatten().map(|share| per_cent(share) + " %")
}

/// The same of the backends of a setting that does not compute in f32: `62 to 64 %`; empty where no share is known.
pub fn of_setting(group: &CaseGroup) -> String {
    let rounded = measured(group).filter(|record| record.case.precision != Precision::F32);
    let shares: Vec<f64> = rounded.filter_map(share).collect();
    span(&shares).map_or_else(String::new, |span| span + " %")
}

/// What each precision costs, in a sentence; nothing where that is not known.
pub fn sentence(group: &CaseGroup) -> Markup {
    let shares: Vec<(Precision, String)> = by_precision(group, share)
        .into_iter()
        .filter(|(precision, _)| *precision != Precision::F32)
        .filter_map(|(precision, shares)| Some((precision, span(&shares)?)))
        .collect();
    html! {
        @if !shares.is_empty() {
            p {
                b { "What a precision costs: " }
                @for (place, (precision, span)) in shares.iter().enumerate() {
                    @if place > 0 { ", " }
                    (precision.name())
                    @if place == 0 { " picks the same next token as f32 at " } @else { " at " }
                    (span) " %"
                    @if place == 0 { " of the positions of a text" }
                }
                "."
            }
        }
    }
}

/// The divergence of each precision.
pub fn divergence(group: &CaseGroup) -> Markup {
    let divergence = |record: &Record| number(record, QualityMetric::KlDivergence);
    let found = by_precision(group, divergence);
    html! {
        @if found.len() > 1 {
            p {
                b { "Divergence from f32" } " (KL divergence of the next token, in nats; 0 is the same; the largest of the backends): "
                @for (place, (precision, values)) in found.iter().enumerate() {
                    @if place > 0 { ", " }
                    (precision.name()) " at most " (significant(values.iter().copied().fold(0.0, f64::max)))
                }
                "."
            }
        }
    }
}

fn share(record: &Record) -> Option<f64> {
    number(record, QualityMetric::TokenAgreement)
}

fn number(record: &Record, metric: QualityMetric) -> Option<f64> {
    let Estimate { value, .. } = estimate(record, metric, Statistic::Median).ok()?;
    Some(value)
}

fn measured<'g>(group: &'g CaseGroup) -> impl Iterator<Item = &'g Record> {
    group.columns.iter().filter(|column| column.measured()).map(|column| column.record)
}

/// The numbers of each precision that has any, in the order of the cases.
fn by_precision(group: &CaseGroup, number: impl Fn(&Record) -> Option<f64>) -> Vec<(Precision, Vec<f64>)> {
    let mut found: Vec<(Precision, Vec<f64>)> = Vec::new();
    for record in measured(group) {
        let Some(value) = number(record) else { continue };
        match found.iter_mut().find(|(known, _)| *known == record.case.precision) {
            Some((_, values)) => values.push(value),
            None => found.push((record.case.precision, vec![value])),
        }
    }
    found
}

/// `62 to 64`, or `95` where both ends are alike.
fn span(shares: &[f64]) -> Option<String> {
    let lowest = shares.iter().copied().reduce(f64::min)?;
    let highest = shares.iter().copied().reduce(f64::max)?;
    let (lowest, highest) = (per_cent(lowest), per_cent(highest));
    Some(if lowest == highest { lowest } else { format!("{lowest} to {highest}") })
}

/// Only what is wholly alike is 100 %.
fn per_cent(share: f64) -> String {
    let rounded = fixed(share * 100.0, 0);
    if rounded == "100" && share < 1.0 { fixed(share * 100.0, 2) } else { rounded }
}

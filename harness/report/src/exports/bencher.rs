//! Bencher Metric Format (<https://bencher.dev/docs/reference/bencher-metric-format>): benchmark, measure, and a value with the ends
//! of its interval. A benchmark is a case; metrics of energy belong to one benchmark for each scope, so that a measure has the same
//! name on every device.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    array::Parts,
    digest::digest,
    number::{numbers, scope_name},
    subject::{Exported, each_measured},
};
use crate::output::Output;

/// Longest name of a benchmark that Bencher takes.
const LONGEST_NAME: usize = 1024;

#[derive(Serialize)]
struct Value {
    value: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    lower_value: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upper_value: Option<f64>,
}

/// All numbers.
///
/// # Errors
/// When they cannot be written.
pub fn write(runs: &[Exported<'_>], output: &mut Output) -> anyhow::Result<()> {
    let mut document = Parts::between("{", "}");
    each_measured(runs, |subject, record| {
        let case = subject.name(record);
        let mut benchmarks: BTreeMap<String, BTreeMap<String, Value>> = BTreeMap::new();
        for number in numbers(record) {
            let benchmark = number.scope.map_or_else(|| case.clone(), |scope| format!("{case}/{}", scope_name(scope)));
            // Measures are known by names in kebab case.
            let measures = benchmarks.entry(shortened(benchmark)).or_default();
            measures.entry(number.metric.name.replace('_', "-")).or_insert(Value {
                value: number.value,
                lower_value: number.range.map(|(low, _)| low),
                upper_value: number.range.map(|(_, high)| high),
            });
        }
        benchmarks.iter().try_for_each(|(name, measures)| document.add_member(name, measures, output))
    })?;
    document.end(output)
}

/// The end of a name that is too long, after a digest of all of it: two of them never become one.
fn shortened(name: String) -> String {
    let characters = name.chars().count();
    if characters <= LONGEST_NAME {
        return name;
    }
    let digest = digest(&name) + "-";
    let end = name.chars().skip(characters + digest.len() - LONGEST_NAME);
    digest.chars().chain(end).collect()
}

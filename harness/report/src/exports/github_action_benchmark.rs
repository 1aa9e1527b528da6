//! github-action-benchmark's own format, for its tools `customBiggerIsBetter` and `customSmallerIsBetter`: a list of results with
//! `name`, `unit` and `value`, and the texts `range` and `extra`. Metrics without a direction have no place in it.
//!
//! It writes names into Markdown tables and pages, so that what these would obey is written as in a URL: `%7C` for `|`.

use pocketwatt_record::{Direction, Record};
use serde::Serialize;

use super::{
    array::Parts,
    number::{Number, numbers, scope_name},
    subject::{Exported, each_measured},
};
use crate::output::{Output, inert::one_line, quantity::significant};

#[derive(Serialize)]
struct Entry {
    name: String,
    unit: &'static str,
    value: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<String>,
    extra: String,
}

/// The metrics with that direction.
///
/// # Errors
/// When they cannot be written.
pub fn write(runs: &[Exported<'_>], direction: Direction, output: &mut Output) -> anyhow::Result<()> {
    let mut list = Parts::between("[", "]");
    each_measured(runs, |subject, record| {
        let name = subject.name(record);
        for number in numbers(record).into_iter().filter(|number| number.metric.direction == direction) {
            list.add(&entry(&name, record, &number), output)?;
        }
        Ok(())
    })?;
    list.end(output)
}

fn entry(name: &str, record: &Record, number: &Number) -> Entry {
    let scope = number.scope.map_or_else(String::new, |scope| format!(" ({})", scope_name(scope)));
    let symbol = number.metric.unit.symbol();
    Entry {
        name: harmless(&format!("{name}/{}{scope}", number.metric.full_label())),
        unit: if symbol.is_empty() { "1" } else { symbol },
        value: number.value,
        range: number.range.map(|range| range_text(number.value, range)),
        extra: harmless_lines(&extra(record, number)),
    }
}

/// `± 0.3` for an interval whose ends are equally far away, else both ends.
fn range_text(value: f64, (low, high): (f64, f64)) -> String {
    let (below, above) = (value - low, high - value);
    if (below - above).abs() <= 1e-6 * above.abs() {
        format!("± {}", significant(above))
    } else {
        format!("{} to {}", significant(low), significant(high))
    }
}

/// What a reader sees beside the point of a chart, a line each.
fn extra(record: &Record, number: &Number) -> [String; 3] {
    let engine = record.passport.backend.as_ref().map_or_else(
        || one_line(&record.case.backend),
        |backend| one_line(&format!("{} {}", backend.engine, backend.engine_version)),
    );
    let range = if number.range.is_some() { "range: 95 % interval" } else { "no interval" };
    [format!("engine: {engine}"), format!("median of {}, {range}", number.count), number.metric.formula.to_owned()]
}

fn harmless_lines(lines: &[String]) -> String {
    lines.iter().map(|line| harmless(line)).collect::<Vec<_>>().join("\n")
}

fn harmless(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => shown += "%3C",
            '>' => shown += "%3E",
            '|' => shown += "%7C",
            '`' => shown += "%60",
            other => shown.push(other),
        }
    }
    shown
}

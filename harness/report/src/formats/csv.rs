//! One line per case and metric, in the catalogue's units, for spreadsheets and data frames. Quoted as in RFC 4180; lines
//! end with a line feed alone, so that line-oriented tools keep working: one for each line of the table. Texts that a
//! spreadsheet would compute as a formula get an apostrophe before them, as OWASP advises.

use pocketwatt_record::{Metric, MetricValue, Outcome, Record, Run, Unit, Value, catalogue};
use serde::Serialize;

use crate::{
    cases::{Results, each_record, shortcoming},
    output::{Output, inert, quantity::exact},
};

const COLUMNS: [&str; 28] = [
    "run",
    "device",
    "scenario",
    "model",
    "backend",
    "precision",
    "graph",
    "threads",
    "metric",
    "unit",
    "count",
    "median",
    "mean",
    "minimum",
    "p10",
    "p90",
    "p99",
    "maximum",
    "standard_deviation",
    "outcome",
    "reason",
    "weights_sha256",
    "engine_version",
    "scope",
    "uncertainty",
    "source",
    "part",
    "beside",
];

/// A header, then every metric of every case, of energy once for each scope; cases without numbers have the same lines with
/// their reason.
///
/// # Errors
/// When the output cannot be written.
pub fn render(run: &Run, results: &dyn Results, output: &mut Output) -> anyhow::Result<()> {
    output(&line(&COLUMNS.map(str::to_owned)))?;
    each_record(results, |record| output(&lines(run, &record)))
}

fn lines(run: &Run, record: &Record) -> String {
    let mut lines = String::new();
    for metric in catalogue() {
        let values: Vec<&MetricValue> = record.metrics.iter().filter(|value| value.metric == metric.name).collect();
        if values.is_empty() {
            lines += &line(&fields(run, record, metric, None));
        }
        for value in values {
            lines += &line(&fields(run, record, metric, Some(value)));
        }
    }
    lines
}

fn fields(run: &Run, record: &Record, metric: &Metric, found: Option<&MetricValue>) -> [String; 28] {
    let case = &record.case;
    let value = found.map(|found| &found.value);
    let scope = found.and_then(|found| found.scope.as_ref());
    let summary = match value {
        Some(Value::Measured(summary)) => Some(summary),
        _ => None,
    };
    let number = |number: Option<f64>| number.map(exact).unwrap_or_default();
    let reason = match (&record.outcome, value) {
        (Outcome::Measured, Some(Value::Unavailable(reason))) => reason.clone(),
        (outcome, _) => reason(outcome),
    };
    [
        text(&run.id),
        text(&run.device.name),
        text(&case.scenario),
        text(&case.model),
        text(&case.backend),
        case.precision.name().into(),
        case.graph.map(|graph| graph.name().to_owned()).unwrap_or_default(),
        case.threads.to_string(),
        metric.name.into(),
        unit(metric.unit).into(),
        summary.map(|summary| summary.count.to_string()).unwrap_or_default(),
        number(summary.map(|summary| summary.median)),
        number(summary.map(|summary| summary.mean)),
        number(summary.map(|summary| summary.minimum)),
        number(summary.map(|summary| summary.p10)),
        number(summary.map(|summary| summary.p90)),
        number(summary.map(|summary| summary.p99)),
        number(summary.map(|summary| summary.maximum)),
        number(summary.and_then(|summary| summary.standard_deviation)),
        outcome(&record.outcome).into(),
        text(&reason),
        text(&record.passport.model.weights_sha256),
        record.passport.backend.as_ref().map(|backend| text(&backend.engine_version)).unwrap_or_default(),
        scope.map(|scope| name_in_records(&scope.scope)).unwrap_or_default(),
        number(found.and_then(|found| found.uncertainty)),
        scope.map(|scope| scope.source.name().to_owned()).unwrap_or_default(),
        scope.and_then(|scope| scope.part.as_deref()).map(text).unwrap_or_default(),
        record.passport.beside.as_deref().map(text).unwrap_or_default(),
    ]
}

/// The outcome's name in records.
pub fn outcome(outcome: &Outcome) -> &'static str {
    shortcoming(outcome).map_or("measured", |(word, _)| word)
}

fn reason(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Measured => String::new(),
        Outcome::Failed { message, .. } => message.clone(),
        Outcome::Skipped { reason } => reason.clone(),
    }
}

/// The name of an enum's variant in records.
fn name_in_records(variant: &impl Serialize) -> String {
    match serde_json::to_value(variant) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}

/// The unit's name in records.
fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Nanoseconds => "nanoseconds",
        Unit::TokensPerSecond => "tokens-per-second",
        Unit::Bytes => "bytes",
        Unit::Fraction => "fraction",
        Unit::Cores => "cores",
        Unit::Joules => "joules",
        Unit::Watts => "watts",
        Unit::JouleSeconds => "joule-seconds",
        Unit::TokensPerWattHour => "tokens-per-watt-hour",
        Unit::DegreesCelsius => "degrees-celsius",
        Unit::Hertz => "hertz",
        Unit::Nats => "nats",
        Unit::One => "1",
        Unit::Hours => "hours",
    }
}

/// A text from outside as a cell: on one line, and never a formula.
fn text(text: &str) -> String {
    let shown = inert::line(text);
    if shown.trim_start().starts_with(['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}']) {
        format!("'{shown}")
    } else {
        shown
    }
}

fn line(fields: &[String]) -> String {
    fields.iter().map(|field| quote(field)).collect::<Vec<_>>().join(",") + "\n"
}

fn quote(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

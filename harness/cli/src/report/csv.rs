//! One line per case and metric, in the catalogue's units, for spreadsheets and data frames. Quoted as in RFC 4180; lines
//! end with a line feed alone, so that line-oriented tools keep working.

use pocketwatt_record::{Metric, Outcome, Record, Run, Unit, Value, catalogue};

use super::sheet::shortcoming;

const COLUMNS: [&str; 23] = [
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
];

/// A header, then every metric of every case; cases without numbers have the same lines with their reason.
pub fn render(run: &Run, records: &[Record]) -> String {
    let mut output = line(&COLUMNS.map(str::to_owned));
    for record in records {
        for metric in catalogue() {
            output += &line(&fields(run, record, metric));
        }
    }
    output
}

fn fields(run: &Run, record: &Record, metric: &Metric) -> [String; 23] {
    let case = &record.case;
    let value = record.metrics.iter().find(|value| value.metric == metric.name).map(|value| &value.value);
    let summary = match value {
        Some(Value::Measured(summary)) => Some(summary),
        _ => None,
    };
    let number = |number: Option<f64>| number.map(|number| number.to_string()).unwrap_or_default();
    let reason = match (&record.outcome, value) {
        (Outcome::Measured, Some(Value::Unavailable(reason))) => reason.clone(),
        (outcome, _) => reason(outcome),
    };
    [
        run.id.clone(),
        run.device.name.clone(),
        case.scenario.clone(),
        case.model.clone(),
        case.backend.clone(),
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
        reason,
        record.passport.model.weights_sha256.clone(),
        record.passport.backend.as_ref().map(|backend| backend.engine_version.clone()).unwrap_or_default(),
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
        Unit::Hours => "hours",
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

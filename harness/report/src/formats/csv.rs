//! One line per case and metric, in the catalogue's units, for spreadsheets and data frames. Quoted as in RFC 4180; lines
//! end with a line feed only, so that line-oriented tools keep working: one for each line of the table. Texts that a
//! spreadsheet would compute as a formula get an apostrophe before them, as OWASP advises, and so do those that begin with one: whoever
//! takes one away has the text.

use anyhow::Context;
use pocketwatt_meter::energy::Scope;
use pocketwatt_protocol::GraphKind;
use pocketwatt_record::{AbsentKind, MetricId, MetricValue, Outcome, Record, Run, Summary, Unit, catalogue};
use serde::{Serialize, Serializer};

use crate::{
    cases::{Results, each_record, shortcoming},
    output::{Output, inert, quantity::exact},
};

/// In the column `simulated` where `run.json` is lost, which alone says it.
const UNKNOWN: &str = "unknown";

/// One line: a metric of a case; for energy, one for each scope. The names of the fields are those of the columns.
#[derive(Default, Serialize)]
struct Line<'a> {
    run: String,
    device: String,
    scenario: String,
    model: String,
    backend: String,
    precision: &'a str,
    graph: Option<&'a str>,
    threads: u32,
    metric: &'a str,
    unit: &'a str,
    count: Option<u64>,
    median: Number,
    mean: Number,
    minimum: Number,
    p10: Number,
    p90: Number,
    p99: Number,
    maximum: Number,
    standard_deviation: Number,
    outcome: &'a str,
    reason: String,
    weights_sha256: String,
    engine_version: Option<String>,
    scope: Option<Scope>,
    uncertainty: Number,
    source: Option<&'a str>,
    part: Option<String>,
    beside: Option<String>,
    absent: Option<AbsentKind>,
    cores: Option<String>,
    emulated: Option<String>,
    simulated: Option<String>,
    measured_in: String,
}

/// All digits of a number; an empty cell if there is none.
#[derive(Default)]
struct Number(Option<f64>);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.map(exact).unwrap_or_default().serialize(serializer)
    }
}

/// A header, then every metric of every case, metrics of energy once for each scope; cases without numbers have the
/// same lines with their reason.
///
/// # Errors
/// When the output cannot be written.
pub fn render(run: &Run, results: &dyn Results, output: &mut Output) -> anyhow::Result<()> {
    header(output)?;
    body(run, results, output)
}

/// The names of the columns.
///
/// # Errors
/// When they cannot be written.
pub fn header(output: &mut Output) -> anyhow::Result<()> {
    let header = written(&[Line::default()], true)?;
    output(header.split_inclusive('\n').next().unwrap_or_default())
}

/// What stands below the header.
///
/// # Errors
/// When it cannot be written.
pub fn body(run: &Run, results: &dyn Results, output: &mut Output) -> anyhow::Result<()> {
    each_record(results, |record| output(&written(&lines(run, &record), false)?))
}

fn lines<'a>(run: &Run, record: &'a Record) -> Vec<Line<'a>> {
    let mut lines = Vec::new();
    for &metric in catalogue() {
        let values: Vec<&MetricValue> = record.values(metric).collect();
        if values.is_empty() {
            lines.push(line(run, record, metric, None));
        }
        lines.extend(values.into_iter().map(|value| line(run, record, metric, Some(value))));
    }
    lines
}

fn line<'a>(run: &Run, record: &'a Record, metric: MetricId, found: Option<&'a MetricValue>) -> Line<'a> {
    let metric = metric.definition();
    let case = &record.case;
    let scope = found.and_then(|found| found.scope.as_ref());
    let summary = found.and_then(MetricValue::summary);
    let absent = found.and_then(MetricValue::absent);
    let number = |of: fn(&Summary) -> f64| Number(summary.map(of));
    let reason = match (&record.outcome, absent) {
        (Outcome::Measured, Some(absent)) => absent.to_string(),
        (outcome, _) => reason(outcome),
    };
    Line {
        run: text(&run.id),
        device: if run.rebuilt.is_some() { String::new() } else { text(&run.device.name) },
        scenario: text(&case.scenario),
        model: text(&case.model),
        backend: text(&case.backend),
        precision: case.precision.name(),
        graph: case.graph.map(GraphKind::name),
        threads: case.threads,
        metric: metric.name,
        unit: unit(metric.unit),
        count: summary.map(|summary| summary.count),
        median: number(|summary| summary.median),
        mean: number(|summary| summary.mean),
        minimum: number(|summary| summary.minimum),
        p10: number(|summary| summary.p10),
        p90: number(|summary| summary.p90),
        p99: number(|summary| summary.p99),
        maximum: number(|summary| summary.maximum),
        standard_deviation: Number(summary.and_then(|summary| summary.standard_deviation)),
        outcome: outcome(&record.outcome),
        reason: text(&reason),
        weights_sha256: text(&record.passport.model.weights_sha256),
        engine_version: record.passport.backend.as_ref().map(|backend| text(&backend.engine_version)),
        scope: scope.map(|scope| scope.scope),
        uncertainty: Number(found.and_then(|found| found.uncertainty)),
        source: scope.map(|scope| scope.source.name()),
        part: scope.and_then(|scope| scope.part.as_deref()).map(text),
        beside: record.passport.beside.as_deref().map(text),
        absent: absent.map(|absent| absent.kind),
        cores: record.passport.cores.as_deref().map(text),
        emulated: record.passport.emulated.as_deref().map(text),
        simulated: if run.rebuilt.is_some() {
            Some(UNKNOWN.into())
        } else {
            run.energy.sysfs_root.as_deref().map(text)
        },
        measured_in: text(record.passport.run.as_deref().unwrap_or(&run.id)),
    }
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
pub fn unit(unit: Unit) -> &'static str {
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

/// An untrusted text as a cell: on one line, and never a formula.
fn text(text: &str) -> String {
    let shown = inert::line(text);
    if shown.trim_start().starts_with(['\'', '=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}']) {
        format!("'{shown}")
    } else {
        shown
    }
}

fn written(lines: &[Line], with_header: bool) -> anyhow::Result<String> {
    let mut writer = csv::WriterBuilder::new()
        .has_headers(with_header)
        .terminator(csv::Terminator::Any(b'\n'))
        .from_writer(Vec::new());
    lines.iter().try_for_each(|line| writer.serialize(line)).context("cannot write a line of CSV")?;
    let bytes = writer.into_inner().map_err(csv::IntoInnerError::into_error).context("cannot write CSV")?;
    String::from_utf8(bytes).context("CSV is no text")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_a_formula_and_every_one_can_be_told() {
        let texts = ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", " =1", "\u{ff1d}1", "'=1", "''", "a=1", ""];
        for name in texts {
            let cell = text(name);
            assert!(!cell.trim_start().starts_with(['=', '+', '-', '@', '\t', '\r', '\u{ff1d}']), "{cell:?}");
            assert_eq!(
                cell.strip_prefix('\'').unwrap_or(&cell),
                inert::line(name),
                "without the apostrophe it is the text"
            );
        }
    }

    #[test]
    fn simulated_meters_are_named_in_every_line() {
        let records = crate::fixture::records();
        let mut run = crate::fixture::run(&records);
        assert!(lines(&run, &records[0]).iter().all(|line| line.simulated.is_none()));
        run.energy.sysfs_root = Some("/tree".into());
        assert!(lines(&run, &records[0]).iter().all(|line| line.simulated.as_deref() == Some("/tree")));
    }
}

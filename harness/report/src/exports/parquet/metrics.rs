//! The data set `metrics`: a row for each metric of each case, and for each scope of a metric of energy. Where there is no number, a
//! row says why.

use std::rc::Rc;

use parquet::data_type::ByteArray;
use pocketwatt_history::{EntryCase, EntryRun};
use pocketwatt_record::{
    Absent, AbsentKind, Metric, MetricId, MetricScope, MetricValue, Outcome, Record, Run, catalogue,
};
use serde::Serialize;

use super::{
    columns::{Column, Values, column},
    identity::{Identity, Kept, text_cell},
};
use crate::{
    exports::number::{Number, kept, number},
    formats::csv::{outcome, unit},
};

/// Name of the data set.
pub const DATASET: &str = "metrics";

/// A metric of a case.
pub struct Row {
    /// What only a history knows.
    pub kept: Option<Rc<Kept>>,
    case: Rc<Identity>,
    outcome: ByteArray,
    metric: &'static Metric,
    scope: Option<MetricScope>,
    /// The median; absent where there is no number, as are the others.
    value: Option<f64>,
    /// The ends of its interval.
    range: Option<(f64, f64)>,
    /// Number of observations.
    count: Option<u64>,
    absent: Option<ByteArray>,
    reason: Option<ByteArray>,
}

impl Row {
    /// The same, with what a history knows of its case.
    pub fn kept_as(self, kept: &Rc<Kept>) -> Self {
        Self { kept: Some(Rc::clone(kept)), ..self }
    }
}

/// The columns, as docs/formats.md explains them.
pub const COLUMNS: &[Column<Row>] = &[
    column("run", Values::Text(|row| Some(row.case.run.clone()))),
    column("device_name", Values::Text(|row| Some(row.case.device_name.clone()))),
    column("started", Values::Instant(|row| row.case.started)),
    column("case_name", Values::Text(|row| Some(row.case.case.clone()))),
    column("scenario", Values::Text(|row| Some(row.case.scenario.clone()))),
    column("scenario_sha256", Values::Text(|row| Some(row.case.scenario_sha256.clone()))),
    column("model", Values::Text(|row| Some(row.case.model.clone()))),
    column("weights_sha256", Values::Text(|row| Some(row.case.weights_sha256.clone()))),
    column("backend", Values::Text(|row| Some(row.case.backend.clone()))),
    column("engine", Values::Text(|row| row.case.engine.clone())),
    column("engine_version", Values::Text(|row| row.case.engine_version.clone())),
    column("runner_sha256", Values::Text(|row| row.case.runner_sha256.clone())),
    column("pocketwatt", Values::Text(|row| Some(row.case.pocketwatt.clone()))),
    column("graph", Values::Text(|row| row.case.graph.clone())),
    column("precision", Values::Text(|row| Some(row.case.precision.clone()))),
    column("threads", Values::Whole(|row| Some(row.case.threads))),
    column("cores", Values::Text(|row| row.case.cores.clone())),
    column("constrained", Values::Truth(|row| Some(row.case.constrained))),
    column("baseline", Values::Truth(|row| Some(row.case.baseline))),
    column("emulated", Values::Text(|row| row.case.emulated.clone())),
    column("simulated", Values::Text(|row| row.case.simulated.clone())),
    column("beside", Values::Text(|row| row.case.beside.clone())),
    column("measured_in", Values::Text(|row| Some(row.case.measured_in.clone()))),
    column("outcome", Values::Text(|row| Some(row.outcome.clone()))),
    column("metric", Values::Text(|row| Some(row.metric.name.into()))),
    column("unit", Values::Text(|row| Some(unit(row.metric.unit).into()))),
    column("direction", Values::Text(|row| word(&row.metric.direction))),
    column("scope", Values::Text(|row| row.scope.as_ref().and_then(|scope| word(&scope.scope)))),
    column("source", Values::Text(|row| row.scope.as_ref().map(|scope| scope.source.name().into()))),
    column("part", Values::Text(|row| row.scope.as_ref().and_then(|scope| Some(text_cell(scope.part.as_deref()?))))),
    column("value", Values::Real(|row| row.value)),
    column("low", Values::Real(|row| Some(row.range?.0))),
    column("high", Values::Real(|row| Some(row.range?.1))),
    column("count", Values::Whole(|row| i64::try_from(row.count?).ok())),
    column("absent", Values::Text(|row| row.absent.clone())),
    column("reason", Values::Text(|row| row.reason.clone())),
];

/// Every metric of the catalogue, in its order.
pub fn rows(run: &Run, record: &Record) -> Vec<Row> {
    let found = record.metrics.iter().map(|found| (found, number(record, found)));
    every_metric(&Identity::of(run, record), &record.outcome, &found.collect::<Vec<_>>())
}

/// The same of a case which a history keeps.
pub fn rows_of_entry(run: &EntryRun, entry: &EntryCase) -> Vec<Row> {
    let found = entry.metrics.iter().map(|metric| (&metric.observed, kept(metric)));
    every_metric(&Identity::of_entry(run, entry), &entry.outcome, &found.collect::<Vec<_>>())
}

/// What was found, with its number if it has one.
type Found<'a> = (&'a MetricValue, Option<Number<'a>>);

fn every_metric(case: &Rc<Identity>, case_outcome: &Outcome, found: &[Found<'_>]) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for &metric in catalogue() {
        let mut is_there = false;
        for (value, number) in found.iter().filter(|(value, _)| value.is(metric)) {
            is_there = true;
            let row = row(case, case_outcome, metric, Some(value), number.as_ref());
            // A record may be anybody's, and have a metric twice.
            let is_same = |other: &Row| other.metric.name == row.metric.name && other.scope == row.scope;
            if !rows.iter().any(is_same) {
                rows.push(row);
            }
        }
        if !is_there {
            rows.push(row(case, case_outcome, metric, None, None));
        }
    }
    rows
}

fn row(
    case: &Rc<Identity>,
    case_outcome: &Outcome,
    metric: MetricId,
    found: Option<&MetricValue>,
    number: Option<&Number<'_>>,
) -> Row {
    let (absent, reason) = match case_outcome {
        Outcome::Measured if number.is_some() => (None, None),
        Outcome::Measured => {
            let not_there = Absent::from(AbsentKind::NotInRecord);
            let absent = found.and_then(MetricValue::absent).unwrap_or(&not_there);
            (word(&absent.kind), Some(text_cell(&absent.to_string())))
        }
        Outcome::Failed { message, .. } => (None, Some(text_cell(message))),
        Outcome::Skipped { reason } => (None, Some(text_cell(reason))),
    };
    Row {
        kept: None,
        case: Rc::clone(case),
        outcome: outcome(case_outcome).into(),
        metric: metric.definition(),
        scope: found.and_then(|found| found.scope.clone()),
        value: number.map(|number| number.value),
        range: number.and_then(|number| number.range),
        count: number.map(|number| number.count),
        absent,
        reason,
    }
}

/// The name of one of our own kinds, as in records.
fn word(kind: &impl Serialize) -> Option<ByteArray> {
    Some(serde_json::to_value(kind).ok()?.as_str()?.into())
}

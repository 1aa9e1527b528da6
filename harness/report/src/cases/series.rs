//! Cases that differ only in what a study varies.

use pocketwatt_record::{Record, Run};
use pocketwatt_scenario::{Axis, Study, synthetic};

use crate::{
    cases::{EMULATED, column_name},
    output::inert::one_line,
};

/// The study that a run belongs to. If it can no longer be read, its cases are shown like any others.
pub fn study_of(run: &Run) -> Option<Study> {
    Study::stored(run.study.as_ref()?).ok()
}

/// Cases along the axis of a study.
pub struct Series<'a> {
    /// The backend, and its graph if the study has the backend twice.
    pub backend: String,
    /// Everything else that the cases have in common, in words.
    pub rest: Vec<String>,
    /// In the order of the axis; never empty.
    pub points: Vec<Point<'a>>,
}

/// One case of a series.
pub struct Point<'a> {
    /// Its label on the axis.
    pub label: String,
    /// Its position on an axis of numbers; its rank on other axes.
    pub x: f64,
    /// The case.
    pub record: &'a Record,
}

/// The series of a study, in the order of its cases.
pub fn series<'a>(study: &Study, records: &'a [Record]) -> Vec<Series<'a>> {
    let peers: Vec<&Record> = records.iter().collect();
    let mut series: Vec<Series> = Vec::new();
    for record in records {
        let (backend, rest) = (column_name(record, &peers), rest(study.axis(), record));
        let point = Point { label: label(study, record), x: x(study, record), record };
        match series.iter_mut().find(|known| known.backend == backend && known.rest == rest) {
            Some(known) => known.points.push(point),
            None => series.push(Series { backend, rest, points: vec![point] }),
        }
    }
    for one in &mut series {
        one.points.sort_by(|left, right| left.x.total_cmp(&right.x));
    }
    series
}

/// The descriptions that all series have in common.
pub fn common<'a>(series: &'a [Series]) -> Vec<&'a String> {
    let first = series.first().map(|series| series.rest.as_slice()).unwrap_or_default();
    first.iter().filter(|part| series.iter().all(|other| other.rest.contains(part))).collect()
}

fn rest(axis: Axis, record: &Record) -> Vec<String> {
    let case = &record.case;
    let seeded = if record.passport.model.seeded { "seeded weights" } else { "" };
    let model = match axis {
        Axis::Model | Axis::Parameters => seeded.to_owned(),
        _ if seeded.is_empty() => one_line(&case.model),
        _ => format!("{} ({seeded})", one_line(&case.model)),
    };
    let emulated = if record.passport.emulated.is_some() { EMULATED } else { "" };
    let cores = record.passport.cores.as_deref().map(|cores| format!("cores {}", one_line(cores)));
    let parts = [
        model,
        if axis == Axis::Precision { String::new() } else { case.precision.name().to_owned() },
        if axis == Axis::Threads { String::new() } else { threads(case.threads) },
        if axis == Axis::Prompt { String::new() } else { one_line(&case.scenario) },
        cores.unwrap_or_default(),
        emulated.to_owned(),
    ];
    parts.into_iter().filter(|part| !part.is_empty()).collect()
}

fn threads(count: u32) -> String {
    format!("{count} {}", if count == 1 { "thread" } else { "threads" })
}

fn label(study: &Study, record: &Record) -> String {
    match study.axis() {
        Axis::Model | Axis::Parameters => one_line(study.label(&record.case.model)),
        Axis::Precision => record.case.precision.name().to_owned(),
        Axis::Threads => threads(record.case.threads),
        Axis::Prompt => prompt(record).to_string(),
    }
}

fn x(study: &Study, record: &Record) -> f64 {
    match study.axis() {
        // Models that the study does not know come after those that it does.
        Axis::Model => study.position(&record.case.model).map_or(f64::MAX, |position| position as f64),
        Axis::Parameters => record.passport.model.parameters as f64,
        Axis::Precision => f64::from(record.case.precision as u8),
        Axis::Threads => f64::from(record.case.threads),
        Axis::Prompt => f64::from(prompt(record)),
    }
}

/// Tokens of the prompt, from the scenario's name: a study's own scenarios have such names.
fn prompt(record: &Record) -> u32 {
    synthetic::prompt_tokens(&record.case.scenario).unwrap_or(0)
}

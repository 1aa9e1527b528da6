//! All precisions and numbers of threads of one scenario and model in one table, a line for each case.

use std::collections::{BTreeMap, BTreeSet};

use pocketwatt_meter::CaseReadings;
use pocketwatt_protocol::Precision;
use pocketwatt_record::{
    CallMetric, Case, EnergyMetric, MetricId, MetricValue, QualityMetric, Record, Run, SpeedMetric,
};

use crate::{
    cases::{CaseGroup, Column, Results, case_names, emulated, group_by, model, threads},
    output::inert::one_line,
    table::{Cell, Footnotes, Found, Row, Subject, Table},
    tables::{energy, gains::GainLines, metrics::estimates, verdict::verdict},
};

/// The most wanted columns come first.
const COLUMNS: &[(MetricId, &str)] = &[
    (MetricId::Speed(SpeedMetric::DecodeThroughput), "decode"),
    (MetricId::Speed(SpeedMetric::PrefillThroughput), "prefill"),
    (MetricId::Speed(SpeedMetric::PeakResidentMemory), "peak memory"),
    (MetricId::Quality(QualityMetric::TokenAgreement), "agreement"),
    (MetricId::Quality(QualityMetric::Perplexity), "perplexity"),
    (MetricId::Speed(SpeedMetric::ModelBandwidthUtilisation), "of bandwidth"),
    (MetricId::Calls(CallMetric::CallIntent), "EM_intent"),
    (MetricId::Calls(CallMetric::CallStructure), "EM_structure"),
    (MetricId::Calls(CallMetric::CallBfcl), "BFCL"),
];
/// Columns that are shown only if a case has a number.
const OPTIONAL: [MetricId; 4] = [
    MetricId::Quality(QualityMetric::Perplexity),
    MetricId::Calls(CallMetric::CallIntent),
    MetricId::Calls(CallMetric::CallStructure),
    MetricId::Calls(CallMetric::CallBfcl),
];
const ENERGY: EnergyMetric = EnergyMetric::EnergyPerOutputToken;

/// A line: a case of the plan, and its record once there is one.
#[derive(Clone, Copy)]
struct Line<'a> {
    case: &'a Case,
    record: Option<&'a Record>,
}

/// What the lines of a grid have in common: scenario and model.
pub type Key<'a> = (&'a str, &'a str);

/// The grid of a case.
pub fn key(case: &Case) -> Key<'_> {
    (&case.scenario, &case.model)
}

/// The same for what is kept for longer than a case.
fn input(case: &Case) -> (String, String) {
    (case.scenario.clone(), case.model.clone())
}

/// The grids of a run that have more than what one group shows.
pub fn spread<'a>(run: &'a Run, results: &'a dyn Results) -> BTreeSet<Key<'a>> {
    let cases = run.plan.iter().map(|planned| &planned.case).chain(results.cases());
    let mut settings: BTreeMap<Key, (Precision, u32)> = BTreeMap::new();
    let mut spread = BTreeSet::new();
    for case in cases {
        let chosen = (case.precision, case.threads);
        if *settings.entry(key(case)).or_insert(chosen) != chosen {
            spread.insert(key(case));
        }
    }
    spread
}

/// The part of a record that its line needs.
pub fn outline(record: &Record) -> Record {
    let told = record.summary(ENERGY).is_some();
    let shown = |value: &MetricValue| value.is(ENERGY) || COLUMNS.iter().any(|(metric, _)| value.is(*metric));
    Record {
        format: record.format,
        case: record.case.clone(),
        passport: record.passport.clone(),
        outcome: record.outcome.clone(),
        samples: record.samples.clone(),
        readings: CaseReadings::default(),
        waits: record.waits.clone(),
        quality: record.quality.clone(),
        unjudged: record.unjudged.clone(),
        calls: record.calls.clone(),
        // They are needed for the reason why there is no number.
        energy: if told { Vec::new() } else { record.energy.clone() },
        metrics: record.metrics.iter().filter(|value| shown(value)).cloned().collect(),
        checks: record.checks.clone(),
    }
}

/// One grid for each scenario and model that was planned in more than one precision or number of threads. Cases that were
/// planned and not reached have a line, too. `gains` are what their settings gain.
pub fn grids(run: &Run, records: &[Record], gains: &GainLines) -> Vec<Table> {
    let planned: BTreeSet<&str> = run.plan.iter().map(|planned| planned.case.id.as_str()).collect();
    let by_id: BTreeMap<&str, &Record> = records.iter().map(|record| (record.case.id.as_str(), record)).collect();
    let unplanned = records.iter().map(|record| &record.case).filter(|case| !planned.contains(case.id.as_str()));
    let cases: Vec<&Case> = run.plan.iter().map(|planned| &planned.case).chain(unplanned).collect();
    let line = |place: usize| {
        let case = cases.get(place).copied()?;
        Some(Line { case, record: by_id.get(case.id.as_str()).copied() })
    };
    let groups = group_by(cases.iter().map(|case| key(case)));
    let groups = groups.into_iter().map(|group| group.into_iter().filter_map(line).collect());
    groups.filter(|lines: &Vec<Line>| is_spread(lines)).map(|lines| grid(&sorted(lines), run, gains)).collect()
}

/// Whether there is more than what one group shows, and something to show at all.
fn is_spread(lines: &[Line]) -> bool {
    let Some((first, others)) = lines.split_first() else { return false };
    let settings = |line: &Line| (line.case.precision, line.case.threads);
    others.iter().any(|line| settings(line) != settings(first)) && lines.iter().any(|line| line.record.is_some())
}

/// By precision, then by backend in the requested order, then by threads.
fn sorted(mut lines: Vec<Line>) -> Vec<Line> {
    let mut backends: Vec<&str> = Vec::new();
    for line in &lines {
        if !backends.contains(&line.case.backend.as_str()) {
            backends.push(&line.case.backend);
        }
    }
    let place = |case: &Case| backends.iter().position(|backend| *backend == case.backend);
    lines.sort_by_key(|line| (line.case.precision, place(line.case), line.case.graph, line.case.threads));
    lines
}

fn grid(lines: &[Line], run: &Run, gains: &GainLines) -> Table {
    let gains = lines.first().and_then(|line| gains.get(&input(line.case))).into_iter().flatten();
    let gains = gains.map(|line| line.text.clone()).collect();
    let labels = labels(&lines.iter().map(|line| line.case).collect::<Vec<_>>());
    let columns = lines.iter().zip(&labels).filter_map(|(line, label)| {
        Some(Column { name: label.split_whitespace().collect::<Vec<_>>().join(" "), record: line.record? })
    });
    let group = CaseGroup { columns: columns.collect() };
    let mut footnotes = Footnotes::default();
    // A case without numbers shows that once, at the beginning of its line.
    let mut outcomes: Vec<Option<Cell>> =
        group.columns.iter().map(|column| verdict(column.record, &column.name, &mut footnotes)).collect();
    let (measured, scope) = measured(&group, run, &mut footnotes);
    let mut reached = 0..group.columns.len();
    let mut rows = Vec::new();
    for (line, label) in lines.iter().zip(labels) {
        let mut cells = vec![Cell::default(); measured.len()];
        let mut outcome = line.record.is_none().then(|| unreached(&mut footnotes));
        if let Some(column) = line.record.and_then(|_| reached.next()) {
            cells = measured.iter().map(|row| row.cells[column].clone()).collect();
            outcome = outcomes[column].take();
        }
        if let Some((first, outcome)) = cells.first_mut().zip(outcome) {
            *first = outcome;
        }
        rows.push(Row { label, unit: "", cells, heading: false });
    }
    Table {
        title: title(lines),
        columns: measured.iter().map(head).collect(),
        rows,
        footnotes: footnotes.texts,
        has_energy: scope.is_some(),
        notes: scope.map(|scope| format!("energy is that of the {scope}, idle power included")).into_iter().collect(),
        verdicts: Vec::new(),
        gains,
        battery: Vec::new(),
    }
}

/// The columns, each as a row of numbers that share a unit; and the scope of the energy, if there is any.
fn measured(group: &CaseGroup, run: &Run, footnotes: &mut Footnotes) -> (Vec<Row>, Option<String>) {
    let has_number = |found: &[Found]| found.iter().flatten().any(Result::is_ok);
    let nothing_compared = group.columns.iter().all(|column| column.record.quality.is_none());
    let mut rows = Vec::new();
    for &(metric, label) in COLUMNS {
        let found = estimates(group, metric);
        let compared = metric == QualityMetric::TokenAgreement.into();
        let optional = OPTIONAL.contains(&metric) || compared && nothing_compared;
        if has_number(&found) || !optional {
            rows.push(row(metric, label, &found, footnotes));
        }
    }
    let energy = energy::preferred(group, ENERGY, run.energy.sysfs_root.is_some());
    let energy = energy.filter(|(_, found)| has_number(found));
    let scope = energy.map(|(scope, found)| {
        rows.push(row(ENERGY.into(), "energy/token", &found, footnotes));
        scope
    });
    (rows, scope)
}

fn row(metric: MetricId, label: &str, found: &[Found], footnotes: &mut Footnotes) -> Row {
    let subject = Subject { label: Some(label), metric: metric.definition(), best: None, at_least: 0.0 };
    Row::of(&subject, found, footnotes)
}

fn head(row: &Row) -> String {
    if row.unit.is_empty() { row.label.clone() } else { format!("{}\n{}", row.label, row.unit) }
}

fn unreached(footnotes: &mut Footnotes) -> Cell {
    let reason = "not measured yet: `--resume` of `pocketwatt run` goes on";
    Cell { footnote: Some(footnotes.number(reason.into())), ..Cell::word("not reached") }
}

/// `int8  candle       2 threads`, in columns.
pub fn labels(cases: &[&Case]) -> Vec<String> {
    let parts: Vec<[String; 3]> = cases
        .iter()
        .zip(case_names(cases))
        .map(|(case, name)| [case.precision.name().to_owned(), name, threads(case.threads)])
        .collect();
    let width = |part: usize| parts.iter().map(|parts| parts[part].chars().count()).max().unwrap_or(0);
    let (precision, backend) = (width(0), width(1));
    parts.iter().map(|[a, b, c]| format!("{a:precision$}  {b:backend$}  {c}")).collect()
}

/// `candle int8, 2 threads`: the backend, and the settings in which these cases differ.
pub fn short_labels(cases: &[&Case]) -> Vec<String> {
    let differs = |of: fn(&Case) -> String| cases.windows(2).any(|pair| of(pair[0]) != of(pair[1]));
    let (precisions, counts) =
        (differs(|case| case.precision.name().to_owned()), differs(|case| case.threads.to_string()));
    cases
        .iter()
        .zip(case_names(cases))
        .map(|(case, name)| {
            let precision = if precisions { format!(" {}", case.precision.name()) } else { String::new() };
            let threads = if counts { format!(", {}", threads(case.threads)) } else { String::new() };
            format!("{name}{precision}{threads}")
        })
        .collect()
}

/// `chat · mobilellm-125m (seeded weights) · every precision and number of threads`.
fn title(lines: &[Line]) -> String {
    let Some(record) = lines.iter().find_map(|line| line.record) else { return String::new() };
    let scenario = one_line(&record.case.scenario);
    format!("{scenario} · {} · every precision and number of threads{}", model(record), emulated(record))
}

#[cfg(test)]
mod tests;

//! One series as a table: its cases side by side, what others published below, each also as a multiple of the first.

use std::collections::BTreeSet;

use pocketwatt_record::{Record, Statistic, Unit};
use pocketwatt_scenario::{Axis, Published, Study};

use crate::{
    cases::{CaseGroup, Column, Point, Series, energy_scope, found_side_by_side},
    facts::scope_name,
    output::quantity::{fixed, significant},
    table::{Cell, Footnotes, Found, Row, Subject, Table, decimals},
    tables::{
        gains::GainLines,
        notes::notes_below,
        user_units::user_units,
        verdict::{put_verdicts, verdict},
    },
};

/// The table of a series. Of the `gains`, it has those between its own cases.
pub fn table(study: &Study, series: &Series, gains: &GainLines) -> Table {
    let mut footnotes = Footnotes::default();
    let points = &series.points;
    let records: Vec<&Record> = points.iter().map(|point| point.record).collect();
    let cases: BTreeSet<&str> = points.iter().map(|point| point.record.case.id.as_str()).collect();
    let verdicts: Vec<Option<Cell>> =
        points.iter().map(|point| verdict(point.record, &point.label, &mut footnotes)).collect();
    let (mut rows, mut has_energy) = (Vec::new(), false);
    for shown in study.shown() {
        let Some(metric) = shown.metric.id() else { continue };
        let found: Vec<Found> = found_side_by_side(&records, metric, Statistic::Median);
        let is_number = found.iter().flatten().any(Result::is_ok);
        has_energy |= is_number && metric.definition().unit == Unit::Joules;
        let subject = Subject { label: None, metric: metric.definition(), best: None, at_least: 0.0 };
        rows.push(Row::of(&subject, &found, &mut footnotes));
        if study.has_ratios() {
            let values: Vec<Option<f64>> =
                found.iter().map(|found| Some(found.as_ref()?.as_ref().ok()?.value)).collect();
            rows.extend(ratios("  times the first", &values));
        }
        if let Some(published) = &shown.published {
            rows.extend(published_rows(study, published, points));
        }
    }
    let mut notes = notes_below(&group(points), &footnotes);
    let scope = energy_scope(&records).filter(|_| has_energy);
    notes.extend(scope.map(|scope| format!("energy is that of the {}", scope_name(scope, false))));
    let mut all = weights(study.axis(), points);
    put_verdicts(&mut rows, verdicts);
    all.extend(rows);
    Table {
        title: format!("{} · {} · {}", study.name(), series.backend, series.rest.join(" · ")),
        columns: points.iter().map(|point| point.label.clone()).collect(),
        has_energy,
        rows: all,
        verdicts: Vec::new(),
        gains: gains.values().flatten().filter(|line| line.is_about(&cases)).map(|line| line.text.clone()).collect(),
        notes,
        footnotes: footnotes.texts,
        battery: if study.is_about_battery() { user_units(&group(points)) } else { Vec::new() },
    }
}

/// The cases of a series as a group, whose columns are named as on the axis.
fn group<'a>(points: &[Point<'a>]) -> CaseGroup<'a> {
    let column = |point: &Point<'a>| Column { name: point.label.clone(), record: point.record };
    CaseGroup { columns: points.iter().map(column).collect() }
}

/// Each number as a multiple of the first; no row if there is no first one, or no other.
fn ratios(label: &str, values: &[Option<f64>]) -> Option<Row> {
    let first = values.first().copied().flatten().filter(|first| *first != 0.0)?;
    let ratios: Vec<Option<f64>> = values.iter().map(|value| Some((*value)? / first)).collect();
    if ratios.iter().flatten().count() < 2 {
        return None;
    }
    // A model fifty times as large decodes at a hundredth of the rate: two decimals would show little of that.
    let decimals = if ratios.iter().flatten().any(|ratio| ratio.abs() < 0.1) { 3 } else { 2 };
    Some(written_row(label, &ratios, |ratio| fixed(ratio, decimals)))
}

/// Published numbers, beside the numbers above them.
fn published_rows(study: &Study, published: &Published, points: &[Point]) -> Vec<Row> {
    let values: Vec<Option<f64>> = points
        .iter()
        .map(|point| {
            let model = &point.record.passport.model;
            match published.per_billion_weights {
                Some(slope) => Some(slope * model.parameters as f64 / 1e9),
                None => published.values.get(study.position(&model.name)?).copied(),
            }
        })
        .collect();
    if values.iter().flatten().next().is_none() {
        return Vec::new();
    }
    // With the published digits; a product has no more than three significant ones.
    let digits = published.values.iter().map(|value| value.to_string().split('.').nth(1).map_or(0, str::len)).max();
    let shown = |value: f64| digits.map_or_else(|| significant(value), |digits| fixed(value, digits));
    let mut rows = vec![written_row(&format!("  {}, {}", published.label, published.unit), &values, shown)];
    if study.has_ratios() {
        rows.extend(ratios(&format!("  {}, times the first", published.label), &values));
    }
    rows
}

/// The sizes of the models, if they differ.
fn weights(axis: Axis, points: &[Point]) -> Vec<Row> {
    let of = |number: fn(&pocketwatt_record::ModelPassport) -> f64| -> Vec<Option<f64>> {
        points.iter().map(|point| Some(number(&point.record.passport.model))).collect()
    };
    let millions = || numbers("weights", "10⁶", &of(|model| model.parameters as f64 / 1e6));
    let mebibytes = || numbers("weights in memory", "MiB", &of(|model| model.weight_bytes as f64 / 1048576.0));
    let cache = || numbers("key-value cache of a token", "KiB", &of(|model| model.kv_bytes_per_token as f64 / 1024.0));
    match axis {
        Axis::Model | Axis::Parameters => vec![millions(), mebibytes(), cache()],
        Axis::Precision => vec![mebibytes()],
        Axis::Threads | Axis::Prompt => Vec::new(),
    }
}

/// A row of numbers with as many decimals as the smallest needs.
fn numbers(label: &str, unit: &'static str, values: &[Option<f64>]) -> Row {
    let decimals = decimals(values.iter().flatten().copied());
    Row { unit, ..written_row(label, values, |value| fixed(value, decimals)) }
}

fn written_row(label: &str, values: &[Option<f64>], shown: impl Fn(f64) -> String) -> Row {
    let cells = values.iter().map(|value| value.map(|value| Cell::number(shown(value))).unwrap_or_default());
    Row { label: label.to_owned(), unit: "", cells: cells.collect(), heading: false }
}

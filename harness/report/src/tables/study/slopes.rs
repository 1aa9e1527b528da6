//! The straight lines through the numbers of a study whose axis has numbers.

use std::iter;

use pocketwatt_record::{Absent, AbsentKind, Estimate, Line, MetricId, Record, Statistic, fit_line};
use pocketwatt_scenario::{Axis, Shown, Study};

use crate::{
    cases::{Series, common, found_side_by_side},
    table::{Cell, Footnotes, Found, Row, Subject, Table, scale},
};

/// The step of the axis that a slope is given for, with its description.
fn step(axis: Axis) -> Option<(f64, &'static str)> {
    match axis {
        Axis::Parameters => Some((1e9, "for 10⁹ more weights")),
        Axis::Prompt => Some((1000.0, "for 1000 more tokens")),
        Axis::Model | Axis::Precision | Axis::Threads => None,
    }
}

/// The slope of each line that the study asks for, a column for each series; `None` if it asks for none.
pub fn table(study: &Study, series: &[Series]) -> Option<Table> {
    let (step, words) = step(study.axis())?;
    let mut footnotes = Footnotes::default();
    let mut rows = Vec::new();
    for shown in study.shown().iter().filter(|shown| shown.line) {
        let metric = shown.metric.id()?;
        rows.extend(slope_rows(metric, shown, series, (step, words), &mut footnotes));
    }
    if rows.is_empty() {
        return None;
    }
    let common = common(series);
    let name = |one: &Series| {
        let rest = one.rest.iter().filter(|part| !common.contains(part));
        iter::once(&one.backend).chain(rest).map(String::as_str).collect::<Vec<_>>().join(", ")
    };
    Some(Table {
        title: format!("{} · slopes by least squares, ± half of their 95 % interval", study.name()),
        columns: series.iter().map(name).collect(),
        rows,
        footnotes: footnotes.texts,
        verdicts: Vec::new(),
        gains: Vec::new(),
        notes: Vec::new(),
        battery: Vec::new(),
        has_energy: false,
    })
}

fn slope_rows(
    metric: MetricId,
    shown: &Shown,
    series: &[Series],
    (step, words): (f64, &str),
    footnotes: &mut Footnotes,
) -> Vec<Row> {
    let lines: Vec<Result<(Line, usize), Absent>> = series.iter().map(|series| line(metric, series)).collect();
    let slope = |line: &(Line, usize)| {
        let value = line.0.slope * step;
        let half = line.0.slope_uncertainty.map(|half| half * step);
        half.map_or(Estimate::between(value, None), |half| Estimate::plus_minus(value, half))
    };
    let found: Vec<Found> = lines.iter().map(|line| Some(line.as_ref().map(slope).map_err(Clone::clone))).collect();
    let at_least = lines.iter().flatten().map(|line| line.0.intercept.abs()).fold(0.0, f64::max);
    let definition = metric.definition();
    let label = format!("{} {words}", definition.label);
    let mut row =
        Row::of(&Subject { label: Some(&label), metric: definition, best: None, at_least }, &found, footnotes);
    for (cell, line) in row.cells.iter_mut().zip(&lines) {
        if let Ok((Line { slope_uncertainty: None, .. }, points)) = line {
            cell.footnote = Some(footnotes.number(format!("a line through {points} points has no interval")));
        }
    }
    let intercepts: Vec<Found> =
        lines.iter().map(|line| line.as_ref().ok().map(|line| Ok(Estimate::between(line.0.intercept, None)))).collect();
    let mut rows = vec![row];
    if intercepts.iter().any(Option::is_some) {
        let largest = found.iter().flatten().flatten().map(|estimate| estimate.value.abs()).fold(0.0, f64::max);
        let subject =
            Subject { label: Some("  where the line begins, at 0"), metric: definition, best: None, at_least: largest };
        rows.push(Row::of(&subject, &intercepts, footnotes));
    }
    if let Some((published, slope)) =
        shown.published.as_ref().and_then(|published| Some((published, published.per_billion_weights?)))
    {
        // In the unit of the row above, if there is one.
        let factor = scale(definition.unit, largest_of(&found).max(at_least)).factor;
        let (value, unit) = if rows[0].unit.is_empty() {
            (slope, published.unit.clone())
        } else {
            (slope * factor, rows[0].unit.to_owned())
        };
        let cell = || Cell::number(format!("{value}"));
        let label = format!("  {}, {unit}", published.label);
        rows.push(Row { label, unit: "", cells: series.iter().map(|_| cell()).collect(), heading: false });
    }
    rows
}

fn largest_of(found: &[Found]) -> f64 {
    found.iter().flatten().flatten().map(|estimate| estimate.value.abs()).fold(0.0, f64::max)
}

/// The line through the medians of a series, with the number of points.
fn line(metric: MetricId, series: &Series) -> Result<(Line, usize), Absent> {
    let mut missing = None;
    let records: Vec<&Record> = series.points.iter().map(|point| point.record).collect();
    let points: Vec<(f64, f64)> = series
        .points
        .iter()
        .zip(found_side_by_side(&records, metric, Statistic::Median))
        .filter_map(|(point, found)| Some((point.x, found?)))
        .filter_map(|(x, found)| match found {
            Ok(estimate) => Some((x, estimate.value)),
            Err(absent) => {
                missing = Some(absent);
                None
            }
        })
        .collect();
    let too_few = || {
        let words = format!("a line needs two points, there is {}", points.len());
        missing.unwrap_or_else(|| Absent::new(AbsentKind::NoObservations, words))
    };
    fit_line(&points).map(|line| (line, points.len())).ok_or_else(too_few)
}

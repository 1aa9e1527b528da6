//! A table of every case of a run, to sort and to filter: what people compare first, in a line.

use std::collections::BTreeSet;

use maud::{Markup, html};
use pocketwatt_record::{
    AbsentKind, CallMetric, Case, Direction, EnergyMetric, MetricId, Outcome, QualityMetric, Record, Run, SpeedMetric,
    Statistic, estimate,
};

use crate::{
    cases::{case_names, shortcoming},
    pages::{
        document::scrolling,
        foreign::{Foreign, name},
        report::case::{anchor, exact_words, record_address},
        tables::content,
    },
    table::{Cell, Footnotes, Found, Row, Subject},
};

const COLUMNS: [MetricId; 11] = [
    MetricId::Speed(SpeedMetric::DecodeThroughput),
    MetricId::Speed(SpeedMetric::TimeToFirstToken),
    MetricId::Speed(SpeedMetric::PrefillThroughput),
    MetricId::Speed(SpeedMetric::RequestLatency),
    MetricId::Speed(SpeedMetric::LoadTime),
    MetricId::Speed(SpeedMetric::PeakResidentMemory),
    MetricId::Energy(EnergyMetric::EnergyPerOutputToken),
    MetricId::Energy(EnergyMetric::EnergyPerRequest),
    MetricId::Quality(QualityMetric::KlDivergence),
    MetricId::Quality(QualityMetric::TokenAgreement),
    MetricId::Calls(CallMetric::CallIntent),
];

/// A metric of every case.
struct NumberColumn {
    metric: MetricId,
    found: Vec<Found>,
    row: Row,
}

/// What has a column because cases differ in it.
#[derive(Clone, Copy)]
struct Several {
    scenarios: bool,
    models: bool,
}

/// The table of the `number`th run of a report, with its filters.
pub fn every_case(run: &Run, records: &[Record], address: Option<&str>, number: usize) -> Markup {
    let mut footnotes = Footnotes::default();
    let columns: Vec<NumberColumn> =
        COLUMNS.iter().filter_map(|&metric| number_column(records, metric, &mut footnotes)).collect();
    let table_id = format!("every-case-{number}");
    let cases: Vec<&Case> = records.iter().map(|record| &record.case).collect();
    let names = case_names(&cases);
    let several = Several {
        scenarios: cases.iter().any(|case| case.scenario != cases[0].scenario),
        models: cases.iter().any(|case| case.model != cases[0].model),
    };
    let table = html! {
        table.data id=(table_id) data-about=(Foreign(&about(run, &cases))) {
            thead {
                tr {
                    th scope="col" { button type="button" { "case" } }
                    @if several.scenarios { th.text scope="col" { button type="button" { "scenario" } } }
                    @if several.models { th.text scope="col" { button type="button" { "model" } } }
                    @for column in &columns { (head(column)) }
                    td {}
                }
            }
            tbody {
                @for (place, record) in records.iter().enumerate() {
                    @let link = anchor(number, place).map(|anchor| format!("#{anchor}"));
                    @let link = link.or_else(|| address.map(|address| record_address(address, record)));
                    (line(record, names.get(place).map_or("", String::as_str), place, &columns, link.as_deref(), several))
                }
            }
        }
    };
    html! {
        (filters(records, &names, &table_id))
        (scrolling("Every case", &table))
        @if !footnotes.texts.is_empty() {
            ol.notes { @for footnote in &footnotes.texts { li { (Foreign(footnote)) } } }
        }
        @if let Some(address) = address {
            p.pale { "The records are in " a href=(format!("{address}cases/")) { "cases/" } " beside " a href=(format!("{address}run.json")) { "run.json" } "." }
        }
    }
}

/// Where a row is from, which a copy of it does not say itself.
fn about(run: &Run, cases: &[&Case]) -> String {
    let models: BTreeSet<&str> = cases.iter().map(|case| case.model.as_str()).collect();
    let models: Vec<&str> = models.into_iter().collect();
    format!("Run {} on {}, with {}", run.id, run.device.name, models.join(", "))
}

/// A column that has a number.
fn number_column(records: &[Record], metric: MetricId, footnotes: &mut Footnotes) -> Option<NumberColumn> {
    let found: Vec<Found> = records
        .iter()
        .map(|record| (record.outcome == Outcome::Measured).then(|| estimate(record, metric, Statistic::Median)))
        .collect();
    if !found.iter().flatten().any(Result::is_ok) {
        return None;
    }
    let subject = Subject { label: None, metric: metric.definition(), best: None, at_least: 0.0 };
    let row = Row::of(&subject, &found, footnotes);
    Some(NumberColumn { metric, found, row })
}

/// Sorting begins with the best.
fn head(column: &NumberColumn) -> Markup {
    let definition = column.metric.definition();
    let first = match definition.direction {
        Direction::HigherIsBetter => "descending",
        Direction::LowerIsBetter | Direction::Informative => "ascending",
    };
    html! {
        th scope="col" data-first=(first) {
            button type="button" { (definition.full_label()) @if !column.row.unit.is_empty() { small { ", " (column.row.unit) } } }
        }
    }
}

fn line(
    record: &Record,
    called: &str,
    place: usize,
    columns: &[NumberColumn],
    link: Option<&str>,
    several: Several,
) -> Markup {
    let case = &record.case;
    let precision = case.precision.name();
    html! {
        tr data-scenario=(Foreign(&case.scenario)) data-model=(Foreign(&case.model)) data-backend=(Foreign(called))
            data-precision=(precision) data-threads=(case.threads) {
            th scope="row" {
                a href=[link] { (name(called)) " " (precision) ", " (case.threads) " t" }
            }
            @if several.scenarios { td.text { (name(&case.scenario)) } }
            @if several.models { td.text { (name(&case.model)) } }
            @if let Some((word, reason)) = shortcoming(&record.outcome) {
                td.text colspan=(columns.len()) { span.alarm { (word) } (Foreign(&reason)) }
            } @else {
                @for column in columns { (cell(column, record, place)) }
            }
            td { button.copy type="button" aria-label=(format!("Copy the row of {called} {precision} as Markdown")) { "copy" } }
        }
    }
}

fn cell(column: &NumberColumn, record: &Record, place: usize) -> Markup {
    let empty = Cell::default();
    let cell = column.row.cells.get(place).unwrap_or(&empty);
    match column.found.get(place) {
        Some(Some(Ok(estimate))) => html! {
            td.number data-value=(estimate.value) data-tip=(exact_words(record, column.metric, estimate)) { (content(cell)) }
        },
        // What others are compared with differs from itself by nothing, and agrees with itself.
        Some(Some(Err(absent))) if absent.kind == AbsentKind::IsReference => {
            let best = u8::from(column.metric.definition().direction == Direction::HigherIsBetter);
            html! { td.number data-value=(best) { (content(cell)) } }
        }
        _ => html! { td.number { (content(cell)) } },
    }
}

/// A choice for each setting in which cases differ, and a search.
fn filters(records: &[Record], names: &[String], table_id: &str) -> Markup {
    let choices: [(&str, Vec<String>); 5] = [
        ("scenario", records.iter().map(|record| record.case.scenario.clone()).collect()),
        ("model", records.iter().map(|record| record.case.model.clone()).collect()),
        ("backend", names.to_vec()),
        ("precision", records.iter().map(|record| record.case.precision.name().to_owned()).collect()),
        ("threads", records.iter().map(|record| record.case.threads.to_string()).collect()),
    ];
    html! {
        form.filters data-table=(table_id) {
            @for (what, values) in &choices {
                @let distinct: BTreeSet<&str> = values.iter().map(String::as_str).collect();
                @if distinct.len() > 1 {
                    label {
                        (what)
                        select name=(what) {
                            option value="" { "all" }
                            @for value in distinct { option value=(Foreign(value)) { (name(value)) } }
                        }
                    }
                }
            }
            label { "search " input type="search" name="text" size="12"; }
            output aria-live="polite" {}
        }
    }
}

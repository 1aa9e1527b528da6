//! A table of every case of a run, to sort and to filter: what people compare first, in a line.

use std::collections::BTreeSet;

use maud::{Markup, html};
use pocketwatt_record::{AbsentKind, Case, Direction, MetricId, MetricScope, Record, Run};

use crate::{
    cases::{case_names, common_scope, shortcoming},
    facts::scope_name,
    output::inert::one_line,
    pages::{
        document::scrolling,
        foreign::{Foreign, name},
        report::{
            case::{anchor, record_address},
            columns::{COLUMNS, OwnNumber, in_scope},
            shown::ShownCase,
        },
        tables::content,
    },
    table::{Cell, Footnotes, Found, Row, Subject},
};

/// A metric of every case.
struct NumberColumn {
    metric: MetricId,
    /// One for each case.
    numbers: Vec<OwnNumber>,
    row: Row,
    /// What nobody may overlook who sorts by it.
    footnote: Option<usize>,
    /// Of energy, the scope that all of its numbers are of.
    scope: Option<MetricScope>,
}

/// What has a column because cases differ in it.
#[derive(Clone, Copy)]
struct Several {
    scenarios: bool,
    models: bool,
}

/// The table of the `number`th run of a report, with its filters.
pub fn every_case(run: &Run, shown: &[ShownCase], address: Option<&str>, number: usize) -> Markup {
    let mut footnotes = Footnotes::default();
    let columns: Vec<NumberColumn> =
        (0..COLUMNS.len()).filter_map(|column| number_column(shown, column, &mut footnotes)).collect();
    let records: Vec<&Record> = shown.iter().map(|case| &case.record).collect();
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
                @for (place, case) in shown.iter().enumerate() {
                    @let link = anchor(number, case.place).map(|anchor| format!("#{anchor}"));
                    @let link = link.or_else(|| address.map(|address| record_address(address, &case.record)));
                    (line(case, names.get(place).map_or("", String::as_str), place, &columns, link.as_deref(), several))
                }
            }
        }
    };
    html! {
        (filters(&records, &names, &table_id))
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

/// A column that has a number. Of energy, all of its numbers are of one scope.
fn number_column(shown: &[ShownCase], column: usize, footnotes: &mut Footnotes) -> Option<NumberColumn> {
    let metric = *COLUMNS.get(column)?;
    let records: Vec<&Record> = shown.iter().map(|case| &case.record).collect();
    let scope = common_scope(&records, metric);
    let numbers: Vec<OwnNumber> = shown
        .iter()
        .filter_map(|case| Some(in_scope(&case.record, metric, case.numbers.get(column)?, scope)))
        .collect();
    let found: Vec<Found> = numbers.iter().map(|number| number.found.clone()).collect();
    if !found.iter().flatten().any(Result::is_ok) {
        return None;
    }
    let subject = Subject { label: None, metric: metric.definition(), best: None, at_least: 0.0 };
    let row = Row::of(&subject, &found, footnotes);
    let footnote = unlike(shown).filter(|_| metric.grows_with_answers()).map(|words| footnotes.number(words));
    Some(NumberColumn { metric, numbers, row, footnote, scope: scope.cloned() })
}

/// Where whole requests were not the same work.
fn unlike(shown: &[ShownCase]) -> Option<String> {
    let cases = shown.iter().filter(|case| !case.is_same_work).map(|case| &case.record.case);
    let unlike: BTreeSet<String> =
        cases.map(|case| format!("{} · {}", one_line(&case.scenario), one_line(&case.model))).collect();
    let all = unlike.into_iter().collect::<Vec<_>>().join(", ");
    (!all.is_empty())
        .then(|| format!("the answers of {all} differ in length: a whole request is not the same work in each case"))
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
            button type="button" { (definition.full_label()) (of_scope(column)) @if !column.row.unit.is_empty() { small { ", " (column.row.unit) } }
                @if let Some(number) = column.footnote { sup { "[" (number) "]" } } }
        }
    }
}

/// ` of the package (powercap)`.
fn of_scope(column: &NumberColumn) -> Markup {
    html! { @if let Some(scope) = &column.scope { small { " of the " (Foreign(&scope_name(scope, false))) } } }
}

fn line(
    shown: &ShownCase,
    called: &str,
    place: usize,
    columns: &[NumberColumn],
    link: Option<&str>,
    several: Several,
) -> Markup {
    let record = &shown.record;
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
                @for column in columns { (cell(column, place)) }
            }
            td { button.copy type="button" aria-label=(format!("Copy the row of {called} {precision} as Markdown")) { "copy" } }
        }
    }
}

fn cell(column: &NumberColumn, place: usize) -> Markup {
    let empty = Cell::default();
    let cell = column.row.cells.get(place).unwrap_or(&empty);
    match column.numbers.get(place) {
        Some(OwnNumber { found: Some(Ok(estimate)), tip }) => html! {
            td.number data-value=(estimate.value) data-tip=(tip) { (content(cell)) }
        },
        // What others are compared with differs from itself by nothing, and agrees with itself.
        Some(OwnNumber { found: Some(Err(absent)), .. }) if absent.kind == AbsentKind::IsReference => {
            let best = u8::from(column.metric.definition().direction == Direction::HigherIsBetter);
            html! { td.number data-value=(best) { (content(cell)) } }
        }
        _ => html! { td.number { (content(cell)) } },
    }
}

/// A choice for each setting in which cases differ, and a search.
fn filters(records: &[&Record], names: &[String], table_id: &str) -> Markup {
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

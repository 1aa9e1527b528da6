//! Everything about one run.

use std::collections::HashSet;

use maud::{Markup, html};
use pocketwatt_record::{MetricId, Run};

use crate::{
    cases::{each_group, study_of},
    charts::{self, Palette},
    facts::{Seen, facts, imitations, legend, short_device},
    output::date::minute,
    pages::{
        foreign::{Foreign, name},
        picture::picture,
        report::{
            every_case::every_case,
            reported::ReportedRun,
            shown::{Shown, ShownCase},
        },
        tables,
    },
    table::Table,
    tables::{each_table, turn_table},
};

/// The section of a run, which is the `number`th of its report, perhaps `among_several`. Adds the metrics that it has to `metrics`.
///
/// # Errors
/// When a record cannot be read or a chart cannot be drawn.
pub fn section(
    reported: &ReportedRun<'_>,
    palette: &Palette,
    number: usize,
    among_several: bool,
    metrics: &mut HashSet<MetricId>,
) -> anyhow::Result<Markup> {
    let ReportedRun { run, results, .. } = reported;
    let Shown { cards, cases } = Shown::of(reported, number)?;
    let values = cases.iter().flat_map(|case| &case.record.metrics);
    metrics.extend(values.filter_map(|value| value.metric.id()));
    let (tables, seen) = side_by_side(reported)?;
    let charts = charts::all(run, *results, palette)?;
    let facts = facts(run, &seen, &results.damaged());
    let id = |part: &str| format!("{part}-{number}");
    Ok(html! {
        section id=(id("run")) {
            // The title of a report of one run says it already.
            @if among_several { h2 { (Foreign(&short_device(run))) } }
            (about(run))
            (warnings(run, &cases, results.damaged().len()))
            (answers(run, &cards))
            nav aria-label=(format!("Parts of run {number}")) {
                ul {
                    li { a href=(format!("#{}", id("cases"))) { "Every case" } }
                    @if !charts.is_empty() { li { a href=(format!("#{}", id("charts"))) { "Charts" } } }
                    li { a href=(format!("#{}", id("tables"))) { "Backends side by side" } }
                    li { a href=(format!("#{}", id("numbers"))) { "All numbers" } }
                    li { a href=(format!("#{}", id("facts"))) { "Where the numbers come from" } }
                    li { a href="#formulas" { "Formulas" } }
                }
            }
            section id=(id("cases")) {
                h2 { "Every case" }
                (every_case(run, &cases, reported.address.as_deref(), number))
            }
            @if !charts.is_empty() {
                section id=(id("charts")) {
                    h2 { "Charts" }
                    @for chart in &charts { (picture(chart)) }
                }
            }
            section id=(id("tables")) {
                h2 { "Backends side by side" }
                @for table in &tables { (tables::table(table)) }
                p.pale { (legend(tables.iter().any(|table| table.has_energy), tables.iter().any(Table::has_shares))) }
            }
            section id=(id("numbers")) {
                h2 { "All numbers" }
                @for part in cases.iter().filter_map(|case| case.part.as_ref()) { (part) }
                @let left_out = cases.iter().filter(|case| case.part.is_none()).count();
                @if left_out > 0 { p { "The numbers of " (left_out) " cases more are in their records." } }
            }
            section id=(id("facts")) {
                h2 { "Where the numbers come from" }
                dl { @for (what, fact) in &facts { dt { (what) } dd { (Foreign(fact)) } } }
            }
        }
    })
}

fn about(run: &Run) -> Markup {
    let models: Vec<&str> = distinct(run.plan.iter().map(|planned| planned.case.model.as_str()));
    let backends: Vec<&str> = distinct(run.plan.iter().map(|planned| planned.case.backend.as_str()));
    html! {
        p.pale {
            "Run " (name(&run.id)) " of " (minute(run.started_unix_ms)) " on " (name(&run.device.name)) ": "
            @for (place, backend) in backends.iter().enumerate() { @if place > 0 { ", " } (name(backend)) }
            " with "
            @for (place, model) in models.iter().enumerate() { @if place > 0 { ", " } (name(model)) }
            ", " (run.plan.len()) @if run.plan.len() == 1 { " case." } @else { " cases." }
        }
    }
}

fn distinct<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut known = HashSet::new();
    texts.filter(|text| known.insert(*text)).collect()
}

/// What nobody may overlook who reads the numbers.
fn warnings(run: &Run, cases: &[ShownCase], damaged: usize) -> Markup {
    let records = || cases.iter().map(|case| &case.record);
    let is_emulated = records().any(|record| record.passport.emulated.is_some());
    let has_seeded = records().any(|record| record.passport.model.seeded);
    let unreached = run.plan.len().saturating_sub(cases.len());
    html! {
        @if unreached > 0 { p.warning { (unreached) " of " (run.plan.len()) " planned cases have no record here" @if damaged > 0 { ", " (damaged) " files among the records cannot be read" } ": what stands here is about the rest." } }
        @else if damaged > 0 { p.warning { (damaged) " files among the records cannot be read; they are listed at the end." } }
        @for imitation in imitations(run, is_emulated) { p.warning { (imitation) } }
        @if has_seeded { p.pale { "Seeded weights: made up, with the shape of the real ones. Times, memory and energy are those of the real model; answers and quality are not." } }
    }
}

/// The cards; for a study its question alone, because its cases are points of one axis.
fn answers(run: &Run, cards: &[Markup]) -> Markup {
    match study_of(run) {
        Some(study) => {
            html! { section.card { h2 { (Foreign(study.name())) } p.answer { (Foreign(study.question())) } } }
        }
        None => html! { @for card in cards { (card) } },
    }
}

/// The tables of `show`, turns included, and what was seen on the way.
fn side_by_side(reported: &ReportedRun<'_>) -> anyhow::Result<(Vec<Table>, Seen)> {
    let ReportedRun { run, results, .. } = reported;
    let (mut tables, mut seen) = (Vec::new(), Seen::default());
    each_table(run, *results, &mut seen, |table| {
        tables.push(table.inert());
        Ok(())
    })?;
    each_group(*results, |group, part| {
        tables.extend(
            turn_table(group, run.energy.sysfs_root.is_some())
                .map(|table| Table { title: table.title.clone() + part, ..table }),
        );
        Ok(())
    })?;
    Ok((tables, seen))
}

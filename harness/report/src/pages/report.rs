//! The report of stored runs: which backend to choose, what it costs, and how sure that is.

mod card;
mod case;
mod columns;
mod every_case;
mod formulas;
mod reported;
mod run;
mod shown;

use std::collections::HashSet;

use maud::{Markup, html};

pub use self::reported::ReportedRun;
use crate::{
    charts::Palette,
    facts::short_device,
    pages::{
        document::Document,
        foreign::{Foreign, name},
        tables,
    },
    tables::{OnDevice, device_tables, on_device},
};

/// A page about runs. It holds everything that it needs.
///
/// # Errors
/// When a record cannot be read or a chart cannot be drawn.
pub fn report(runs: &[ReportedRun<'_>], palette: &Palette) -> anyhow::Result<String> {
    let (mut sections, mut metrics) = (Vec::new(), HashSet::new());
    for (place, reported) in runs.iter().enumerate() {
        sections.push(run::section(reported, palette, place + 1, runs.len() > 1, &mut metrics)?);
    }
    let title = title(runs);
    let body = html! {
        h1 { (Foreign(&title)) }
        @if runs.len() > 1 { (together(runs)) }
        @for section in sections { (section) }
        (formulas::formulas(&metrics))
    };
    Ok(Document { title: &title, body }.write())
}

fn title(runs: &[ReportedRun<'_>]) -> String {
    match runs {
        [one] => format!("Which backend on {}?", short_device(one.run)),
        several => format!("Which backend on which of {} runs?", several.len()),
    }
}

/// What several runs have in common, and links to each.
fn together(runs: &[ReportedRun<'_>]) -> Markup {
    let of = |reported: &ReportedRun<'_>| on_device(&reported.run.device.name, reported.results);
    let records: Vec<OnDevice> = runs.iter().flat_map(of).collect();
    let shared = device_tables(&records);
    html! {
        nav aria-label="Runs" {
            ul {
                @for (place, reported) in runs.iter().enumerate() {
                    li { a href=(format!("#run-{}", place + 1)) { (name(&reported.run.device.name)) ", " (name(&reported.run.id)) } }
                }
            }
        }
        @if !shared.is_empty() {
            h2 { "Devices side by side" }
            @for table in &shared { (tables::table(table)) }
        }
    }
}

//! The page of a case: the course of each of its metrics.

use maud::{Markup, html};
use pocketwatt_history::Course;

use crate::{
    charts::Palette,
    pages::{
        dashboard::{
            changes::{self, Row},
            chart::chart,
            events::of_case,
            view::{CaseView, MAIN, Wishes, commit_link, day, imitations, navigation},
            watched::watched,
        },
        document::scrolling,
        foreign::{Foreign, name},
    },
};

/// Segments, and runs without numbers, that are listed.
const MOST_LISTED: usize = 20;

/// Its body.
pub fn case(view: &CaseView<'_>, palette: &Palette, wishes: Wishes<'_>) -> Markup {
    let case = &view.case;
    let colour = colour(palette, &case.subject.backend);
    let is_main = |course: &&Course<'_>| MAIN.contains(&course.metric);
    let (main, more): (Vec<_>, Vec<_>) = case.courses.iter().partition(is_main);
    html! {
        h1 { (name(&view.title())) }
        (navigation("../"))
        p.pale { "On " (name(case.device)) ", branch " (name(case.branch)) ": " (case.runs.len()) " runs. Points are runs with their 95 % intervals; levels are medians; changes are marked with their size. An arrow at an interval says that it goes on beyond the chart." }
        (imitations(case.runs.iter().map(|(outline, _)| *outline)))
        @if case.segments.len() > 1 { h2 { "Segments" } (segments(view, wishes)) }
        h2 { "What changed" }
        (watched(&[view]))
        (changes::table(&Row::all(of_case(view), std::iter::once(view)), "../", wishes, "changes"))
        @if !view.without_numbers.runs.is_empty() { h2 { "Runs without numbers" } (without_numbers(view, wishes)) }
        h2 { "Courses" }
        @for course in main { (chart(view, course, &colour)) }
        @if !more.is_empty() {
            details.printed open[case.courses.len() == more.len()] {
                summary { (more.len()) " more metrics" }
                @for course in more { (chart(view, course, &colour)) }
            }
        }
    }
}

/// The colour of a backend, as in all charts.
fn colour(palette: &Palette, backend: &str) -> String {
    let ink = palette.inks(&[backend.to_owned()]).of(0);
    format!("#{:02X}{:02X}{:02X}", ink.0, ink.1, ink.2)
}

fn without_numbers(view: &CaseView<'_>, wishes: Wishes<'_>) -> Markup {
    let runs = &view.without_numbers.runs;
    html! {
        ul.notes {
            @for run in runs.iter().rev().take(MOST_LISTED) {
                li { (day(run.outline.time_unix_ms)) " " (commit_link(run.outline, "../", wishes)) ": " (name(run.reason)) }
            }
        }
        @if runs.len() > MOST_LISTED { p.pale { "The newest " (MOST_LISTED) " of " (runs.len()) "." } }
    }
}

/// What began new segments: no change is reported across these.
fn segments(view: &CaseView<'_>, wishes: Wishes<'_>) -> Markup {
    let more = (view.case.segments.len() - 1).saturating_sub(MOST_LISTED);
    let table = html! {
        table.verdicts {
            thead { tr { th scope="col" { "since" } th scope="col" { "what is new" } th scope="col" { "before" } th scope="col" { "after" } } }
            tbody {
                @for segment in view.case.segments.iter().skip(1).rev().take(MOST_LISTED) {
                    @if let Some((outline, _)) = view.case.runs.get(segment.first) {
                        @for (condition, before, after) in &segment.new {
                            tr {
                                th scope="row" { (commit_link(outline, "../", wishes)) " " small { (day(outline.time_unix_ms)) } }
                                td data-label="new" { (condition.name()) }
                                td data-label="before" { (Foreign(before)) }
                                td data-label="after" { (Foreign(after)) }
                            }
                        }
                    }
                }
            }
        }
    };
    html! {
        p.pale { "Where the engine, the runner, the device or what is measured is another one, a new segment begins: differences across that place are no changes of the code." }
        (scrolling("Segments", &table))
        @if more > 0 { p.pale { "The newest " (MOST_LISTED) " of " (MOST_LISTED + more) "." } }
    }
}

//! Where a change could be found at all: "nothing changed" means little where it could not.

use std::collections::BTreeMap;

use maud::{Markup, html};
use pocketwatt_history::Condition;
use pocketwatt_record::{LEAST_VALUES, RankSums, could_be_found};

use crate::pages::dashboard::view::{CaseView, plural};

/// Whether a change of a metric at the newest runs of a case can be found, now or soon.
pub fn is_watched(view: &CaseView<'_>) -> bool {
    let first = view.case.segments.last().map_or(0, |segment| segment.first);
    let values = view
        .case
        .courses
        .iter()
        .map(|course| course.points.len() - course.points.partition_point(|point| point.run < first));
    values.max().unwrap_or(0) >= LEAST_VALUES
}

/// Whether conditions are new so often that segments stay too short.
fn is_cut_up(view: &CaseView<'_>) -> bool {
    let (runs, segments) = (view.case.runs.len(), view.case.segments.len());
    runs >= LEAST_VALUES && segments > 2 && runs / segments < LEAST_VALUES
}

/// In how many cases a change can be found, and why not in the others.
pub fn watched(views: &[&CaseView<'_>]) -> Markup {
    let blind = views.iter().filter(|view| !is_watched(view)).count();
    let cut_up: Vec<&&CaseView<'_>> = views.iter().filter(|view| is_cut_up(view)).collect();
    let mut conditions: BTreeMap<Condition, usize> = BTreeMap::new();
    for (condition, ..) in cut_up.iter().flat_map(|view| &view.case.segments).flat_map(|segment| &segment.new) {
        *conditions.entry(*condition).or_default() += 1;
    }
    let most = conditions.iter().max_by_key(|(_, count)| **count).map(|(condition, _)| condition.name());
    html! {
        @if blind > 0 {
            p.warning {
                @if views.len() > 1 { "In " (blind) " of " (views.len()) " cases, no" } @else { "No" }
                " change of the newest runs can be found yet: "
                "that takes " (LEAST_VALUES) " runs under the same conditions."
            }
        }
        @if !cut_up.is_empty() {
            p.warning {
                @if views.len() > 1 { "In " (plural(cut_up.len(), "case")) ", the" } @else { "The" }
                " conditions are new so often that fewer than " (LEAST_VALUES) " runs are alike on average"
                @if let Some(most) = most { ": most often it is a new " (most) }
                ". Changes there stay unseen, however large they are. Measure on one machine, or give each a name of its own."
            }
        }
    }
}

/// In how many cases a change at a run, which is given by its place, could not be found.
pub fn blind_at(places: &[(&CaseView<'_>, usize)], sums: &mut RankSums) -> Markup {
    let mut could_be = |view: &CaseView<'_>, run: usize| {
        let segments = &view.case.segments;
        let next = segments.partition_point(|segment| segment.first <= run);
        let first = next.checked_sub(1).and_then(|place| segments.get(place)).map_or(0, |segment| segment.first);
        let end = segments.get(next).map_or(view.case.runs.len(), |segment| segment.first);
        could_be_found(run - first, end - run, sums)
    };
    let blind = places.iter().filter(|(view, run)| !could_be(view, *run)).count();
    html! {
        @if blind > 0 {
            p.warning {
                @if places.len() > 1 { "In " (blind) " of " (places.len()) " runs, a" } @else { "A" }
                " change at this commit could not be seen yet: there are too few runs under the same conditions before or since."
            }
        }
    }
}

//! The page of a commit: what was measured, and what changed with it.

use std::collections::BTreeMap;

use maud::{Markup, html};
use pocketwatt_history::{Commit, Outline};
use pocketwatt_record::RankSums;

use crate::{
    output::date,
    pages::{
        dashboard::{
            changes::{Row, table},
            events::events_by_run,
            numbers::value,
            view::{CaseView, MAIN, Wishes, commit_link, imitations, navigation, outside, scope_below},
            watched::blind_at,
        },
        document::scrolling,
        foreign::{Foreign, name},
    },
};

/// What a history has of a commit.
pub struct CommitView<'a, 'b> {
    /// Its newest run.
    pub outline: &'a Outline,
    /// Its place in each case that it was measured in.
    pub cases: Vec<(&'b CaseView<'a>, usize)>,
    /// What changed with it.
    pub changes: Vec<Row<'a, 'b>>,
    /// The commits measured before and after it, on any branch.
    pub neighbours: [Option<&'a Outline>; 2],
    /// Why cases have no numbers.
    pub unmeasured: Vec<(&'a str, &'a str)>,
}

/// Every commit, the oldest first.
pub fn commits<'a, 'b>(outlines: &[&'a Outline], views: &'b [CaseView<'a>]) -> Vec<CommitView<'a, 'b>> {
    let mut places: BTreeMap<&Commit, usize> = BTreeMap::new();
    let mut all: Vec<CommitView<'a, 'b>> = Vec::new();
    for outline in outlines {
        let place = *places.entry(&outline.commit).or_insert_with(|| {
            all.push(CommitView {
                outline,
                cases: Vec::new(),
                changes: Vec::new(),
                neighbours: [None; 2],
                unmeasured: Vec::new(),
            });
            all.len() - 1
        });
        let unmeasured = outline.cases.iter().filter_map(|case| Some((case.id.as_str(), case.unmeasured.as_deref()?)));
        if let Some(commit) = all.get_mut(place) {
            commit.unmeasured.extend(unmeasured);
        }
    }
    for view in views {
        for (run, (outline, _)) in view.case.runs.iter().enumerate() {
            if let Some(commit) = places.get(&outline.commit).and_then(|place| all.get_mut(*place)) {
                commit.cases.push((view, run));
            }
        }
    }
    for row in Row::all(events_by_run(views), views.iter()) {
        let first = row.first().map(|outline| &outline.commit);
        if let Some(commit) = first.and_then(|commit| places.get(commit)).and_then(|place| all.get_mut(*place)) {
            commit.changes.push(row);
        }
    }
    let order: Vec<&'a Outline> = all.iter().map(|commit| commit.outline).collect();
    for (place, commit) in all.iter_mut().enumerate() {
        commit.neighbours =
            [place.checked_sub(1).and_then(|before| order.get(before)).copied(), order.get(place + 1).copied()];
    }
    all
}

/// Its body. `sums` is the same for all commits, because it keeps what was computed once.
pub fn commit(view: &CommitView<'_, '_>, wishes: Wishes<'_>, sums: &mut RankSums) -> Markup {
    let outline = view.outline;
    let [before, after] = view.neighbours;
    html! {
        h1 { "Commit " code { (outline.commit.short()) } }
        (navigation("../"))
        dl {
            dt { "commit" } dd { code { (outline.commit) } @if let Some(outside) = outside(&outline.commit, wishes) { " " a href=(outside) rel="noreferrer" { "in its repository ↗" } } }
            @if let Some(message) = &outline.message { dt { "message" } dd { (name(message)) } }
            dt { "made" } dd { (date::minute(outline.time_unix_ms)) }
            dt { "branch" } dd { (name(&outline.branch)) }
            @if let Some(before) = before { dt { "measured before" } dd { (commit_link(before, "../", wishes)) " " a href=(compare(before, outline)) { "compare with this one" } } }
            @if let Some(after) = after { dt { "measured after" } dd { (commit_link(after, "../", wishes)) " " a href=(compare(outline, after)) { "compare with this one" } } }
        }
        (imitations(view.cases.iter().filter_map(|(case, run)| Some(case.case.runs.get(*run)?.0))))
        h2 { "What changed with it" }
        (blind_at(&view.cases, sums))
        (table(&view.changes, "../", wishes, "changes"))
        h2 { "What was measured" }
        (cases(view))
        @if !view.unmeasured.is_empty() {
            h2 { "What has no numbers" }
            ul.notes { @for (case, reason) in &view.unmeasured { li { (name(case)) ": " (name(reason)) } } }
        }
    }
}

/// The page that compares two of them.
fn compare(before: &Outline, after: &Outline) -> String {
    format!("../compare.html#?a={}&b={}", before.commit, after.commit)
}

fn cases<'a, 'b>(view: &CommitView<'a, 'b>) -> Markup {
    let metrics: Vec<_> =
        MAIN.into_iter().filter(|metric| view.cases.iter().any(|(case, _)| case.course(*metric).is_some())).collect();
    let number = |case: &'b CaseView<'a>, run: usize, metric| {
        let course = case.course(metric)?;
        let place = course.points.binary_search_by_key(&run, |point| point.run).ok()?;
        Some((course, *course.points.get(place)?))
    };
    let table = html! {
        table.data.stacked id="measured" {
            thead { tr {
                @for head in ["case", "of", "run"] { th.text scope="col" { button type="button" { (head) } } }
                @for metric in &metrics { th scope="col" { button type="button" { (metric.definition().full_label()) } } }
            } }
            tbody {
                @for (case, run) in &view.cases {
                    @let subject = case.case.subject;
                    tr {
                        th scope="row" { (case.link("../")) }
                        td.text { (name(&subject.scenario)) ", " (name(&subject.model)) br; small { (name(case.case.device)) ", " (name(case.case.branch)) } }
                        td.text data-label="run" { @if let Some((outline, measured)) = case.case.runs.get(*run) {
                            span data-tip=(Foreign(&trace(measured))) { (name(&outline.run)) }
                        } }
                        @for metric in &metrics {
                            @match number(case, *run, *metric) {
                                Some((course, point)) => {
                                    td.number data-value=(point.value) data-label=(metric.definition().full_label()) { (value(point.value, point.range, metric.definition().unit)) (scope_below(course)) }
                                }
                                None => { td {} }
                            }
                        }
                    }
                }
            }
        }
    };
    scrolling("What was measured", &table)
}

/// Where the numbers of a run come from.
fn trace(case: &pocketwatt_history::CaseOutline) -> String {
    let digest = |what: &str, digest: &Option<String>| digest.as_ref().map(|digest| format!("{what} {digest}"));
    let [runner, library] = &case.programs;
    let conditions = case.conditions.0.iter().flatten().cloned();
    let digests = [
        digest("record sha256", &case.record_sha256),
        digest("runner sha256", runner),
        digest("library sha256", library),
    ];
    conditions.chain(digests.into_iter().flatten()).collect::<Vec<_>>().join("; ")
}

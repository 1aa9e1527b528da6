//! The first page: what changed, and where everything stands.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};
use pocketwatt_history::{Certainty, Commit, Effect, Known, Outline};

use crate::pages::{
    dashboard::{
        changes::{self, Row, select},
        events::{Between, Changed, Event, events},
        numbers::{amount, effect_class, value},
        unmeasured::{CaseKey, WithoutNumbers},
        view::{
            CaseView, MAIN, Wishes, age_below, commit_link, day, imitations, label, navigation, plural, scope_below,
            stopped_since,
        },
        watched::watched,
    },
    document::scrolling,
    foreign::{Foreign, name},
};

/// Commits and damaged files that are listed.
const MOST_LISTED: usize = 200;

/// Its body.
pub fn overview(
    known: &Known,
    views: &[CaseView<'_>],
    never: &BTreeMap<CaseKey<'_>, WithoutNumbers<'_>>,
    wishes: Wishes<'_>,
) -> Markup {
    let events = events(views);
    html! {
        h1 { (name(wishes.title)) }
        (navigation(""))
        (answer(known, views, &events, wishes))
        (imitations(known.entries.iter().map(|(_, outline)| outline)))
        h2 { "What changed" }
        (changes::table(&Row::all(events, views.iter()), "", wishes, "changes"))
        h2 { "Where everything stands" }
        (cases(views))
        (without_any(never))
        h2 { "Commits" }
        (commits(known, wishes))
        (damaged(known))
    }
}

/// How many changes are sure, and the newest for the worse, in sentences.
fn answer<'k>(known: &'k Known, views: &[CaseView<'_>], events: &[Event<'_, '_>], wishes: Wishes<'_>) -> Markup {
    let commits: BTreeSet<&Commit> = known.entries.iter().map(|(_, outline)| &outline.commit).collect();
    // A run may be kept several times, with other words about its commit.
    let identity = |outline: &'k Outline| (&outline.device, &outline.run, outline.started_unix_ms, &outline.commit);
    let runs: BTreeSet<_> = known.entries.iter().map(|(_, outline)| identity(outline)).collect();
    let sure = || events.iter().filter(|event| event.certainty() == Certainty::Confirmed);
    let of = |effect: Effect| {
        sure().filter(|event| event.effect() == effect && event.between() == Between::Commits).collect::<Vec<_>>()
    };
    let (worse, better) = (of(Effect::Worse), of(Effect::Better));
    let stopped = views.iter().filter(|view| view.without_numbers.since().is_some()).count();
    let apart = sure().filter(|event| event.effect() != Effect::Neutral && event.between() != Between::Commits).count();
    html! {
        section.card {
            h2 { "In short" }
            p.answer {
                (plural(runs.len(), "run")) " of " (plural(commits.len(), "commit")) ": "
                (plural(worse.len(), "confirmed change")) " for the worse, " (better.len()) " for the better"
                @if stopped > 0 { "; " span.alarm { (plural(stopped, "case")) (if stopped == 1 { " has" } else { " have" }) " no numbers any more" } }
                "."
            }
            @if let Some(event) = worse.first() {
                @let Changed { course, change } = event.lead;
                @if let Some(outline) = event.first() {
                    p {
                        "The newest for the worse: " (Foreign(&label(course))) " of " (event.view.link("")) " by "
                        span class=(effect_class(change.effect)) { (amount(course.metric, change)) }
                        " at " (commit_link(outline, "", wishes)) ", " (day(outline.time_unix_ms)) "."
                    }
                }
            }
            @if apart > 0 {
                p {
                    (plural(apart, "confirmed change")) " more, for the worse or the better, "
                    (if apart == 1 { "lies" } else { "lie" }) " between runs of one commit or of the same programs: the machine may have caused "
                    (if apart == 1 { "it" } else { "them" }) "."
                }
            }
            (watched(&views.iter().collect::<Vec<_>>()))
        }
    }
}

fn cases(views: &[CaseView<'_>]) -> Markup {
    type Choice = fn(&CaseView<'_>) -> String;
    let choices: [(&str, Choice); 6] = [
        ("device", |view| view.case.device.to_owned()),
        ("branch", |view| view.case.branch.to_owned()),
        ("scenario", |view| view.case.subject.scenario.clone()),
        ("model", |view| view.case.subject.model.clone()),
        ("backend", |view| view.case.subject.backend.clone()),
        ("precision", |view| view.case.subject.precision.clone()),
    ];
    let metrics: Vec<_> =
        MAIN.into_iter().filter(|metric| views.iter().any(|view| view.course(*metric).is_some())).collect();
    let table = html! {
        table.data.stacked id="cases" {
            thead { tr {
                @for head in ["case", "scenario", "model", "device", "branch"] { th.text scope="col" { button type="button" { (head) } } }
                @for metric in &metrics { th scope="col" { button type="button" { (metric.definition().full_label()) } } }
                th scope="col" { button type="button" { "runs" } }
                th scope="col" { button type="button" { "newest" } }
            } }
            tbody {
                @for view in views {
                    @let subject = view.case.subject;
                    tr data-device=(Foreign(view.case.device)) data-branch=(Foreign(view.case.branch)) data-scenario=(Foreign(&subject.scenario))
                        data-model=(Foreign(&subject.model)) data-backend=(Foreign(&subject.backend)) data-precision=(Foreign(&subject.precision)) {
                        th scope="row" { (view.link("")) (stopped_since(view)) }
                        td.text data-label="scenario" { (name(&subject.scenario)) }
                        td.text data-label="model" { (name(&subject.model)) }
                        td.text data-label="device" { (name(view.case.device)) }
                        td.text data-label="branch" { (name(view.case.branch)) }
                        @for metric in &metrics {
                            @match view.course(*metric).and_then(|course| Some((course, course.points.last()?))) {
                                Some((course, point)) => {
                                    td.number data-value=(point.value) data-label=(metric.definition().full_label()) {
                                        (value(point.value, None, metric.definition().unit)) (scope_below(course)) (age_below(view, point.run))
                                    }
                                }
                                None => { td {} }
                            }
                        }
                        td.number data-value=(view.case.runs.len()) data-label="runs" { (view.case.runs.len()) }
                        td.number data-label="newest" { (view.case.runs.last().map_or_else(String::new, |(outline, _)| day(outline.time_unix_ms))) }
                    }
                }
            }
        }
    };
    html! {
        p.pale { "The newest value of each case; its page shows how it came there." }
        form.filters data-table="cases" {
            @for (what, of) in &choices {
                @let distinct: BTreeSet<String> = views.iter().map(of).collect();
                @if distinct.len() > 1 { (select(what, distinct.iter().map(String::as_str))) }
            }
            label { "search " input type="search" name="text" size="12"; }
            output aria-live="polite" {}
        }
        (scrolling("Where everything stands", &table))
    }
}

/// Cases that were never measured, which have no page.
fn without_any(never: &BTreeMap<CaseKey<'_>, WithoutNumbers<'_>>) -> Markup {
    html! {
        @if !never.is_empty() {
            p { "Never measured:" }
            ul.notes {
                @for ((device, branch, subject), without) in never.iter().take(MOST_LISTED) {
                    li {
                        (name(&subject.backend)) " " small { (Foreign(&subject.settings())) } ", " (name(&subject.scenario)) ", " (name(&subject.model))
                        ", " (name(device)) ", " (name(branch)) ": "
                        @if let Some(last) = without.last() { (name(last.reason)) }
                    }
                }
            }
            @if never.len() > MOST_LISTED { p.pale { "And " (never.len() - MOST_LISTED) " cases more." } }
        }
    }
}

fn commits(known: &Known, wishes: Wishes<'_>) -> Markup {
    // Entries are in the order of their commits' times; a commit is listed once, with each branch that has it.
    let mut branches: BTreeMap<&Commit, BTreeSet<&str>> = BTreeMap::new();
    let mut newest: Vec<&Outline> = Vec::new();
    for (_, outline) in known.entries.iter().rev() {
        let of_commit = branches.entry(&outline.commit).or_default();
        if of_commit.is_empty() {
            newest.push(outline);
        }
        of_commit.insert(&outline.branch);
    }
    html! {
        ul.notes {
            @for outline in newest.iter().take(MOST_LISTED) {
                li {
                    (day(outline.time_unix_ms)) " " (commit_link(outline, "", wishes)) " "
                    @for (place, branch) in branches.get(&outline.commit).into_iter().flatten().enumerate() {
                        @if place > 0 { ", " }
                        (name(branch))
                    }
                    @if let Some(message) = &outline.message { ": " (name(message)) }
                }
            }
        }
        @if newest.len() > MOST_LISTED { p.pale { "The newest " (MOST_LISTED) " of " (newest.len()) " commits. " a href="compare.html" { "All of them can be compared." } } }
    }
}

/// Files that are no entries.
fn damaged(known: &Known) -> Markup {
    html! {
        @if !known.damaged.is_empty() {
            h2 { "Passed over" }
            ul.notes {
                @for damaged in known.damaged.iter().take(MOST_LISTED) { li { code { (name(&damaged.file)) } " " (Foreign(&damaged.damage.to_string())) } }
            }
            @if known.damaged.len() > MOST_LISTED { p { "And " (known.damaged.len() - MOST_LISTED) " files more." } }
        }
    }
}

//! What changed, when, by how much, and how sure that is.

use std::collections::BTreeSet;

use maud::{Markup, html};

use crate::pages::{
    dashboard::{
        events::{Between, Changed, Event},
        numbers::{amount, certainty, effect, effect_class, p_value, percent},
        view::{Wishes, anchor, commit_link, day, label},
    },
    document::scrolling,
    foreign::{Foreign, name},
};

/// Rows of the table.
const MOST_ROWS: usize = 1000;

/// The table of events, with filters where there is a choice.
pub fn table(events: &[Event<'_, '_>], root: &str, wishes: Wishes<'_>, id: &str) -> Markup {
    if events.is_empty() {
        return html! { p { "Nothing changed, as far as the runs show." } };
    }
    let cells = html! {
        table.data id=(id) {
            thead { tr {
                @for head in ["commit", "day", "case", "what", "by how much", "how sure"] {
                    th.text scope="col" { button type="button" { (head) } }
                }
            } }
            tbody { @for event in events.iter().take(MOST_ROWS) { (row(event, root, wishes)) } }
        }
    };
    html! {
        (filters(events, id))
        (scrolling("What changed", &cells))
        @if events.len() > MOST_ROWS { p.pale { "The newest " (MOST_ROWS) " of " (events.len()) " are listed; the pages of the cases have all." } }
    }
}

fn row(event: &Event<'_, '_>, root: &str, wishes: Wishes<'_>) -> Markup {
    let (view, subject) = (event.view, event.view.case.subject);
    let Changed { course, change } = event.lead;
    let Some(outline) = event.first() else { return html! {} };
    let (word, sure, between) = (effect(event.effect()), certainty(event.certainty()), event.between());
    html! {
        tr data-device=(Foreign(view.case.device)) data-branch=(Foreign(view.case.branch)) data-scenario=(Foreign(&subject.scenario))
            data-model=(Foreign(&subject.model)) data-backend=(Foreign(&subject.backend)) data-effect=(word) data-certainty=(sure) {
            th scope="row" {
                (commit_link(outline, root, wishes))
                @if let Some(message) = &outline.message { br; small { (name(message)) } }
                @match (between, view.outline(change.before)) {
                    (Between::RunsOfOneCommit, _) => { br; small { "between two of its runs" } }
                    (_, Some(before)) => { br; small { "after " code { (before.commit.short()) } } }
                    (_, None) => {}
                }
            }
            td.text.whole { (day(outline.time_unix_ms)) }
            td.text {
                (view.link(root)) br;
                small { (name(&subject.scenario)) ", " (name(&subject.model)) ", " (name(view.case.device)) ", " (name(view.case.branch)) }
            }
            td.text {
                a href=(format!("{}#{}", view.address(root), anchor(course))) { (Foreign(&label(course))) }
                " " span class=(effect_class(event.effect())) { (word) }
                @if !event.others.is_empty() { br; small { "also " (word) ": " (Foreign(&others(event))) } }
            }
            td.text.whole data-value=(change.point.shift.map_or(0.0, |shift| shift.ratio.ln().abs())) { (amount(course.metric, change)) }
            td.text.whole data-value=(change.point.p_value_now.unwrap_or(1.0)) {
                (sure) br; small { (p_value(change)) ", " (change.found - change.first + 1) " runs until found" }
                @match between {
                    Between::Commits => {}
                    Between::RunsOfOneCommit => { br; small.warning { "between runs of one commit: it, or the machine" } }
                    Between::SamePrograms => { br; small.warning { "the programs are the same files: not the commit" } }
                }
            }
        }
    }
}

/// The other metrics of an event: some by name, with what is not as it is of the first.
fn others(event: &Event<'_, '_>) -> String {
    const NAMED: usize = 3;
    let named: Vec<String> = event.others.iter().take(NAMED).map(|other| beside(event, *other)).collect();
    match event.others.len().saturating_sub(NAMED) {
        0 => named.join(", "),
        more => format!("{}, and {more} more", named.join(", ")),
    }
}

/// `time to first token +30 % (found, at 5c87bb3098)`.
fn beside(event: &Event<'_, '_>, Changed { course, change }: Changed<'_, '_>) -> String {
    let (lead, view) = (event.lead.change, event.view);
    let size = change.point.shift.map(|shift| format!(" {}", percent(shift.ratio))).unwrap_or_default();
    let commit = |run: usize| view.outline(run).map(|outline| outline.commit.short());
    let place = commit(change.first).filter(|place| Some(*place) != commit(lead.first));
    let between = Between::of(&view.case, change);
    let differs = [
        (change.certainty != lead.certainty).then(|| certainty(change.certainty).to_owned()),
        place.map(|place| format!("at {place}")),
        (between != event.between()).then(|| match between {
            Between::Commits => "between commits".to_owned(),
            Between::RunsOfOneCommit => "between runs of one commit".to_owned(),
            Between::SamePrograms => "the programs are the same files".to_owned(),
        }),
    ];
    let differs: Vec<String> = differs.into_iter().flatten().collect();
    let differs = if differs.is_empty() { String::new() } else { format!(" ({})", differs.join(", ")) };
    format!("{}{size}{differs}", label(course))
}

fn filters(events: &[Event<'_, '_>], id: &str) -> Markup {
    type Choice = fn(&Event<'_, '_>) -> String;
    let choices: [(&str, Choice); 5] = [
        ("device", |event| event.view.case.device.to_owned()),
        ("branch", |event| event.view.case.branch.to_owned()),
        ("scenario", |event| event.view.case.subject.scenario.clone()),
        ("model", |event| event.view.case.subject.model.clone()),
        ("backend", |event| event.view.case.subject.backend.clone()),
    ];
    html! {
        form.filters data-table=(id) {
            @for (what, of) in &choices {
                @let distinct: BTreeSet<String> = events.iter().map(of).collect();
                @if distinct.len() > 1 { (select(what, distinct.iter().map(String::as_str))) }
            }
            (select("effect", ["better", "worse", "changed"].into_iter()))
            (select("certainty", ["confirmed", "found", "faded"].into_iter()))
            label { "search " input type="search" name="text" size="12"; }
            output aria-live="polite" {}
        }
    }
}

/// A choice of a filter.
pub fn select<'c>(what: &str, values: impl Iterator<Item = &'c str>) -> Markup {
    html! {
        label {
            (what)
            select name=(what) {
                option value="" { "all" }
                @for value in values { option value=(Foreign(value)) { (name(value)) } }
            }
        }
    }
}

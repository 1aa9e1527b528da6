//! What changed, when, by how much, and how sure that is.

use std::{cmp::Reverse, collections::BTreeSet};

use maud::{Markup, html};
use pocketwatt_history::{Certainty, Outline};

use crate::pages::{
    dashboard::{
        events::{Between, Changed, Event},
        numbers::{amount, certainty, effect, effect_class, p_value, percent},
        view::{CaseView, Wishes, anchor, commit_link, day, label, plural},
    },
    document::scrolling,
    foreign::{Foreign, name},
};

/// The effect of a case that has no numbers any more, in the filter.
const STOPPED: &str = "stopped";
/// Rows of the table.
const MOST_ROWS: usize = 1000;

/// What a row is about.
pub enum Row<'a, 'b> {
    /// Metrics changed.
    Changed(Event<'a, 'b>),
    /// A case has no numbers any more.
    Stopped(&'b CaseView<'a>),
}

impl<'a, 'b> Row<'a, 'b> {
    /// The rows of these events and of those of the cases that stopped, the newest first; what later runs do not bear out follows.
    pub fn all(events: Vec<Event<'a, 'b>>, views: impl Iterator<Item = &'b CaseView<'a>>) -> Vec<Self>
    where
        'a: 'b,
    {
        let stopped = views.filter(|view| view.without_numbers.since().is_some()).map(Row::Stopped);
        let mut rows: Vec<Self> = stopped.chain(events.into_iter().map(Row::Changed)).collect();
        rows.sort_by_key(|row| match row {
            Row::Changed(event) => (event.certainty() == Certainty::Faded, Reverse(event.time())),
            Row::Stopped(_) => (false, Reverse(row.first().map_or(0, |outline| outline.time_unix_ms))),
        });
        rows
    }

    /// The first run of the new level, or without numbers.
    pub fn first(&self) -> Option<&'a Outline> {
        match self {
            Row::Changed(event) => event.first(),
            Row::Stopped(view) => view.without_numbers.since().map(|since| since.outline),
        }
    }

    fn view(&self) -> &'b CaseView<'a> {
        match self {
            Row::Changed(event) => event.view,
            Row::Stopped(view) => view,
        }
    }
}

/// The table of what changed, with filters where there is a choice.
pub fn table(rows: &[Row<'_, '_>], root: &str, wishes: Wishes<'_>, id: &str) -> Markup {
    if rows.is_empty() {
        return html! { p { "Nothing changed, as far as the runs show." } };
    }
    let cells = html! {
        table.data.stacked id=(id) {
            thead { tr {
                @for head in ["commit", "day", "case", "what", "by how much", "how sure"] {
                    th.text scope="col" { button type="button" { (head) } }
                }
            } }
            tbody {
                @for row in rows.iter().take(MOST_ROWS) {
                    @match row {
                        Row::Changed(event) => { (changed(event, root, wishes)) }
                        Row::Stopped(view) => { (stopped(view, root, wishes)) }
                    }
                }
            }
        }
    };
    html! {
        (filters(rows, id))
        (scrolling("What changed", &cells))
        @if rows.len() > MOST_ROWS { p.pale { "The newest " (MOST_ROWS) " of " (rows.len()) " are listed; the pages of the cases have all." } }
    }
}

/// A case, and what is measured where.
fn case(view: &CaseView<'_>, root: &str) -> Markup {
    let subject = view.case.subject;
    html! {
        (view.link(root)) br;
        small { (name(&subject.scenario)) ", " (name(&subject.model)) ", " (name(view.case.device)) ", " (name(view.case.branch)) }
    }
}

fn stopped(view: &CaseView<'_>, root: &str, wishes: Wishes<'_>) -> Markup {
    let (subject, without) = (view.case.subject, &view.without_numbers);
    let (Some(since), Some(last)) = (without.since(), without.last()) else { return html! {} };
    html! {
        tr data-device=(Foreign(view.case.device)) data-branch=(Foreign(view.case.branch)) data-scenario=(Foreign(&subject.scenario))
            data-model=(Foreign(&subject.model)) data-backend=(Foreign(&subject.backend)) data-effect=(STOPPED) {
            th scope="row" {
                (commit_link(since.outline, root, wishes))
                @if let Some(message) = &since.outline.message { br; small { (name(message)) } }
            }
            td.text.whole { (day(since.outline.time_unix_ms)) }
            td.text { (case(view, root)) }
            td.text { span.alarm { "no numbers any more" } br; small { (name(last.reason)) } }
            td.text {}
            td.text.whole data-value="0" { (plural(without.newest, "run")) " without" }
        }
    }
}

fn changed(event: &Event<'_, '_>, root: &str, wishes: Wishes<'_>) -> Markup {
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
            td.text { (case(view, root)) }
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

fn filters(rows: &[Row<'_, '_>], id: &str) -> Markup {
    type Choice = fn(&CaseView<'_>) -> String;
    let choices: [(&str, Choice); 5] = [
        ("device", |view| view.case.device.to_owned()),
        ("branch", |view| view.case.branch.to_owned()),
        ("scenario", |view| view.case.subject.scenario.clone()),
        ("model", |view| view.case.subject.model.clone()),
        ("backend", |view| view.case.subject.backend.clone()),
    ];
    let any_stopped = rows.iter().any(|row| matches!(row, Row::Stopped(_)));
    let effects = ["better", "worse", "changed"].into_iter().chain(any_stopped.then_some(STOPPED));
    html! {
        form.filters data-table=(id) {
            @for (what, of) in &choices {
                @let distinct: BTreeSet<String> = rows.iter().map(|row| of(row.view())).collect();
                @if distinct.len() > 1 { (select(what, distinct.iter().map(String::as_str))) }
            }
            (select("effect", effects))
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

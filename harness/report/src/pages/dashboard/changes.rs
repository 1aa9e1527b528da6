//! What changed, when, by how much, and how sure that is.

use std::{cmp::Reverse, collections::BTreeSet};

use maud::{Markup, html};
use pocketwatt_history::{Certainty, Change, Course, Effect};

use crate::pages::{
    dashboard::{
        numbers::{amount, certainty, effect, effect_class, p_value, percent},
        view::{CaseView, Wishes, anchor, commit_link, day, label},
    },
    document::scrolling,
    foreign::{Foreign, name},
};

/// Changes of several metrics of a case are one event if each begins so few runs after the one before.
const TOGETHER: usize = 2;
/// Rows of the table.
const MOST_ROWS: usize = 1000;

/// Changes of metrics of a case at about one commit; first those at the commit on which most agree, the surest first.
pub struct Event<'a, 'b> {
    /// The case.
    pub view: &'b CaseView<'a>,
    /// What changed.
    pub changes: Vec<(&'b Course<'a>, &'b Change)>,
}

impl<'a, 'b> Event<'a, 'b> {
    /// The surest of the changes at the commit on which most metrics agree.
    pub fn surest(&self) -> Option<(&'b Course<'a>, &'b Change)> {
        self.changes.first().copied()
    }

    /// How sure the surest of its changes is.
    pub fn certainty(&self) -> Certainty {
        self.changes.iter().map(|(_, change)| change.certainty).min().unwrap_or(Certainty::Faded)
    }

    /// The first run of the new level.
    pub fn first(&self) -> usize {
        self.surest().map_or(0, |(_, change)| change.first)
    }

    /// When that commit was made.
    pub fn time(&self) -> u64 {
        self.view.case.runs.get(self.first()).map_or(0, |(outline, _)| outline.time_unix_ms)
    }
}

/// All events, the newest first; those that later runs do not bear out follow.
pub fn events<'a, 'b>(views: &'b [CaseView<'a>]) -> Vec<Event<'a, 'b>> {
    let mut events: Vec<Event<'a, 'b>> = views.iter().flat_map(of_case).collect();
    events.sort_by_key(|event| (event.certainty() == Certainty::Faded, Reverse(event.time())));
    events
}

/// The events of a case, in the order of its runs.
pub fn of_case<'a, 'b>(view: &'b CaseView<'a>) -> Vec<Event<'a, 'b>> {
    let of_course = |course: &'b Course<'a>| course.changes.iter().map(move |change| (course, change));
    let mut changes: Vec<(&'b Course<'a>, &'b Change)> = view.case.courses.iter().flat_map(of_course).collect();
    changes.sort_by_key(|(_, change)| change.first);
    let mut events: Vec<Event<'a, 'b>> = Vec::new();
    let mut newest = 0;
    for (course, change) in changes {
        match events.last_mut().filter(|_| change.first - newest <= TOGETHER) {
            Some(event) => event.changes.push((course, change)),
            None => events.push(Event { view, changes: vec![(course, change)] }),
        }
        newest = change.first;
    }
    for event in &mut events {
        let place = most_agreed(&event.changes);
        let order = |change: &Change| (change.first != place, change.effect == Effect::Neutral, change.certainty);
        let p_value = |change: &Change| change.point.p_value_now.unwrap_or(1.0);
        event.changes.sort_by(|(_, left), (_, right)| {
            order(left).cmp(&order(right)).then(p_value(left).total_cmp(&p_value(right)))
        });
    }
    events
}

/// The run at which most of them begin; of several, the last.
fn most_agreed(changes: &[(&Course<'_>, &Change)]) -> usize {
    let agree = |first: usize| changes.iter().filter(|(_, change)| change.first == first).count();
    changes.iter().map(|(_, change)| change.first).max_by_key(|first| agree(*first)).unwrap_or(0)
}

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
    let Some((course, change)) = event.surest() else { return html! {} };
    let Some((outline, _)) = view.case.runs.get(change.first) else { return html! {} };
    let before = view.case.runs.get(change.before).map(|(outline, _)| outline.commit.short());
    let sure = certainty(event.certainty());
    html! {
        tr data-device=(Foreign(view.case.device)) data-branch=(Foreign(view.case.branch)) data-scenario=(Foreign(&subject.scenario))
            data-model=(Foreign(&subject.model)) data-backend=(Foreign(&subject.backend)) data-effect=(effect(change.effect))
            data-certainty=(sure) {
            th scope="row" {
                (commit_link(outline, root, wishes))
                @if let Some(message) = &outline.message { br; small { (name(message)) } }
                @if let Some(before) = before { br; small { "after " code { (before) } } }
            }
            td.text.whole { (day(outline.time_unix_ms)) }
            td.text {
                (view.link(root)) br;
                small { (name(&subject.scenario)) ", " (name(&subject.model)) ", " (name(view.case.device)) ", " (name(view.case.branch)) }
            }
            td.text {
                a href=(format!("{}#{}", view.address(root), anchor(course))) { (Foreign(&label(course))) }
                " " span class=(effect_class(change.effect)) { (effect(change.effect)) }
                @if event.changes.len() > 1 { br; small { "and " (others(event)) } }
            }
            td.text.whole data-value=(change.point.shift.map_or(0.0, |shift| shift.ratio.ln().abs())) { (amount(course.metric, change)) }
            td.text.whole data-value=(change.point.p_value_now.unwrap_or(1.0)) {
                (sure) br; small { (p_value(change)) ", " (change.found - change.first + 1) " runs until found" }
                @if change.same_program { br; small.warning { "the programs are the same files: not the commit" } }
            }
        }
    }
}

/// The other metrics of an event: some by name.
fn others(event: &Event<'_, '_>) -> String {
    const NAMED: usize = 3;
    let named: Vec<String> = event
        .changes
        .iter()
        .skip(1)
        .take(NAMED)
        .map(|(course, change)| {
            let size = change.point.shift.map(|shift| percent(shift.ratio));
            format!("{} {}", label(course), size.unwrap_or_default())
        })
        .collect();
    match event.changes.len().saturating_sub(1 + NAMED) {
        0 => named.join(", "),
        more => format!("{}, and {more} more", named.join(", ")),
    }
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

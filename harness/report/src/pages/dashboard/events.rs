//! Changes of a case that belong together: at about one commit, in one direction.

use std::cmp::Reverse;

use pocketwatt_history::{CaseCourse, Certainty, Change, Course, Effect, Outline};

use crate::pages::dashboard::view::{CaseView, MAIN};

/// Where a change begins is known to so few runs: what begins so close together is listed together.
const TOGETHER: usize = 2;

/// Metrics of a case that changed at about one commit, all of them for the better, for the worse, or neither.
pub struct Event<'a, 'b> {
    /// The case.
    pub view: &'b CaseView<'a>,
    /// The surest of them; of those that are as sure, one at the run on which most agree, and of what tables have. What is said of the event
    /// is said of it.
    pub lead: Changed<'a, 'b>,
    /// The others, the surest first.
    pub others: Vec<Changed<'a, 'b>>,
}

/// A metric and its change.
#[derive(Clone, Copy)]
pub struct Changed<'a, 'b> {
    /// The metric.
    pub course: &'b Course<'a>,
    /// Its change.
    pub change: &'b Change,
}

/// What lies between the runs before and after a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Between {
    /// Other programs, of another commit.
    Commits,
    /// Nothing but time: both runs are of one commit. It may be that commit, whose first runs look like those before, or the machine.
    RunsOfOneCommit,
    /// Another commit, whose programs are the same files: it was the machine.
    SamePrograms,
}

impl Between {
    /// What a change lies between.
    pub fn of(case: &CaseCourse<'_>, change: &Change) -> Self {
        let commit = |run: usize| case.runs.get(run).map(|(outline, _)| &outline.commit);
        if commit(change.before) == commit(change.first) {
            Self::RunsOfOneCommit
        } else if change.same_program {
            Self::SamePrograms
        } else {
            Self::Commits
        }
    }
}

impl<'a> Event<'a, '_> {
    /// What it is to a user: all of its changes are that.
    pub fn effect(&self) -> Effect {
        self.lead.change.effect
    }

    /// How sure the surest of its changes is.
    pub fn certainty(&self) -> Certainty {
        self.lead.change.certainty
    }

    /// What its surest change lies between.
    pub fn between(&self) -> Between {
        Between::of(&self.view.case, self.lead.change)
    }

    /// The first run of the new level.
    pub fn first(&self) -> Option<&'a Outline> {
        self.view.outline(self.lead.change.first)
    }

    /// When that commit was made.
    pub fn time(&self) -> u64 {
        self.first().map_or(0, |outline| outline.time_unix_ms)
    }
}

/// All events, the newest first; those that later runs do not bear out follow.
pub fn events<'a, 'b>(views: &'b [CaseView<'a>]) -> Vec<Event<'a, 'b>> {
    newest_first(views.iter().flat_map(of_case).collect())
}

/// The same, but only what begins at one and the same run is listed together: for pages that are of one commit.
pub fn events_by_run<'a, 'b>(views: &'b [CaseView<'a>]) -> Vec<Event<'a, 'b>> {
    newest_first(views.iter().flat_map(|view| grouped(view, 0)).collect())
}

/// The events of a case.
pub fn of_case<'a, 'b>(view: &'b CaseView<'a>) -> Vec<Event<'a, 'b>> {
    grouped(view, TOGETHER)
}

fn newest_first<'a, 'b>(mut events: Vec<Event<'a, 'b>>) -> Vec<Event<'a, 'b>> {
    events.sort_by_key(|event| (event.certainty() == Certainty::Faded, Reverse(event.time()), rank(event.effect())));
    events
}

/// What users look for first.
fn rank(effect: Effect) -> u8 {
    match effect {
        Effect::Worse => 0,
        Effect::Better => 1,
        Effect::Neutral => 2,
    }
}

/// Changes with the same effect, the last of which begins at most so many runs after the first.
fn grouped<'a, 'b>(view: &'b CaseView<'a>, reach: usize) -> Vec<Event<'a, 'b>> {
    let of_course = |course: &'b Course<'a>| course.changes.iter().map(move |change| Changed { course, change });
    let mut changes: Vec<Changed<'a, 'b>> = view.case.courses.iter().flat_map(of_course).collect();
    changes.sort_by_key(|changed| (rank(changed.change.effect), changed.change.first));
    let belong = |first: &Change, change: &Change| first.effect == change.effect && change.first - first.first <= reach;
    let mut groups: Vec<Vec<Changed<'a, 'b>>> = Vec::new();
    for changed in changes {
        match groups.last_mut().filter(|group| group.first().is_some_and(|first| belong(first.change, changed.change)))
        {
            Some(group) => group.push(changed),
            None => groups.push(vec![changed]),
        }
    }
    groups.into_iter().filter_map(|group| event(view, group)).collect()
}

fn event<'a, 'b>(view: &'b CaseView<'a>, mut changes: Vec<Changed<'a, 'b>>) -> Option<Event<'a, 'b>> {
    let place = most_agreed(&changes);
    let order = |changed: &Changed<'_, '_>| {
        let change = changed.change;
        let is_main = MAIN.contains(&changed.course.metric);
        (change.certainty, Between::of(&view.case, change), change.first != place, !is_main)
    };
    let p_value = |changed: &Changed<'_, '_>| changed.change.point.p_value_now.unwrap_or(1.0);
    changes.sort_by(|left, right| order(left).cmp(&order(right)).then(p_value(left).total_cmp(&p_value(right))));
    let mut changes = changes.into_iter();
    Some(Event { view, lead: changes.next()?, others: changes.collect() })
}

/// The run at which most of them begin; of several, the last.
fn most_agreed(changes: &[Changed<'_, '_>]) -> usize {
    let agree = |first: usize| changes.iter().filter(|changed| changed.change.first == first).count();
    changes.iter().map(|changed| changed.change.first).max_by_key(|first| (agree(*first), *first)).unwrap_or(0)
}

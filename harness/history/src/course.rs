//! What became of each metric of a case over the commits of a branch on a device.

use std::collections::{BTreeMap, HashMap, HashSet};

use pocketwatt_record::{ChangePoint, Direction, MARGIN, MetricId, RankSums, change_points};

use crate::{
    outline::{CaseOutline, Outline},
    segment::{Run, Segment, segments},
    shares::in_shares,
    subject::Subject,
};

/// The probability that any change of a history that is called confirmed is none.
const FAMILY_LEVEL: f64 = 0.05;
/// A change whose p-value rises above this is no longer believed.
const FADED_LEVEL: f64 = 5e-4;

/// A case on a device and a branch, with all of its runs.
#[derive(Clone, Debug)]
pub struct CaseCourse<'a> {
    /// Name of the device.
    pub device: &'a str,
    /// Name of the branch.
    pub branch: &'a str,
    /// What is measured.
    pub subject: &'a Subject,
    /// Its runs, in the order of their commits' times.
    pub runs: Vec<(&'a Outline, &'a CaseOutline)>,
    /// Parts of it under the same conditions; the first begins with the first run.
    pub segments: Vec<Segment<'a>>,
    /// Each metric, in the order of the catalogue; of a metric of energy first that of the preferred part of the device.
    pub courses: Vec<Course<'a>>,
}

/// One metric of a case.
#[derive(Clone, Debug)]
pub struct Course<'a> {
    /// The metric.
    pub metric: MetricId,
    /// The part of the device and the interface, for a metric of energy: `package, powercap`. Numbers of different ones are never
    /// compared, so it stands beside each.
    pub scope: Option<&'a str>,
    /// Its values, by run; runs without one are left out.
    pub points: Vec<Point>,
    /// Where it changed, within segments.
    pub changes: Vec<Change>,
}

/// A value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// The run.
    pub run: usize,
    /// In the metric's unit.
    pub value: f64,
    /// The ends of the 95 % interval of that run.
    pub range: Option<(f64, f64)>,
}

/// A change of level.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    /// The last run of the old level.
    pub before: usize,
    /// The first run of the new level.
    pub first: usize,
    /// The run with which it was found.
    pub found: usize,
    /// What was found; its places are those of the points of the segment.
    pub point: ChangePoint,
    /// What it means to a user.
    pub effect: Effect,
    /// How sure it is by now.
    pub certainty: Certainty,
    /// Whether the runner and its library are the same files before and after: then no commit caused it.
    pub same_program: bool,
    /// Whether the runs before and after are of one commit: then it did not cause it either.
    pub within_commit: bool,
}

/// What a change means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// An improvement.
    Better,
    /// A regression.
    Worse,
    /// Neither: the metric explains others.
    Neutral,
}

/// How sure a change is by now, with all that was measured since.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Certainty {
    /// Even among all values of all courses of the history, so small a p-value is found by chance in less than one history of twenty.
    Confirmed,
    /// As one in some thousands of values of a course.
    Found,
    /// Later values do not bear it out.
    Faded,
}

/// Device, branch and subject of a case.
type Key<'a> = (&'a str, &'a str, &'a Subject);

/// All courses of the entries of a history, which are in the order of their commits' times. A run of a commit that is there twice counts
/// once.
pub fn courses<'a>(entries: impl Iterator<Item = &'a Outline>) -> Vec<CaseCourse<'a>> {
    let mut cases: BTreeMap<Key<'a>, Vec<Run<'a>>> = BTreeMap::new();
    let mut seen = HashSet::new();
    for outline in entries {
        for case in &outline.cases {
            let identity = (outline.identity(), &case.id);
            if case.unmeasured.is_none() && seen.insert(identity) {
                cases.entry((&outline.device, &outline.branch, &case.subject)).or_default().push((outline, case));
            }
        }
    }
    let mut all = in_shares(cases.into_iter().collect(), |cases| {
        let mut sums = RankSums::default();
        let of_case = |((device, branch, subject), runs): (Key<'a>, Vec<_>)| {
            let segments = segments(&runs);
            let courses = followed(&runs, &segments, &mut sums);
            CaseCourse { device, branch, subject, runs, segments, courses }
        };
        cases.into_iter().map(of_case).collect()
    });
    judge(&mut all);
    all
}

fn followed<'a>(runs: &[Run<'a>], segments: &[Segment<'_>], sums: &mut RankSums) -> Vec<Course<'a>> {
    let mut found: BTreeMap<(usize, Option<usize>), Course<'a>> = BTreeMap::new();
    let preferred = order_of_scopes(runs);
    let order: BTreeMap<&str, usize> =
        pocketwatt_record::catalogue().iter().enumerate().map(|(place, metric)| (metric.name(), place)).collect();
    for (run, (_, case)) in runs.iter().enumerate() {
        for number in &case.numbers {
            let scope = number.scope.as_deref();
            let metric = order.get(number.metric.name()).copied().unwrap_or(usize::MAX);
            let key = (metric, scope.and_then(|scope| preferred.get(scope)).copied());
            let course = found.entry(key).or_insert_with(|| Course {
                metric: number.metric,
                scope,
                points: Vec::new(),
                changes: Vec::new(),
            });
            if course.points.last().is_none_or(|last| last.run != run) {
                course.points.push(Point { run, value: number.value, range: number.range });
            }
        }
    }
    let mut courses: Vec<Course<'a>> = found.into_values().collect();
    for course in &mut courses {
        course.changes = changes(course, runs, segments, sums);
    }
    courses
}

/// The place of each scope: the preferred one first, as the newest run has it, and last those that only older ones have.
fn order_of_scopes<'a>(runs: &[Run<'a>]) -> HashMap<&'a str, usize> {
    let mut places = HashMap::new();
    for (_, case) in runs.iter().rev() {
        for scope in case.scopes.iter().chain(case.numbers.iter().filter_map(|number| number.scope.as_ref())) {
            let next = places.len();
            places.entry(scope.as_str()).or_insert(next);
        }
    }
    places
}

fn changes(course: &Course<'_>, runs: &[Run<'_>], segments: &[Segment<'_>], sums: &mut RankSums) -> Vec<Change> {
    let ends = segments.iter().skip(1).map(|segment| segment.first).chain([runs.len()]);
    let mut changes = Vec::new();
    for (segment, end) in segments.iter().zip(ends) {
        let points: Vec<&Point> =
            course.points.iter().filter(|point| (segment.first..end).contains(&point.run)).collect();
        let values: Vec<f64> = points.iter().map(|point| point.value).collect();
        for point in change_points(&values, MARGIN, sums) {
            let run = |place: usize| points.get(place).map_or(segment.first, |point| point.run);
            let (before, first) = (run(point.first.saturating_sub(1)), run(point.first));
            let programs = |run: usize| runs.get(run).map(|(_, case)| &case.programs);
            let commit = |run: usize| runs.get(run).map(|(outline, _)| &outline.commit);
            changes.push(Change {
                before,
                first,
                found: run(point.found),
                point,
                effect: effect(course.metric.definition().direction, point.after > point.before),
                certainty: Certainty::Found,
                same_program: programs(before) == programs(first)
                    && programs(first).is_some_and(|[runner, _]| runner.is_some()),
                within_commit: commit(before).zip(commit(first)).is_some_and(|(one, other)| one.is_same(other)),
            });
        }
    }
    changes
}

fn effect(direction: Direction, is_rise: bool) -> Effect {
    match (direction, is_rise) {
        (Direction::Informative, _) => Effect::Neutral,
        (Direction::HigherIsBetter, true) | (Direction::LowerIsBetter, false) => Effect::Better,
        (Direction::HigherIsBetter, false) | (Direction::LowerIsBetter, true) => Effect::Worse,
    }
}

/// The more values a history has, each of which could be the first of a new level, the more of them show something by chance: so says
/// Bonferroni's inequality.
fn judge(all: &mut [CaseCourse<'_>]) {
    let points = all.iter().flat_map(|case| &case.courses).map(|course| course.points.len());
    let count = points.sum::<usize>() as f64;
    for change in all.iter_mut().flat_map(|case| &mut case.courses).flat_map(|course| &mut course.changes) {
        change.certainty = match change.point.p_value_now {
            Some(p_value) if p_value * count <= FAMILY_LEVEL => Certainty::Confirmed,
            Some(p_value) if p_value <= FADED_LEVEL => Certainty::Found,
            _ => Certainty::Faded,
        };
    }
}

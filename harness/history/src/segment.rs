//! Where the conditions of a case's runs change.

use std::collections::BTreeMap;

use crate::{
    conditions::Condition,
    outline::{CaseOutline, Outline},
};

/// What stands for a condition that a run does not know.
const UNKNOWN: &str = "not known";

/// A run of a case.
pub type Run<'a> = (&'a Outline, &'a CaseOutline);

/// Runs under the same conditions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment<'a> {
    /// Its first run.
    pub first: usize,
    /// What is new, with the words before and after; empty for the first segment.
    pub new: Vec<(Condition, &'a str, &'a str)>,
}

/// The segments of a case. A run that does not know a condition is as the runs around it, if these are alike: each is compared with the
/// last one that knows it. If they are not, it may be as either, and the runs between them are a segment of their own.
pub fn segments<'a>(runs: &[Run<'a>]) -> Vec<Segment<'a>> {
    let mut new: BTreeMap<usize, Vec<(Condition, &'a str, &'a str)>> = BTreeMap::from([(0, Vec::new())]);
    for (place, condition) in Condition::ALL.into_iter().enumerate() {
        let words = |&(_, case): &Run<'a>| case.conditions.0.get(place)?.as_deref();
        let known: Vec<(usize, &'a str)> =
            runs.iter().enumerate().filter_map(|(run, of)| Some((run, words(of)?))).collect();
        let differ = known.iter().zip(known.iter().skip(1)).filter(|((_, before), (_, after))| before != after);
        for (&(last, before), &(run, after)) in differ {
            if last + 1 < run {
                new.entry(last + 1).or_default().push((condition, before, UNKNOWN));
                new.entry(run).or_default().push((condition, UNKNOWN, after));
            } else {
                new.entry(run).or_default().push((condition, before, after));
            }
        }
    }
    new.into_iter().map(|(first, new)| Segment { first, new }).collect()
}

//! Runs of which a case has no numbers: it failed, was skipped, or was not reached.

use std::collections::{BTreeMap, HashSet};

use pocketwatt_history::{Outline, Subject};

/// A case on a device and a branch.
pub type CaseKey<'a> = (&'a str, &'a str, &'a Subject);

/// A run without numbers of a case.
#[derive(Clone, Copy, Debug)]
pub struct Unmeasured<'a> {
    /// The run.
    pub outline: &'a Outline,
    /// Why it has none, in words.
    pub reason: &'a str,
}

/// The runs without numbers of a case.
#[derive(Clone, Debug, Default)]
pub struct WithoutNumbers<'a> {
    /// All of them, in the order of their commits' times.
    pub runs: Vec<Unmeasured<'a>>,
    /// How many of them follow the newest run with numbers: what the case shows is of before these.
    pub newest: usize,
}

impl<'a> WithoutNumbers<'a> {
    /// The first run since which there are no numbers, if the newest run has none.
    pub fn since(&self) -> Option<Unmeasured<'a>> {
        self.runs.get(self.runs.len() - self.newest.min(self.runs.len())).copied()
    }

    /// The newest run without numbers.
    pub fn last(&self) -> Option<Unmeasured<'a>> {
        self.runs.last().copied()
    }
}

/// Of each case that has such runs. A run that is there twice counts once.
pub fn without_numbers<'a>(outlines: &[&'a Outline]) -> BTreeMap<CaseKey<'a>, WithoutNumbers<'a>> {
    let mut all: BTreeMap<CaseKey<'a>, WithoutNumbers<'a>> = BTreeMap::new();
    let mut seen = HashSet::new();
    for &outline in outlines {
        for case in &outline.cases {
            let key = (outline.device.as_str(), outline.branch.as_str(), &case.subject);
            let identity = (key, &case.id, &outline.commit, &outline.run, outline.started_unix_ms);
            match case.unmeasured.as_deref() {
                None => {
                    if let Some(found) = all.get_mut(&key) {
                        found.newest = 0;
                    }
                }
                Some(reason) => {
                    if seen.insert(identity) {
                        let found = all.entry(key).or_default();
                        found.runs.push(Unmeasured { outline, reason });
                        found.newest += 1;
                    }
                }
            }
        }
    }
    all
}

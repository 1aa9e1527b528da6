//! What the two builds of a run measured, and what they did not.

use pocketwatt_record::{Outcome, StoredPair};
use serde::Serialize;

use crate::comparison::StoredComparison;

/// The cases of both builds.
#[derive(Debug)]
pub struct Builds {
    /// Those of which each build has a record, with their verdicts; and the files that are damaged.
    pub comparison: StoredComparison,
    /// Cases that should have been measured and of which a build has no record, and which.
    pub unreached: Vec<String>,
    /// Cases that were stopped before they had all of their blocks. They are among those of the comparison.
    pub interrupted: Vec<String>,
}

/// All verdicts in one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Overall {
    /// Something is worse, or failed only in the head.
    Worse,
    /// Something is better, and nothing is worse.
    Better,
    /// Everything is the same within the margins.
    Same,
    /// Nothing is better or worse, and not everything is known to be the same.
    Undecided,
}

impl Builds {
    /// All verdicts in one.
    pub fn overall(&self) -> Overall {
        let tally = self.comparison.tally();
        match (tally.worse, tally.better) {
            (1.., _) => Overall::Worse,
            (0, 1..) => Overall::Better,
            (0, 0) if tally.same > 0 && tally.open() == 0 && self.is_whole() => Overall::Same,
            (0, 0) => Overall::Undecided,
        }
    }

    /// Whether all cases were measured to their end on both sides, did the same work, and something could be compared.
    pub fn is_whole(&self) -> bool {
        let did_the_same = |pair: &StoredPair| {
            pair.baseline_outcome == Outcome::Measured
                && pair.candidate_outcome == Outcome::Measured
                && pair.obstacles().next().is_none()
        };
        self.unmeasured() == 0
            && self.interrupted.is_empty()
            && self.comparison.tally().compared() > 0
            && self.comparison.pairs.iter().all(did_the_same)
    }

    /// Cases without numbers on one side at least, for another reason than a failure of the head alone; damaged files included.
    pub(super) fn unmeasured(&self) -> usize {
        let pairs = self.comparison.pairs.iter();
        pairs.filter(|pair| pair.contests.is_empty() && !pair.failed_in_candidate()).count()
            + self.comparison.damaged.len()
            + self.unreached.len()
    }
}

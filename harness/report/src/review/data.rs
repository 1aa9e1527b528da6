//! What is written about a change.

use pocketwatt_record::{Outcome, Run, Verdict};
use serde::Serialize;

use crate::{cases::Results, comparison::StoredComparison};

/// A run in which each runner of the head took turns with that of the base.
pub struct Review<'a> {
    /// Tells several comments of one pull request apart; letters, digits, and single hyphens, dots and underscores.
    pub key: &'a str,
    /// The commit of the head, if it is known.
    pub commit: Option<&'a str>,
    /// The commit of the base, if it is known.
    pub base_commit: Option<&'a str>,
    /// The run.
    pub run: &'a Run,
    /// Its records.
    pub results: &'a dyn Results,
    /// The cases of the base and those of the head, with their verdicts.
    pub comparison: &'a StoredComparison,
    /// Cases of which a build has no record, and which.
    pub unreached: &'a [String],
    /// When the job fails, in the user's words: `--fail-on worse`.
    pub rule: &'a str,
    /// Whether it fails.
    pub fails: bool,
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

impl Review<'_> {
    /// All verdicts in one.
    pub fn overall(&self) -> Overall {
        let tally = self.comparison.tally();
        match (tally.worse, tally.better, tally.undecided + tally.without_ratio) {
            (1.., ..) => Overall::Worse,
            (0, 1.., _) => Overall::Better,
            _ if tally.same > 0 && tally.undecided + tally.without_ratio == 0 && self.unmeasured() == 0 => {
                Overall::Same
            }
            _ => Overall::Undecided,
        }
    }

    /// Whether all cases were measured on both sides, and did the same work.
    pub fn is_measured(&self) -> bool {
        let is_measured = |outcome: &Outcome| *outcome == Outcome::Measured;
        let mut pairs = self.comparison.pairs.iter();
        pairs.all(|pair| {
            is_measured(&pair.baseline_outcome)
                && is_measured(&pair.candidate_outcome)
                && pair.obstacles().next().is_none()
        })
    }

    /// Cases without numbers on one side at least, for another reason than a failure of the head alone; damaged ones included.
    pub(super) fn unmeasured(&self) -> usize {
        let pairs = self.comparison.pairs.iter();
        pairs.filter(|pair| pair.contests.is_empty() && !pair.failed_in_candidate()).count()
            + self.comparison.damaged.len()
            + self.unreached.len()
    }
}

/// Whether a verdict is news.
pub(super) fn is_change(verdict: Option<Verdict>) -> bool {
    matches!(verdict, Some(Verdict::Better | Verdict::Worse))
}

//! What is written about a change.

use std::path::Path;

use pocketwatt_record::{Run, Verdict};

use crate::{cases::Results, review::builds::Builds};

/// A run in which each runner of the head took turns with that of the base.
pub struct Review<'a> {
    /// Tells several comments of one pull request apart; letters, digits, and single hyphens, dots and underscores.
    pub key: &'a str,
    /// The commit of the head, if it is known.
    pub commit: Option<&'a str>,
    /// The commit of the change, if it is known that the head is its merge with the base.
    pub merge_of: Option<&'a str>,
    /// The commit of the base, if it is known.
    pub base_commit: Option<&'a str>,
    /// The run.
    pub run: &'a Run,
    /// Its folder.
    pub folder: &'a Path,
    /// Its records.
    pub results: &'a dyn Results,
    /// The cases of the base and those of the head, with their verdicts.
    pub builds: &'a Builds,
    /// When the job fails, in the user's words: `--fail-on worse`.
    pub rule: &'a str,
    /// Whether it fails.
    pub consequence: Consequence,
}

/// What follows from a review for the job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consequence {
    /// It does not fail.
    Passes,
    /// It fails by the user's rule, with this exit status.
    FailsByRule(u8),
    /// It fails with this exit status because not everything was measured.
    FailsIncomplete(u8),
}

impl Consequence {
    /// The exit status of the job.
    pub fn status(self) -> u8 {
        match self {
            Self::Passes => 0,
            Self::FailsByRule(status) | Self::FailsIncomplete(status) => status,
        }
    }
}

/// Whether a verdict is news.
pub(super) fn is_change(verdict: Option<Verdict>) -> bool {
    matches!(verdict, Some(Verdict::Better | Verdict::Worse))
}

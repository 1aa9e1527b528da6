//! What is written about two stored runs.

use pocketwatt_record::StoredPair;
use serde::Serialize;

use crate::table::Tally;

/// Two stored runs or records, compared.
#[derive(Debug)]
pub struct StoredComparison {
    /// Where the baseline is stored.
    pub baseline: String,
    /// Where the candidate is stored.
    pub candidate: String,
    /// The cases that both have, with their verdicts.
    pub pairs: Vec<StoredPair>,
    /// Identifiers of the cases that only the baseline has.
    pub only_in_baseline: Vec<String>,
    /// Identifiers of the cases that only the candidate has.
    pub only_in_candidate: Vec<String>,
    /// Files that were left out because they are damaged, with the reason.
    pub damaged: Vec<String>,
    /// Whether the noise between runs is known.
    pub calibration: CalibrationUse,
}

/// Whether the noise between runs is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum CalibrationUse {
    /// All cases were measured together, so it does not matter.
    NotNeeded,
    /// There is none.
    Missing {
        /// Why, in words.
        reason: String,
    },
    /// It is known from this file.
    Used {
        /// The file.
        file: String,
        /// When it was made, milliseconds since 1970 UTC.
        created_unix_ms: u64,
    },
}

impl StoredComparison {
    /// How many contests ended in which way.
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for pair in &self.pairs {
            let failed = usize::from(pair.failed_in_candidate());
            tally.failed_in_candidate += failed;
            tally.worse += failed;
            for contest in &pair.contests {
                tally.add(contest.verdict);
            }
        }
        tally
    }
}

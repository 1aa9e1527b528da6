//! A file of a history: one run of one commit.

use pocketwatt_files::sha256;
use pocketwatt_meter::DeviceFacts;
use pocketwatt_record::{Case, FormatVersion, MetricValue, Outcome, Passport, PhysicsCheck};
use serde::{Deserialize, Serialize};

use crate::{
    commit::Commit,
    error::{EntryDamage, HistoryError},
};

/// Version of the entries that this build writes. A reader accepts every minor version of its major version.
pub const HISTORY_FORMAT: FormatVersion = FormatVersion { major: 1, minor: 1 };

/// The ending of an entry's name.
const ENDING: &str = ".json";
/// Digits of the content's sha256 in an entry's name.
const DIGEST_DIGITS: usize = 32;
/// Most characters of a file's own text that a reason quotes.
const WORDS: usize = 200;

/// A run of a commit: all that a history keeps of it. It does not depend on when it was added, so adding it again changes nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Version of this format.
    pub format: FormatVersion,
    /// The commit.
    pub commit: Commit,
    /// The branch for which it was measured.
    pub branch: String,
    /// When the commit was made, milliseconds since 1970 UTC: the order of a history.
    pub time_unix_ms: u64,
    /// What the commit says about itself, in a line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The run.
    pub run: EntryRun,
    /// Its records, in the order of its plan.
    pub cases: Vec<EntryCase>,
}

/// What an entry keeps of `run.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EntryRun {
    /// Its name.
    pub id: String,
    /// Version of its format.
    pub format: FormatVersion,
    /// Version of the harness.
    pub pocketwatt: String,
    /// When it began, milliseconds since 1970 UTC.
    pub started_unix_ms: u64,
    /// Where it ran.
    pub device: DeviceFacts,
    /// The tree from which meters were read, where they were simulated; since format 1.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sysfs_root: Option<String>,
}

/// What an entry keeps of a record: everything but samples, readings and answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EntryCase {
    /// Version of the record's format.
    pub format: FormatVersion,
    /// SHA-256 of the record's file, which has the samples; absent if it could not be read again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record_sha256: Option<String>,
    /// What was to be measured.
    pub case: Case,
    /// Where its numbers come from.
    pub passport: Passport,
    /// Whether it was measured.
    pub outcome: Outcome,
    /// Number of blocks that count; 0 where it did not take turns.
    pub blocks: u64,
    /// Every metric.
    pub metrics: Vec<EntryMetric>,
    /// Whether the numbers are possible.
    pub checks: Vec<PhysicsCheck>,
}

/// A metric of a case, with the interval that needed the samples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EntryMetric {
    /// The numbers, or why there are none.
    pub observed: MetricValue,
    /// The ends of the 95 % interval of the median, over blocks or rounds, or of a meter; absent where one observation has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<(f64, f64)>,
}

/// The beginning of every entry, whatever follows.
#[derive(Deserialize)]
struct Head {
    format: FormatVersion,
}

impl Entry {
    /// The contents of its file: one line, without its end, so that nobody's rules for line ends change it.
    ///
    /// # Errors
    /// When a number cannot be written as JSON.
    pub fn contents(&self) -> Result<String, HistoryError> {
        serde_json::to_string(self).map_err(HistoryError::Unstorable)
    }

    /// Reads the contents of a file with that name.
    ///
    /// # Errors
    /// Why it is not the entry that its name says.
    pub fn read(name: &str, contents: &[u8]) -> Result<Self, EntryDamage> {
        if !named_after(name, contents) {
            return Err(EntryDamage::OtherContent);
        }
        let newer = |format: FormatVersion| format.major != HISTORY_FORMAT.major;
        match serde_json::from_slice::<Self>(contents) {
            Ok(entry) if newer(entry.format) => Err(EntryDamage::Newer(entry.format)),
            Ok(entry) => Ok(entry),
            Err(error) => Err(match serde_json::from_slice::<Head>(contents) {
                Ok(head) if newer(head.format) => EntryDamage::Newer(head.format),
                _ => EntryDamage::Malformed(error.to_string().chars().take(WORDS).collect()),
            }),
        }
    }
}

/// The name of a file with these contents: the commit, and the beginning of their sha256.
pub fn file_name(commit: &Commit, contents: &str) -> String {
    format!("{}-{}{ENDING}", commit.short(), &sha256(contents)[..DIGEST_DIGITS])
}

/// Whether a file may be an entry.
pub fn is_entry_name(name: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let parts = name.strip_suffix(ENDING).and_then(|stem| stem.split_once('-'));
    parts.is_some_and(|(commit, digest)| {
        (7..=10).contains(&commit.len()) && digits(commit) && digest.len() == DIGEST_DIGITS && digits(digest)
    })
}

fn named_after(name: &str, contents: &[u8]) -> bool {
    let digest = name.strip_suffix(ENDING).and_then(|stem| stem.split_once('-')).map(|(_, digest)| digest);
    digest.is_some_and(|digest| sha256(contents).starts_with(digest))
}

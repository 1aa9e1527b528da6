//! A file of a history: one run of one commit.

use std::cmp::Ordering;

use pocketwatt_files::sha256;
use pocketwatt_meter::DeviceFacts;
use pocketwatt_record::{Case, FormatVersion, MetricValue, Outcome, Passport, PhysicsCheck, RECORD_FORMAT};
use serde::{Deserialize, Serialize};

use crate::{
    commit::Commit,
    error::{EntryDamage, Formatted, HistoryError},
};

/// Version of the entries that this build writes. A reader accepts every minor version of its major version.
pub const HISTORY_FORMAT: FormatVersion = FormatVersion { major: 1, minor: 2 };

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
    /// What was planned and has no record; since format 1.2.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<MissingCase>,
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

/// A case of the plan that has no record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MissingCase {
    /// What was to be measured.
    pub case: Case,
    /// Why it has no record.
    pub why: Missing,
    /// The cores on which it was to compute, where the user chose them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cores: Option<String>,
    /// For how long its iterations were to follow one another, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sustain_ms: Option<u64>,
}

/// Why a case has no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Missing {
    /// The run ended before it, or goes on.
    NotReached,
    /// Its file is not a record of it.
    Damaged,
}

impl Missing {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::NotReached => "not reached",
            Self::Damaged => "its record cannot be read",
        }
    }
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

/// The formats of what an entry has of a run, whatever else it has.
#[derive(Deserialize)]
struct Formats {
    run: Head,
    cases: Vec<Head>,
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
        let digest = digest(contents);
        if name.strip_suffix(ENDING).and_then(|stem| stem.split_once('-')).is_none_or(|(_, named)| named != digest) {
            return Err(EntryDamage::OtherContent);
        }
        let entry = match serde_json::from_slice::<Self>(contents) {
            Ok(entry) => entry,
            Err(error) => return Err(unreadable(contents, &error)),
        };
        let cases = entry.cases.iter().map(|case| case.format);
        if let Some(damage) = other_format(entry.format, [entry.run.format].into_iter().chain(cases)) {
            return Err(damage);
        }
        let own_name = named(&entry.commit, &digest);
        if own_name == name { Ok(entry) } else { Err(EntryDamage::OtherName(own_name)) }
    }
}

/// Why a file cannot be read: one of another format may differ in anything but its formats.
fn unreadable(contents: &[u8], error: &serde_json::Error) -> EntryDamage {
    let head = serde_json::from_slice::<Head>(contents).ok();
    let formats = serde_json::from_slice::<Formats>(contents).ok();
    let records = formats.into_iter().flat_map(|Formats { run, cases }| [run].into_iter().chain(cases));
    head.and_then(|head| other_format(head.format, records.map(|head| head.format)))
        .unwrap_or_else(|| EntryDamage::Malformed(error.to_string().chars().take(WORDS).collect()))
}

/// What is wrong with the format of an entry, or of the run and the records in it, if this build cannot read it.
fn other_format(entry: FormatVersion, records: impl Iterator<Item = FormatVersion>) -> Option<EntryDamage> {
    let of_records = records.map(|format| (Formatted::Record, format, RECORD_FORMAT));
    [(Formatted::Entry, entry, HISTORY_FORMAT)].into_iter().chain(of_records).find_map(|(what, format, ours)| {
        match format.major.cmp(&ours.major) {
            Ordering::Less => Some(EntryDamage::Older { what, format }),
            Ordering::Equal => None,
            Ordering::Greater => Some(EntryDamage::Newer { what, format }),
        }
    })
}

/// The name of a file with these contents: the commit, and the beginning of their sha256.
pub fn file_name(commit: &Commit, contents: &str) -> String {
    named(commit, &digest(contents.as_bytes()))
}

fn named(commit: &Commit, digest: &str) -> String {
    format!("{}-{digest}{ENDING}", commit.short())
}

/// The beginning of the sha256 of a file's contents.
fn digest(contents: &[u8]) -> String {
    sha256(contents).chars().take(DIGEST_DIGITS).collect()
}

/// Whether a file may be an entry.
pub fn is_entry_name(name: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let parts = name.strip_suffix(ENDING).and_then(|stem| stem.split_once('-'));
    parts.is_some_and(|(commit, digest)| {
        (7..=10).contains(&commit.len()) && digits(commit) && digest.len() == DIGEST_DIGITS && digits(digest)
    })
}

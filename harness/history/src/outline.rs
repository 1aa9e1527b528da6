//! What is kept in memory, and in the index, of an entry.

use std::collections::HashSet;

use pocketwatt_record::{MetricId, MetricScope, Outcome, Value};
use serde::{Deserialize, Serialize};

use crate::{
    commit::Commit,
    conditions::Conditions,
    entry::{Entry, EntryCase, EntryMetric, EntryRun, Missing, MissingCase},
    subject::Subject,
};

/// An entry without its passports and details.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outline {
    /// The commit.
    pub commit: Commit,
    /// The branch for which it was measured.
    pub branch: String,
    /// When the commit was made, milliseconds since 1970 UTC.
    pub time_unix_ms: u64,
    /// What the commit says about itself, in a line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Name of the run.
    pub run: String,
    /// When the run began, milliseconds since 1970 UTC.
    pub started_unix_ms: u64,
    /// Name of the device.
    pub device: String,
    /// Whether a program imitates the device, so that its times are not the device's.
    pub emulated: bool,
    /// Whether meters were simulated, so that its joules are not the device's.
    pub simulated_meters: bool,
    /// Its cases, and after them those of its plan that have no record.
    pub cases: Vec<CaseOutline>,
}

/// A case of an entry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CaseOutline {
    /// Name of the case in its run.
    pub id: String,
    /// What was measured.
    pub subject: Subject,
    /// Under which conditions.
    pub conditions: Conditions,
    /// Why it has no numbers, if it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unmeasured: Option<String>,
    /// Why it has no record, if it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<Missing>,
    /// SHA-256 of the runner and of its engine's library.
    pub programs: [Option<String>; 2],
    /// SHA-256 of the record's file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record_sha256: Option<String>,
    /// The parts of the device that meters were to cover, in words, the preferred one first; not all of them may have a number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// What was measured, in the order of the catalogue.
    pub numbers: Vec<Number>,
}

/// A metric that was measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Number {
    /// The metric.
    pub metric: MetricId,
    /// The part of the device, for a metric of energy.
    pub scope: Option<String>,
    /// The median, in the metric's unit.
    pub value: f64,
    /// The ends of its 95 % interval.
    pub range: Option<(f64, f64)>,
}

/// What a run of a commit is recognised by, wherever and as whatever it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunIdentity<'a> {
    /// Name of the device.
    pub device: &'a str,
    /// Name of the run, which somebody may give to several.
    pub run: &'a str,
    /// When it began, milliseconds since 1970 UTC.
    pub started_unix_ms: u64,
    /// The commit.
    pub commit: &'a Commit,
}

impl Outline {
    /// How many cases have numbers.
    pub fn measured(&self) -> usize {
        self.cases.iter().filter(|case| case.unmeasured.is_none()).count()
    }

    /// How many cases have a record.
    pub fn recorded(&self) -> usize {
        self.cases.iter().filter(|case| case.missing.is_none()).count()
    }

    /// What the run is recognised by.
    pub fn identity(&self) -> RunIdentity<'_> {
        RunIdentity {
            device: &self.device,
            run: &self.run,
            started_unix_ms: self.started_unix_ms,
            commit: &self.commit,
        }
    }
}

impl From<Entry> for Outline {
    fn from(entry: Entry) -> Self {
        let Entry { commit, branch, time_unix_ms, message, run, cases, missing, .. } = entry;
        let emulated = run.device.emulated.is_some() || cases.iter().any(|case| case.passport.emulated.is_some());
        let recorded = cases.into_iter().filter(|case| !case.case.baseline).map(|case| outline(case, &run));
        let missing = missing.into_iter().filter(|missing| !missing.case.baseline).map(without_record);
        let cases = recorded.chain(missing).collect();
        Self {
            commit,
            branch,
            time_unix_ms,
            message,
            run: run.id,
            started_unix_ms: run.started_unix_ms,
            device: run.device.name,
            emulated,
            simulated_meters: run.sysfs_root.is_some(),
            cases,
        }
    }
}

fn without_record(missing: MissingCase) -> CaseOutline {
    CaseOutline {
        subject: Subject::of_missing(&missing),
        conditions: Conditions::default(),
        unmeasured: Some(missing.why.words().to_owned()),
        missing: Some(missing.why),
        programs: [None, None],
        record_sha256: None,
        scopes: Vec::new(),
        numbers: Vec::new(),
        id: missing.case.id,
    }
}

fn outline(entry: EntryCase, run: &EntryRun) -> CaseOutline {
    let EntryCase { case, passport, outcome, blocks, metrics, record_sha256, .. } = entry;
    let scopes = scopes(&metrics);
    let numbers = metrics.into_iter().filter_map(|metric| {
        let observed = metric.observed;
        let Value::Measured(summary) = observed.value else { return None };
        Some(Number {
            metric: observed.metric.id()?,
            scope: observed.scope.as_ref().map(scope_words),
            value: if observed.uncertainty.is_some() { summary.mean } else { summary.median },
            range: metric.range,
        })
    });
    CaseOutline {
        subject: Subject::of(&case, &passport),
        conditions: Conditions::of(&passport, run, blocks > 0),
        unmeasured: match outcome {
            Outcome::Measured => None,
            Outcome::Failed { message, .. } => Some(format!("failed: {message}")),
            Outcome::Skipped { reason } => Some(format!("skipped: {reason}")),
        },
        missing: None,
        id: case.id,
        programs: [passport.runner_sha256, passport.library_sha256],
        record_sha256,
        scopes,
        numbers: numbers.collect(),
    }
}

/// A record has each metric of energy once for each scope, the preferred one first.
fn scopes(metrics: &[EntryMetric]) -> Vec<String> {
    let mut seen = HashSet::new();
    let all = metrics.iter().filter_map(|metric| metric.observed.scope.as_ref()).map(scope_words);
    all.filter(|scope| seen.insert(scope.clone())).collect()
}

/// `package, powercap`.
fn scope_words(scope: &MetricScope) -> String {
    let part = scope.part.as_ref().map(|part| format!(" {part}")).unwrap_or_default();
    format!("{}{part}, {}", scope.scope.name(), scope.source.name())
}

/// How a number is stored: by its name, because positions differ from version to version.
#[derive(Serialize, Deserialize)]
struct StoredNumber(String, Option<String>, f64, Option<(f64, f64)>);

impl Serialize for Number {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.metric.name(), &self.scope, self.value, self.range).serialize(serializer)
    }
}

impl<'a> Deserialize<'a> for Number {
    fn deserialize<D: serde::Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        let StoredNumber(name, scope, value, range) = StoredNumber::deserialize(deserializer)?;
        let metric = MetricId::named(&name).ok_or_else(|| serde::de::Error::custom("a metric of another version"))?;
        Ok(Self { metric, scope, value, range })
    }
}

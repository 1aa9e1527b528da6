//! An entry from a stored run.

use std::collections::HashSet;

use pocketwatt_record::{Damaged, MetricValue, Record, Run, Statistic, Value, estimate};

use crate::{
    commit::{Commit, Moment},
    entry::{Entry, EntryCase, EntryMetric, EntryRun, HISTORY_FORMAT, Missing, MissingCase},
    error::HistoryError,
};

/// Most characters of a branch's name: git and file systems allow about as many.
const MOST_BRANCH: usize = 250;
/// Characters of a message that are kept, from its first line.
const MOST_MESSAGE: usize = 200;

/// What a run is kept as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfCommit {
    /// The commit.
    pub commit: Commit,
    /// The branch for which it was measured.
    pub branch: String,
    /// When the commit was made.
    pub time: Moment,
    /// What the commit says about itself; its first line is kept.
    pub message: Option<String>,
}

/// What a history keeps of a run's records, each with the sha256 of its file; `damaged` are the files that are none. Those of the other
/// build, with which a commit was compared in the same run, are left out: they are not of this commit.
///
/// # Errors
/// When nothing is left, or the branch's name is empty or too long.
pub fn entry_of(
    OfCommit { commit, branch, time, message }: &OfCommit,
    run: &Run,
    records: &[(Record, Option<String>)],
    damaged: &[Damaged],
) -> Result<Entry, HistoryError> {
    let characters = branch.chars().count();
    if characters > MOST_BRANCH {
        return Err(HistoryError::TooLong { what: "name of the branch", characters, most: MOST_BRANCH });
    }
    if branch.trim().is_empty() {
        return Err(HistoryError::NoBranch);
    }
    let cases: Vec<EntryCase> = records
        .iter()
        .filter(|(record, _)| !record.case.baseline)
        .map(|(record, sha256)| case_of(record, sha256))
        .collect();
    if cases.is_empty() {
        return Err(HistoryError::NothingMeasured(run.id.clone()));
    }
    let first_line =
        message.as_deref().and_then(|message| message.lines().map(str::trim).find(|line| !line.is_empty()));
    Ok(Entry {
        format: HISTORY_FORMAT,
        commit: commit.clone(),
        branch: branch.clone(),
        time_unix_ms: time.unix_ms,
        message: first_line.map(|line| line.chars().take(MOST_MESSAGE).collect()),
        run: EntryRun {
            id: run.id.clone(),
            format: run.format,
            pocketwatt: run.pocketwatt.clone(),
            started_unix_ms: run.started_unix_ms,
            device: run.device.clone(),
            sysfs_root: run.energy.sysfs_root.clone(),
        },
        cases,
        missing: missing(run, records, damaged),
    })
}

/// What was planned and has no record: a run may be kept before its end, or after it was interrupted.
fn missing(run: &Run, records: &[(Record, Option<String>)], damaged: &[Damaged]) -> Vec<MissingCase> {
    let reached: HashSet<&str> = records.iter().map(|(record, _)| record.case.id.as_str()).collect();
    let damaged: HashSet<&str> = damaged.iter().filter_map(|damaged| damaged.case.as_deref()).collect();
    let planned = run.plan.iter().map(|planned| &planned.case);
    planned
        .filter(|case| !case.baseline && !reached.contains(case.id.as_str()))
        .map(|case| MissingCase {
            case: case.clone(),
            why: if damaged.contains(case.id.as_str()) { Missing::Damaged } else { Missing::NotReached },
            cores: run.settings.cores.as_ref().map(|cores| cores.list.clone()),
            sustain_ms: run.settings.sustain_ms,
        })
        .collect()
}

fn case_of(record: &Record, sha256: &Option<String>) -> EntryCase {
    EntryCase {
        format: record.format,
        record_sha256: sha256.clone(),
        case: record.case.clone(),
        passport: record.passport.clone(),
        outcome: record.outcome.clone(),
        blocks: record.samples.counted_blocks().count() as u64,
        metrics: record
            .metrics
            .iter()
            .map(|value| EntryMetric { observed: value.clone(), range: range(record, value) })
            .collect(),
        checks: record.checks.clone(),
    }
}

/// The interval of the blocks or rounds; of a metric of energy, that of its meter.
fn range(record: &Record, value: &MetricValue) -> Option<(f64, f64)> {
    let (Value::Measured(_), Some(metric)) = (&value.value, value.metric.id()) else { return None };
    let found = if value.scope.is_some() { value.estimate() } else { estimate(record, metric, Statistic::Median) };
    found.ok()?.range.filter(|(low, high)| low.is_finite() && high.is_finite())
}

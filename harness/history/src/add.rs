//! An entry from a stored run.

use pocketwatt_record::{MetricValue, Record, Run, Statistic, Value, estimate};

use crate::{
    commit::{Commit, Moment},
    entry::{Entry, EntryCase, EntryMetric, EntryRun, HISTORY_FORMAT},
    error::HistoryError,
};

/// Most characters of a branch's name: git and file systems allow about as many.
const MOST_BRANCH: usize = 250;
/// Characters of a message that are kept, from its first line.
const MOST_MESSAGE: usize = 200;

/// What a history keeps of a run's records, each with the sha256 of its file. Those of the other build, with which a commit was compared
/// in the same run, are left out: they are not of this commit.
///
/// # Errors
/// When nothing is left, or the branch's name is empty or too long.
pub fn entry_of(
    commit: Commit,
    branch: &str,
    time: Moment,
    message: Option<&str>,
    run: &Run,
    records: &[(Record, Option<String>)],
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
    let first_line = message.and_then(|message| message.lines().map(str::trim).find(|line| !line.is_empty()));
    Ok(Entry {
        format: HISTORY_FORMAT,
        commit,
        branch: branch.to_owned(),
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
    })
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

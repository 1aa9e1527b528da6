//! Made-up histories: the entry of a stored run, as if it had been measured for commit after commit.

use std::path::Path;

use pocketwatt_history::{Commit, Entry, EntryMetric, Moment, OfCommit, entry_of};
use pocketwatt_record::{Direction, RunFolder, Value};

/// A day between two commits.
const DAY_MS: u64 = 86_400_000;
/// 1 June 2026.
const FIRST_MS: u64 = 1_780_272_000_000;
/// Relative standard deviation of runs of the same thing.
const SCATTER: f64 = 0.0125;

/// The entry of a stored run.
pub fn entry_of_run(folder: &Path) -> Entry {
    let folder = RunFolder::open(folder);
    let run = folder.run().expect("a run");
    let records = folder.records().expect("its records").intact.into_iter().map(|record| (record, None));
    let records: Vec<_> = records.collect();
    let of = OfCommit { commit: commit(0), branch: "main".into(), time: Moment { unix_ms: FIRST_MS }, message: None };
    entry_of(&of, &run, &records, &[]).expect("an entry")
}

/// The name of a made-up commit.
pub fn commit(number: usize) -> Commit {
    format!("{:016x}{number:024x}", mixed(number as u64)).parse().expect("hexadecimal digits")
}

/// That run for a commit, with every number a little different, and all times this many times as long: what takes less is better.
pub fn at_commit(run: &Entry, number: usize, slower: f64) -> Entry {
    let mut entry = run.clone();
    entry.commit = commit(number);
    entry.time_unix_ms = FIRST_MS + number as u64 * DAY_MS;
    entry.message = Some(format!("commit number {number}"));
    entry.run.id = format!("made-up-{number:05}");
    entry.run.started_unix_ms = entry.time_unix_ms;
    for (place, case) in entry.cases.iter_mut().enumerate() {
        case.passport.runner_sha256 = Some(format!("{:064x}", mixed((number * 1000 + place) as u64)));
        for (metric_place, metric) in case.metrics.iter_mut().enumerate() {
            let seed = ((number * 1000 + place) * 1000 + metric_place) as u64;
            scale(metric, (SCATTER * normal(seed)).exp(), slower);
        }
    }
    entry
}

fn scale(metric: &mut EntryMetric, factor: f64, slower: f64) {
    let direction = metric.observed.metric.id().map(|metric| metric.definition().direction);
    let factor = match direction {
        Some(Direction::LowerIsBetter) => factor * slower,
        Some(Direction::HigherIsBetter) => factor / slower,
        _ => factor,
    };
    if let Value::Measured(summary) = &mut metric.observed.value {
        summary.median *= factor;
        summary.mean *= factor;
    }
    metric.range = metric.range.map(|(low, high)| (low * factor, high * factor));
}

/// A number that looks random (`SplitMix64`).
fn mixed(number: u64) -> u64 {
    let state = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

fn normal(seed: u64) -> f64 {
    let uniform = |number: u64| ((mixed(number) >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
    (-2.0 * uniform(2 * seed).ln()).sqrt() * (std::f64::consts::TAU * uniform(2 * seed + 1)).cos()
}

//! Years of results, to see how databases cope with them.

use std::{env, fmt::Write, fs, path::PathBuf};

use pocketwatt_record::{Damaged, Record, Run, Value};

use super::write;
use crate::fixture::energy;

const RUNS: u64 = 2000;
const CASES_OF_RUN: usize = 50;
const DEVICES: u64 = 4;
const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// Since this run, one scenario is slower by 5 %.
const SLOWER_SINCE: u64 = 1600;

/// A repeatable share between 0.98 and 1.02.
fn noise(seed: u64) -> f64 {
    let mixed = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    0.98 + (mixed >> 40) as f64 / (1_u64 << 24) as f64 * 0.04
}

/// Run after run, a few each day, on several devices in turn.
fn run(number: u64, from: &Run) -> Run {
    let mut run = from.clone();
    run.started_unix_ms = from.started_unix_ms - (RUNS - number) * DAY_MS / 3;
    run.id = format!("run-{number:05}");
    run.device.name = format!("device-{}", number % DEVICES);
    run
}

fn records(number: u64, from: &[Record], started_unix_ms: u64) -> Vec<Record> {
    let records = from.iter().cycle().take(CASES_OF_RUN).cloned().enumerate();
    let records = records.map(|(place, mut record)| {
        let shape = place / from.len();
        record.case.scenario = format!("{}-{shape}", record.case.scenario);
        record.case.id = format!("{}-{shape}", record.case.id);
        record.passport.started_unix_ms = started_unix_ms + place as u64 * 60_000;
        let step = if number >= SLOWER_SINCE && shape == 1 { 1.05 } else { 1.0 };
        for (metric, value) in record.metrics.iter_mut().enumerate() {
            if let Value::Measured(summary) = &mut value.value {
                summary.median *= step * noise(number * 10_000 + place as u64 * 100 + metric as u64);
            }
        }
        record
    });
    records.collect()
}

/// Writes 100,000 cases into the folder `POCKETWATT_MANY`, and beside them the file `commits.csv`: which commit a run measured, and when.
///
///     POCKETWATT_MANY=/tmp/many cargo test -p pocketwatt-report many -- --ignored
#[test]
#[ignore = "it takes minutes, and a gigabyte"]
fn a_hundred_thousand_cases() {
    let folder = PathBuf::from(env::var_os("POCKETWATT_MANY").expect("POCKETWATT_MANY names a folder"));
    let (template, mut cases) = energy::metered();
    for record in &mut cases {
        // What no table has only takes time, and a few tokens of each answer are enough.
        record.readings.energy.clear();
        record.readings.memory.clear();
        record.samples.iterations.truncate(3);
        for turn in record.samples.iterations.iter_mut().flat_map(|iteration| &mut iteration.turns) {
            turn.token_times.truncate(8);
            turn.tokens.truncate(8);
        }
    }
    let mut commits = "run,commit_sha,commit_time\n".to_owned();
    for number in 0..RUNS {
        let run = run(number, &template);
        let records = records(number, &cases, run.started_unix_ms);
        let damaged: &[Damaged] = &[];
        write(&[(&run, &(&records[..], damaged))], &folder).unwrap();
        let _ = writeln!(commits, "{},{:040x},{}", run.id, number / DEVICES, run.started_unix_ms);
    }
    fs::write(folder.join("commits.csv"), commits).unwrap();
}

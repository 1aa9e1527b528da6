//! Sustained cases on the fake backend.
#![cfg(test)]

use std::fs;

use pocketwatt_protocol::IterationKind;
use pocketwatt_record::{AbsentKind, Record, SustainedMetric, Value};
use pocketwatt_tests::{Bench, Starts, wait_until};
use rustix::process::Signal;

const TALK: &str = r#"
name = "talk"
output-tokens = 6

[[turns]]
user = "Hello."

[[turns]]
user = "And then?"
"#;

/// First start, last end, and time between conversations, in seconds.
fn busy(record: &Record) -> (f64, f64) {
    let counted: Vec<_> =
        record.samples.iterations.iter().filter(|iteration| iteration.kind == IterationKind::Measured).collect();
    let start = |index: usize| counted[index].turns[0].start;
    let end = |index: usize| *counted[index].turns.last().unwrap().token_times.last().unwrap();
    let last = counted.len() - 1;
    let pauses: u64 = (1..=last).map(|index| start(index).since(end(index - 1))).sum();
    (end(last).since(start(0)) as f64 / 1e9, pauses as f64 / 1e9)
}

#[test]
fn conversations_fill_the_time_without_pauses() {
    let bench = Bench::new();
    let scenario = bench.write("talk.toml", TALK);
    let arguments = ["--scenario", &scenario, "--iterations", "1", "--sustain", "2s", "--turns"];
    let finished = bench.run("prefill=200us,decode=4ms", &arguments).expect_code(0);
    let folder = bench.folder();
    let run = folder.run().unwrap();
    assert_eq!((run.settings.sustain_ms, run.settings.settle_ms), (Some(2000), 0));
    let records = bench.records();
    let record = &records[0];
    assert_eq!(record.passport.sustain_ms, Some(2000));
    let (seconds, pauses) = busy(record);
    // The runner counts from before the first session is opened until the last iteration was reported.
    assert!(seconds >= 1.9, "{seconds} s");
    assert!(pauses < 0.5 * seconds, "{pauses} s of {seconds} s are pauses");
    for metric in [
        SustainedMetric::BurstDecodeThroughput,
        SustainedMetric::SustainedDecodeThroughput,
        SustainedMetric::SustainedShare,
    ] {
        assert!(record.summary(metric).is_some_and(|summary| summary.median > 0.0), "{metric:?}");
    }
    for row in ["sustained for 2 s:", "decode at first", "decode in the end", "of what it was at first", "turn 2, ms"] {
        assert!(finished.stdout.contains(row), "{row}\n{}", finished.stdout);
    }
    let chart = |name: &str| fs::read_to_string(folder.path().join("charts").join(name)).unwrap();
    assert!(chart("sustained.svg").contains("decode throughput, tokens/s"));
    assert!(chart("turn-latency.svg").contains("turn 2"));
}

#[test]
fn ordinary_runs_say_nothing_of_it() {
    let bench = Bench::new();
    let finished = bench.run("", &["--scenario", "decode-4", "--iterations", "3"]).expect_code(0);
    let record = &bench.records()[0];
    let value = record.value(SustainedMetric::SustainedShare).unwrap();
    assert_eq!(value.value, Value::Absent(AbsentKind::NotSustained.into()));
    assert!(!finished.stdout.contains("sustained"), "{}", finished.stdout);
    let charts = bench.folder().path().join("charts");
    assert!(!charts.join("sustained.svg").exists() && !charts.join("turn-latency.svg").exists());
}

#[test]
fn a_sustained_plan_takes_its_time() {
    let bench = Bench::new();
    let arguments = ["--scenario", "decode-4,decode-5", "--sustain", "10min", "--dry-run"];
    let finished = bench.run("", &arguments).expect_code(0);
    assert!(finished.stdout.contains("2 cases, about 20 min"), "{}", finished.stdout);
    bench.run("", &["--sustain", "10"]).expect_code(2).expect_stderr(&["such as 10min"]);
    bench.run("", &["--sustain", "10s", "--settle", "5"]).expect_code(2).expect_stderr(&["cannot be used with"]);
    bench.run("", &["--turns", "--format", "csv"]).expect_code(3).expect_stderr(&["--format json has the turns"]);
}

/// Measurements are kept, and the run continues as it began.
#[test]
fn an_interrupted_run_goes_on_sustained() {
    let bench = Bench::new();
    let plan = ["--scenario", "decode-4,decode-5,decode-6", "--iterations", "1", "--sustain", "1500ms"];
    let starts = Starts::new(&bench);
    let running = bench.start_run(&format!("decode=2ms,{}", starts.count()), &plan);
    wait_until("the second case", || starts.processes().len() == 2);
    running.signal(Signal::INT);
    running.finish().expect_code(130);
    let kept = bench.records();
    assert!((1..3).contains(&kept.len()), "{} records", kept.len());
    bench.resume("decode=2ms", &[]).expect_code(0);
    let records = bench.records();
    assert_eq!(records.len(), 3);
    assert!(records.iter().all(|record| busy(record).0 >= 1.4), "every case lasts");
    assert!(kept.iter().all(|record| records.contains(record)), "nothing is measured twice");
    bench.resume("", &["--sustain", "5s"]).expect_code(2).expect_stderr(&["cannot be used with"]);
}

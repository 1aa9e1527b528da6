//! No measurement is lost, however a run ends.
#![cfg(test)]

use std::{collections::BTreeMap, fs};

use pocketwatt_record::Outcome;
use pocketwatt_tests::{Bench, Running, Starts, is_alive, wait_until};
use rustix::process::Signal;

const PLAN: &[&str] = &["--scenario", "decode-2,decode-3,decode-4,decode-5", "--iterations", "1"];

/// A run of four cases that hangs in the third.
fn stuck(bench: &Bench, starts: &Starts) -> Running {
    let running = bench.start_run(&format!("fault=hang@decode,{}", starts.only(3)), PLAN);
    wait_until("the third case", || starts.processes().len() == 3);
    running
}

/// Name and contents of the stored cases.
fn stored(bench: &Bench) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(bench.folder().path().join("cases")).unwrap().map(Result::unwrap);
    let cases = entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()));
    // Names of unfinished files begin with a dot.
    cases.filter(|(name, _)| !name.starts_with('.')).collect()
}

/// Resumes, and checks that everything is there in the end and that stored cases were not measured again.
fn ensure_goes_on(bench: &Bench, starts: &Starts) {
    let before = stored(bench);
    assert_eq!(before.len(), 2, "{:?}", before.keys());
    bench.resume(&starts.count(), &[]).expect_code(0);
    let after = stored(bench);
    assert_eq!(after.len(), 4);
    for (name, contents) in &before {
        assert!(after[name] == *contents, "{name} was written again");
    }
    assert_eq!(starts.processes().len(), 3 + 2, "only the two missing cases were started");
    assert!(bench.records().iter().all(|record| record.outcome == Outcome::Measured));
}

#[test]
fn a_killed_run_goes_on_where_it_was() {
    let bench = Bench::new();
    let starts = Starts::new(&bench);
    let running = stuck(&bench, &starts);
    running.signal(Signal::KILL);
    assert_eq!(running.finish().code, None);
    let runner = starts.processes()[2];
    wait_until("the runner to follow its harness", || !is_alive(runner));
    ensure_goes_on(&bench, &starts);
}

fn hangup_is_ignored() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap().trim();
    u64::from_str_radix(ignored, 16).unwrap() & 1 != 0
}

#[test]
fn an_interrupted_run_says_how_to_go_on() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        // As under nohup, which every process below it inherits, and respects.
        if signal == Signal::HUP && hangup_is_ignored() {
            continue;
        }
        let bench = Bench::new();
        let starts = Starts::new(&bench);
        let running = stuck(&bench, &starts);
        running.signal(signal);
        let finished = running.finish().expect_code(130);
        assert!(!is_alive(starts.processes()[2]), "the runner is gone when pocketwatt is");
        let run = bench.folder().run().unwrap().id;
        let advice = format!("continue with `pocketwatt run --resume {run} --results results`");
        finished.expect_stderr(&["interrupted: 2 of 4 cases are stored", &advice]);
        ensure_goes_on(&bench, &starts);
    }
}

/// A terminal sends the signal to a whole process group. The case must not be recorded as failed because its
/// runner got the signal, too.
#[test]
fn ctrl_c_in_a_terminal_is_no_failure_of_the_runner() {
    let bench = Bench::new();
    let starts = Starts::new(&bench);
    let running = stuck(&bench, &starts);
    running.signal_group(Signal::INT);
    running.finish().expect_code(130);
    ensure_goes_on(&bench, &starts);
}

#[test]
fn failed_cases_are_measured_again_on_request_alone() {
    let bench = Bench::new();
    let starts = Starts::new(&bench);
    bench.run(&format!("fault=crash@load,{}", starts.only(2)), PLAN).expect_code(4);
    let before = stored(&bench);
    bench.resume(&starts.count(), &[]).expect_code(4);
    assert_eq!(starts.processes().len(), 4, "nothing was left to measure");
    assert!(stored(&bench) == before);
    bench.resume(&starts.count(), &["--retry"]).expect_code(0);
    assert_eq!(starts.processes().len(), 5);
    let after = stored(&bench);
    let changed: Vec<&String> = before.keys().filter(|name| before[*name] != after[*name]).collect();
    assert_eq!(changed, ["decode-3_tiny_fake_f32_1t.json"]);
}

#[test]
fn a_run_is_found_by_name_and_the_newest_without() {
    let bench = Bench::new();
    let starts = Starts::new(&bench);
    bench.run(&format!("fault=crash@load,{}", starts.only(1)), &["--scenario", "decode-2"]).expect_code(5);
    let first = bench.folder().run().unwrap().id;
    bench.run("", &["--scenario", "decode-3"]).expect_code(0);
    let script = starts.count();
    bench.start(&script, &["run", "--resume", &first, "--retry"]).finish().expect_code(0);
    assert_eq!(starts.processes().len(), 2);
    bench.start(&script, &["run", "--resume"]).finish().expect_code(0);
    assert_eq!(starts.processes().len(), 2, "the newest run is complete");
}

#[test]
fn another_model_of_that_name_is_not_measured_into_the_run() {
    let bench = Bench::new();
    let starts = Starts::new(&bench);
    let running = stuck(&bench, &starts);
    running.signal(Signal::KILL);
    running.finish();
    bench.pocketwatt(&["model", "generate", "tiny", "--seed", "7", "--force"]).expect_code(0);
    bench.resume("", &[]).expect_code(3).expect_stderr(&["model \"tiny\" has changed since the run began"]);
    assert_eq!(stored(&bench).len(), 2);
}

/// A rebuilt runner would appear as a difference between cases.
#[test]
fn another_runner_does_not_measure_into_the_run() {
    let bench = Bench::new();
    let starts = Starts::new(&bench);
    let running = stuck(&bench, &starts);
    running.signal(Signal::KILL);
    running.finish();
    let mut record = bench.records().remove(0);
    record.passport.runner_sha256 = Some("0".repeat(64));
    bench.folder().write(&record).unwrap();
    bench
        .resume("", &[])
        .expect_code(3)
        .expect_stderr(&["the runner of fake is another program than when the run began"]);
    assert_eq!(stored(&bench).len(), 2);
}

#[test]
fn the_plan_is_not_changed_on_the_way() {
    let bench = Bench::new();
    bench.resume("", &["--iterations", "9"]).expect_code(2).expect_stderr(&["cannot be used with"]);
}

#[test]
fn what_the_plan_says_is_not_told_anew() {
    let bench = Bench::new();
    for option in [&["--precision", "int4"][..], &["--sweep", "layers=2"], &["--items", "3"], &["--no-quality"]] {
        let refused = bench.pocketwatt(&[&["run", "--resume"], option].concat()).expect_code(2);
        refused.expect_stderr(&["cannot be used with", option[0]]);
    }
}

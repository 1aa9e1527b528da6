//! Several that measure, store and look at the same time.
#![cfg(test)]

use std::fs;

use pocketwatt_record::{Outcome, RunFolder};
use pocketwatt_tests::{Bench, Running, Starts, is_alive, wait_until};
use rustix::process::Signal;

const PLAN: &[&str] = &["--scenario", "decode-2,decode-3", "--iterations", "1"];

/// A run that is stuck in its second case.
fn stuck(bench: &Bench, starts: &Starts) -> Running {
    let running = bench.start_run(&format!("fault=hang@decode,{}", starts.only(2)), PLAN);
    wait_until("the second case", || starts.processes().len() == 2);
    running
}

/// The runs below the folder of results.
fn runs(bench: &Bench) -> Vec<RunFolder> {
    let devices = fs::read_dir(bench.path("results")).unwrap().map(|entry| entry.unwrap().path());
    let runs = devices.filter(|device| device.is_dir()).flat_map(|device| fs::read_dir(device).unwrap());
    runs.map(|entry| RunFolder::open(&entry.unwrap().path())).collect()
}

#[test]
fn runs_of_one_second_do_not_share_a_folder() {
    let bench = Bench::new();
    bench.pocketwatt(&["model", "generate", "tiny"]).expect_code(0);
    let running: Vec<Running> = (0..3).map(|_| bench.start_run("", PLAN)).collect();
    for running in running {
        running.finish().expect_code(0);
    }
    let runs = runs(&bench);
    assert_eq!(runs.len(), 3);
    for folder in runs {
        assert_eq!(folder.run().unwrap().id, folder.path().file_name().unwrap().to_str().unwrap());
        let records = folder.records().unwrap().intact;
        assert!(records.len() == 2 && records.iter().all(|record| record.outcome == Outcome::Measured));
    }
}

#[test]
fn a_run_has_one_owner() {
    let bench = Bench::new();
    let starts = Starts::new(&bench);
    let running = stuck(&bench, &starts);
    let name = bench.folder().run().unwrap().id;
    let owner = format!("run {name} is being measured by pocketwatt, process {} on ", running.id());
    for more in [&["--retry"] as &[&str], &[]] {
        bench.resume("", more).expect_code(3).expect_stderr(&[&owner]);
    }
    bench.pocketwatt(&["show"]).expect_code(0);
    running.signal(Signal::KILL);
    assert_eq!(running.finish().code, None);
    wait_until("the runner to follow its harness", || !is_alive(starts.processes()[1]));
    bench.resume("", &[]).expect_code(0);
    assert_eq!(bench.records().len(), 2);
}

//! Several processes that measure, store and read at the same time.
#![cfg(test)]

use std::fs;

use pocketwatt_record::{Outcome, RunFolder};
use pocketwatt_tests::{Bench, Running, Starts, is_alive, wait_until};
use rustix::process::{Pid, Signal, kill_process};

const PLAN: &[&str] = &["--scenario", "decode-2,decode-3", "--iterations", "1"];

/// A run that hangs in its second case.
fn stuck(bench: &Bench, starts: &Starts) -> Running {
    let running = bench.start_run(&format!("fault=hang@decode,{}", starts.only(2)), PLAN);
    wait_until("the second case", || starts.processes().len() == 2);
    running
}

/// The runs below the results folder.
fn runs(bench: &Bench) -> Vec<RunFolder> {
    let devices = fs::read_dir(bench.path("results")).unwrap().map(|entry| entry.unwrap().path());
    let runs = devices.filter(|device| device.is_dir()).flat_map(|device| fs::read_dir(device).unwrap());
    runs.map(|entry| RunFolder::open(&entry.unwrap().path())).collect()
}

#[test]
fn runs_of_one_second_do_not_share_a_folder() {
    let bench = Bench::new();
    bench.pocketwatt(&["model", "generate", "tiny"]).expect_code(0);
    let plan = [PLAN, &["--allow-beside"]].concat();
    let running: Vec<Running> = (0..3).map(|_| bench.start_run("", &plan)).collect();
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

fn said(running: &Running, text: &str) {
    wait_until(text, || running.said().contains(text));
}

#[test]
fn one_measures_on_the_device_at_a_time() {
    let bench = Bench::new();
    let starts = Starts::new(&bench);
    let first = stuck(&bench, &starts);
    let holder = format!("pocketwatt, process {} on ", first.id());
    for command in [&["run", "--backend", "fake", "--model", "tiny"] as &[&str], &["probe", "bandwidth"]] {
        bench.pocketwatt(command).expect_code(6).expect_stderr(&[&holder, "--wait"]);
    }
    let doctor = bench.pocketwatt(&["doctor", "--backend", "fake", "--model", "tiny"]).expect_code(6).stdout;
    assert!(doctor.contains(&holder), "{doctor}");
    bench.pocketwatt(&["run", "--backend", "fake", "--model", "tiny", "--dry-run"]).expect_code(0);

    let impatient = bench.start_run("", &[PLAN, &["--wait"]].concat());
    said(&impatient, "waiting until it ends");
    impatient.signal(Signal::INT);
    impatient.finish().expect_code(130);
    let patient = bench.start_run("", &[PLAN, &["--wait"]].concat());
    said(&patient, "waiting until it ends");
    first.signal(Signal::KILL);
    patient.finish().expect_code(0);
    assert!(bench.records().iter().all(|record| record.passport.beside.is_none()));
}

#[test]
fn what_was_measured_beside_something_else_is_marked() {
    let bench = Bench::new();
    let starts = Starts::new(&bench);
    let first = stuck(&bench, &starts);
    let first_run = bench.folder();
    let holder = format!("pocketwatt, process {} on ", first.id());
    let second = ["--device", "other", "--allow-beside", "--iterations", "1"];
    let shown = bench.run("", &[&second[..], &["--scenario", "decode-4"]].concat()).expect_code(0).stdout;
    // Long notes are wrapped.
    let unwrapped = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(unwrapped.contains(&format!("measured at the same time as {holder}")), "{shown}");
    let markers = |folder: &RunFolder| -> Vec<Option<String>> {
        folder.records().unwrap().intact.into_iter().map(|record| record.passport.beside).collect()
    };
    let beside = runs(&bench).into_iter().find(|folder| folder.path() != first_run.path()).unwrap();
    assert!(markers(&beside)[0].as_ref().unwrap().starts_with(&holder));
    let name = beside.path().to_str().unwrap();
    for format in ["markdown", "json", "csv"] {
        let shown = bench.pocketwatt(&["show", name, "--format", format]).expect_code(0).stdout;
        assert!(shown.contains(&holder), "{format}: {shown}");
    }
    // The first one notices it, too, when its case ends, here because its runner dies.
    kill_process(Pid::from_raw(starts.processes()[1]).unwrap(), Signal::KILL).unwrap();
    first.finish().expect_code(4);
    assert!(matches!(&markers(&first_run)[..], [None, Some(_)]), "{:?}", markers(&first_run));
    let again = ["run", "--resume", first_run.path().to_str().unwrap(), "--retry"];
    bench.pocketwatt(&again).expect_code(0);
    assert_eq!(markers(&first_run), [None, None]);
}

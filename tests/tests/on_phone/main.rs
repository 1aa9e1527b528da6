//! `pocketwatt on-phone`: jobs from their request to their end, on a folder that stands for a phone. No job changes a phone for good,
//! whatever happens to its processes, and nothing that was stored is lost.
#![cfg(test)]

mod awake;
mod kills;
mod phone;
mod untethered;
mod waiting;

use std::{fs, os::unix::fs::symlink};

use phone::{ODD, Phone, RUN};
use pocketwatt_phone::job::{Cleaned, JobLife, Stage};
use pocketwatt_record::Outcome;
use pocketwatt_tests::{is_alive, wait_for, wait_until};
use rustix::process::{Pid, Signal, kill_process};

fn signal(process: i32, signal: Signal) {
    // It may have ended.
    let _ = kill_process(Pid::from_raw(process).unwrap(), signal);
}

#[test]
fn a_job_measures_and_leaves_the_phone_as_it_was() {
    let phone = Phone::new();
    phone.set("global.stay_on_while_plugged_in", ODD);
    let before = phone.settings();
    phone.request("a", RUN, None);
    phone.start("decode=100ms", "a");
    let processes = phone.wait_for_processes("a");
    let run = wait_for("the run", || processes.run());
    let changed = phone.before("a").unwrap();
    let change = &changed.settings[0];
    assert_eq!((change.what(), change.before.as_deref()), ("global stay_on_while_plugged_in".into(), Some(ODD)));
    assert_eq!(phone.settings().0[0].1, "7");
    let environment = fs::read(format!("/proc/{run}/environ")).unwrap();
    let environment = String::from_utf8_lossy(&environment).into_owned();
    let root = phone.root().display().to_string();
    for (variable, place) in [
        ("HOME", ""),
        ("TMPDIR", "/tmp"),
        ("POCKETWATT_CACHE", "/cache"),
        ("POCKETWATT_CHANGED_SETTINGS", "/jobs/a/before.json"),
    ] {
        assert!(environment.contains(&format!("\0{variable}={root}{place}\0")), "{variable} in {environment}");
    }

    let report = phone.end("a");
    assert_eq!((report.life, report.state.stage), (JobLife::Ended, Stage::Ended { status: 0 }));
    assert_eq!((report.state.stored, report.state.cases, report.has_changed_settings), (3, Some(3), false));
    assert!(report.bytes > 10_000, "{}", report.bytes);
    assert_eq!(phone.settings(), before);
    assert!(phone.calls().contains("input keyevent KEYCODE_WAKEUP"));
    assert_eq!(fs::read_to_string(phone.folder("a").exit()).unwrap(), "0\n");
    assert!(fs::read_to_string(phone.folder("a").log()).unwrap().contains("[3/3] decode-4"));
    assert!(fs::read_to_string(phone.folder("a").output()).unwrap().contains("decode, tokens/s"));
    let records = phone.records("a");
    assert!(records.len() == 3 && records.iter().all(|record| record.outcome == Outcome::Measured));
    assert_eq!(phone.restore(), [], "nothing is left to put back");
    phone.ensure_gone(&[processes.shell, processes.carrier, run]);
}

#[test]
fn a_phone_carries_out_one_job_at_a_time() {
    let phone = Phone::new();
    for id in ["a", "b"] {
        phone.request(id, RUN, None);
    }
    phone.start("decode=300ms", "a");
    let processes = phone.wait_for_processes("a");
    wait_for("the run", || processes.run());
    let refused = phone.ask(&["carry-out", "b"]).expect_code(6);
    assert!(
        refused.stderr.contains(&format!("job a, process {} is going on", processes.carrier)),
        "{}",
        refused.stderr
    );
    let jobs = phone.jobs();
    assert_eq!((jobs[0].life, jobs[0].state.stage), (JobLife::Running, Stage::Measuring));
    assert_eq!((jobs[1].life, jobs[1].state.stage), (JobLife::Ended, Stage::Failed));
    assert!(jobs[1].state.words.as_ref().unwrap().contains("job a"), "{jobs:?}");
    phone.ask(&["carry-out", "a"]).expect_code(6);
    assert_eq!(phone.restore(), [], "its settings stay as it needs them");
    assert!(phone.before("a").is_some());
    phone.ask(&["clean"]).expect_code(6).expect_stderr(&["nothing is removed: job a"]);
    assert_eq!(phone.end("a").state.stage, Stage::Ended { status: 0 });

    let cleaned: Vec<Cleaned> = phone::lines(&phone.ask(&["clean"]).expect_code(0));
    assert!(cleaned[0].jobs.len() == 2 && cleaned[0].bytes > 10_000, "{cleaned:?}");
    assert!(phone.jobs().is_empty() && phone.root().join("cache/models/tiny").exists());
    let root = phone.root();
    fs::write(root.join("of mine"), "").unwrap();
    phone.ask(&["clean", "--all"]).expect_code(0);
    let left: Vec<_> = fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["of mine"]);
}

#[test]
fn a_stopped_job_stores_what_it_has() {
    let phone = Phone::new();
    phone.request("a", RUN, None);
    phone.start("decode=500ms", "a");
    let processes = phone.wait_for_processes("a");
    wait_for("the run", || processes.run());
    wait_until("a record", || phone.records("a").len() == 1);
    let report = phone::lines(&phone.ask(&["stop", "a"]).expect_code(0)).pop();
    let report: pocketwatt_phone::job::JobReport = report.unwrap();
    assert_eq!((report.life, report.state.stage), (JobLife::Ended, Stage::Ended { status: 130 }));
    assert!((1..3).contains(&report.state.stored), "{report:?}");
    assert_eq!(phone.settings(), (Vec::new(), false), "a setting that was not there is removed");
    assert!(!is_alive(processes.carrier));
    phone.ask(&["stop", "b"]).expect_code(1).expect_stderr(&["there is no job b that was started"]);

    // A request that cannot be carried out says so.
    fs::create_dir(phone.folder("b").path()).unwrap();
    fs::write(phone.folder("b").request(), "{").unwrap();
    phone.ask(&["carry-out", "b"]).expect_code(4);
    let failed = phone.end("b");
    assert_eq!(failed.state.stage, Stage::Failed);
    assert!(failed.state.words.unwrap().contains("request.json is not understood"));
    phone.ask(&["carry-out", "../x"]).expect_code(2);
}

#[test]
fn the_manifest_has_the_files_of_the_run_and_no_others() {
    let phone = Phone::new();
    phone.request("a", RUN, None);
    phone.start("", "a");
    phone.end("a");
    let all = phone.manifest("a");
    all.check().unwrap();
    assert_eq!(all.files.iter().filter(|file| file.path.contains("/cases/")).count(), 3);
    for file in &all.files {
        let path = phone.folder("a").results().join(&file.path);
        assert_eq!(pocketwatt_model::sha256_of_file(&path).unwrap(), file.sha256);
        assert_eq!(fs::metadata(path).unwrap().len(), file.bytes);
    }
    let run = phone.folder("a").results().join(&all.files[0].path).ancestors().nth(2).unwrap().to_owned();
    symlink("/etc/passwd", run.join("linked.json")).unwrap();
    symlink("/etc", run.join("linked")).unwrap();
    for name in ["a b", "it's", "$(id)", "-rf", "a\nb", "..."] {
        fs::write(run.join(name), "x").unwrap();
    }
    let listed = phone.ask(&["manifest", "a"]).expect_code(0).expect_stderr(&["7 files or links that no run writes"]);
    assert_eq!(phone::lines::<pocketwatt_phone::job::Manifest>(&listed), [all]);
}

/// Phones have mksh and toybox; Debian's shell is dash.
#[test]
fn a_job_starts_in_every_shell() {
    for shell in ["dash", "mksh", "bash", "busybox"] {
        let found = ["/bin", "/usr/bin"].map(|folder| format!("{folder}/{shell}"));
        let Some(path) = found.iter().find(|path| std::path::Path::new(path).exists()) else {
            println!("there is no {shell} here");
            continue;
        };
        let phone = Phone::new();
        symlink(path, phone.system("commands/sh")).unwrap();
        // toybox and busybox know what they shall be from their name.
        if std::path::Path::new("/usr/bin/toybox").exists() {
            symlink("/usr/bin/toybox", phone.system("commands/setsid")).unwrap();
        }
        phone.request("a", RUN, None);
        phone.start_in("sh", "", "a");
        assert_eq!(phone.end("a").state.stage, Stage::Ended { status: 0 }, "{shell}");
        assert_eq!(phone.settings(), (Vec::new(), false));
    }
    let phone = Phone::new();
    fs::remove_file(phone.root().join("bin/pocketwatt")).unwrap();
    let line = pocketwatt_phone::job::start_command(phone.root().to_str().unwrap(), &phone::job("a"));
    let started = phone.bench.start_program("sh".as_ref(), "", &["-c", &line]).finish();
    assert_eq!((started.code, &*started.stdout), (Some(127), ""));
}

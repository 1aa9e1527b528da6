//! What a runner starts ends with it; and the part of the user's environment that it may see.
#![cfg(test)]

use std::{
    ffi::OsString,
    fs,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::Path,
};

use pocketwatt_record::Outcome;
use pocketwatt_tests::{Bench, Starts, is_alive, wait_for, wait_until};
use rustix::process::Signal;

const PLAN: &[&str] = &["--scenario", "decode-2", "--iterations", "1"];

fn process(file: &Path) -> i32 {
    wait_for("a process to tell its number", || fs::read_to_string(file).ok()?.trim().parse().ok())
}

#[test]
fn a_wrapper_that_ends_is_noticed_at_once_and_takes_its_children_along() {
    for start in ["", "setsid "] {
        let mut bench = Bench::new();
        let child = bench.path("child");
        // It holds the runner's output open for a quarter of an hour.
        bench.wrap_runner(&format!(
            "{start}sh -c 'echo $$ >{child}; exec sleep 900' &\nwhile [ ! -s {child} ]; do :; done\necho gone >&2\nexit 3",
            child = child.display()
        ));
        bench.run("", PLAN).expect_code(5);
        let Outcome::Failed { message, .. } = &bench.records()[0].outcome else { panic!() };
        assert_eq!(message, "the runner exited with status 3 before it was done: gone", "{start:?}");
        let child = process(&child);
        wait_until("the child to follow", || !is_alive(child));
    }
}

#[test]
fn a_wrapper_that_is_killed_takes_the_runner_along() {
    let mut bench = Bench::new();
    let starts = Starts::new(&bench);
    bench.wrap_runner("RUNNER\nexit $?");
    bench.run(&format!("fault=hang@decode,{}", starts.count()), &[PLAN, &["--timeout", "1"]].concat()).expect_code(5);
    let Outcome::Failed { message, .. } = &bench.records()[0].outcome else { panic!() };
    assert!(message.starts_with("the runner wrote nothing for 1 s and was killed"), "{message}");
    let runner = starts.processes()[0];
    wait_until("the runner to follow", || !is_alive(runner));
    bench.run("", PLAN).expect_code(0);
}

#[test]
fn a_killed_harness_takes_all_along() {
    let mut bench = Bench::new();
    let starts = Starts::new(&bench);
    let (wrapper, child) = (bench.path("wrapper"), bench.path("child"));
    bench.wrap_runner(&format!(
        "echo $$ >{}\nsleep 900 &\necho $! >{}\nRUNNER\nexit $?",
        wrapper.display(),
        child.display()
    ));
    let running = bench.start_run(&format!("fault=hang@decode,{}", starts.count()), PLAN);
    wait_until("the runner to start", || !starts.processes().is_empty());
    let family = [process(&wrapper), process(&child), starts.processes()[0]];
    assert!(family.iter().all(|process| is_alive(*process)));
    running.signal(Signal::KILL);
    running.finish();
    for process in family {
        wait_until("it to follow its harness", || !is_alive(process));
    }
}

#[test]
fn engines_see_their_settings_and_no_keys() {
    let mut bench = Bench::new();
    let seen = bench.path("seen");
    bench.wrap_runner(&format!("env >{}\nexec RUNNER", seen.display()));
    for name in
        ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "AWS_ACCESS_KEY_ID", "GITHUB_TOKEN", "MY_ENGINE_MODE", "SSH_AUTH_SOCK"]
    {
        bench.set(name, "s3cret");
    }
    bench.set("OMP_PLACES", OsString::from_vec(b"bytes\xff".to_vec()));
    let variables = |bench: &Bench, more: &[&str]| {
        bench.run("", &[PLAN, more].concat()).expect_code(0);
        let text = fs::read(&seen).unwrap();
        text.split(|byte| *byte == b'\n').map(|line| OsString::from_vec(line.to_vec())).collect::<Vec<_>>()
    };
    let has = |lines: &[OsString], part: &[u8]| lines.iter().any(|line| line.as_bytes().starts_with(part));
    let lines = variables(&bench, &[]);
    assert!(has(&lines, b"PATH=") && has(&lines, b"OMP_PLACES=bytes\xff") && has(&lines, b"POCKETWATT_CACHE="));
    assert!(!lines.iter().any(|line| line.to_string_lossy().contains("s3cret")), "{lines:?}");
    let backends = bench.write(
        "backends.toml",
        "[fake]\nbinary = \"pocketwatt-fake\"\nsummary = \"-\"\nprecisions = [\"f32\"]\nscored = false\n\
         inherit = [\"MY_ENGINE_*\", \"GITHUB_*\"]\n",
    );
    let lines = variables(&bench, &["--backends", &backends]);
    assert!(has(&lines, b"MY_ENGINE_MODE=") && !has(&lines, b"GITHUB_TOKEN="));
}

/// The path at which this program was compiled may belong to another user on the machine that it runs on.
#[test]
fn an_installed_program_runs_nothing_of_the_source_tree() {
    let mut bench = Bench::new();
    let ran = bench.path("ran");
    bench.wrap_runner(&format!("echo >{}", ran.display()));
    fs::rename(bench.path("runners/pocketwatt-fake"), bench.path("runners/cargo")).unwrap();
    bench.set("POCKETWATT_RUNNERS", "");
    bench.set("PATH", format!("{}:/usr/bin:/bin", bench.path("runners").display()));
    let installed = bench.install();
    let run = ["run", "--backend", "candle", "--model", "tiny", "--no-probe", "--scenario", "decode-2"];
    bench.start_program(&installed, "", &run).finish().expect_code(5);
    let Outcome::Skipped { reason } = &bench.records()[0].outcome else { panic!() };
    assert!(reason.contains("bin/pocketwatt-candle: install it there"), "{reason}");
    assert!(!ran.exists(), "cargo was run");
}

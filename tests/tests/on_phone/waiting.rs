//! A host that listens, goes away and comes back.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::Stdio,
    thread,
    time::Duration,
};

use pocketwatt_phone::job::{JobState, Stage, WaitLine};
use pocketwatt_protocol::{Clock, MonotonicClock};
use pocketwatt_tests::wait_for;
use rustix::process::Signal;

use crate::{
    phone::{Phone, RUN},
    signal,
};

fn parts(line: &WaitLine) -> (&JobState, &str, u64) {
    match line {
        WaitLine::Beat { state, log, log_bytes } => (state, log, *log_bytes),
        WaitLine::End { report, log, log_bytes } => (&report.state, log, *log_bytes),
    }
}

/// Kills each `wait` after some lines, and goes on from the last line that was read.
#[test]
fn a_wait_that_is_killed_and_started_again_loses_no_line_of_the_log() {
    let phone = Phone::new();
    let many = "decode-2,decode-3,decode-4,decode-5,decode-6,decode-7,decode-8,decode-9";
    let run: Vec<&str> = RUN.iter().map(|word| if word.starts_with("decode") { many } else { word }).collect();
    phone.request("a", &run, None);
    phone.start("decode=30ms", "a");
    let (mut log, mut from, mut waits) = (String::new(), 0, 0);
    let report = loop {
        let program = phone.root().join("bin/pocketwatt");
        let mut wait = phone.bench.command("");
        let mut other = std::process::Command::new(program);
        other.args(["on-phone", "wait", "a", "--every", "1", "--log-from", &from.to_string()]);
        other.envs(wait.get_envs().filter_map(|(name, value)| Some((name, value?))));
        wait = other;
        let mut child = wait.stdout(Stdio::piped()).spawn().unwrap();
        waits += 1;
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut end = None;
        for _ in 0..2 {
            let Some(line) = lines.next() else { break };
            let line: WaitLine = serde_json::from_str(&line).unwrap();
            let (_, more, bytes) = parts(&line);
            log += more;
            assert_eq!(from + more.len() as u64, bytes);
            from = bytes;
            if let WaitLine::End { report, .. } = line {
                end = Some(report);
                break;
            }
        }
        thread::sleep(Duration::from_millis(20));
        child.kill().unwrap();
        child.wait().unwrap();
        if let Some(report) = end {
            break report;
        }
    };
    assert_eq!(report.state.stage, Stage::Ended { status: 0 });
    assert!(waits > 1, "{waits}");
    assert_eq!(log, fs::read_to_string(phone.folder("a").log()).unwrap());
    assert!(log.contains("[8/8]"), "{log}");
}

#[test]
fn the_end_is_told_at_once_and_each_change_of_the_state() {
    let phone = Phone::new();
    phone.request("a", RUN, None);
    phone.start("decode=200ms", "a");
    let processes = phone.wait_for_processes("a");
    let begin = MonotonicClock.now();
    let lines = phone.ask(&["wait", "a", "--every", "3600"]).expect_code(0);
    let lines: Vec<WaitLine> = crate::phone::lines(&lines);
    assert!(matches!(lines[0], WaitLine::Beat { .. }) && lines.len() >= 2, "{lines:?}");
    assert!(matches!(lines.last(), Some(WaitLine::End { .. })));
    assert!(MonotonicClock.now().since(begin) < 100_000_000_000, "it did not wait for the next beat");
    assert!(lines.iter().any(|line| parts(line).0.stage == Stage::Measuring), "{lines:?}");
    phone.ensure_gone(&[processes.carrier]);
    phone.ask(&["wait", "b"]).expect_code(1).expect_stderr(&["there is no job b that was started"]);
}

#[test]
fn a_wait_whose_reader_is_gone_ends() {
    let phone = Phone::new();
    phone.request("a", RUN, None);
    phone.start("decode=1s", "a");
    let processes = phone.wait_for_processes("a");
    let run = wait_for("the run", || processes.run());
    let program = phone.root().join("bin/pocketwatt");
    let mut wait = std::process::Command::new(program);
    wait.args(["on-phone", "wait", "a", "--every", "3600"]).stdout(Stdio::piped());
    let mut child = wait.spawn().unwrap();
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    reader.read_line(&mut String::new()).unwrap();
    drop(reader);
    let ended = wait_for("the end of wait", || child.try_wait().unwrap());
    assert!(ended.success(), "{ended}");
    // Signals to the job's process reach the run, which stores what it has.
    signal(processes.carrier, Signal::HUP);
    assert_eq!(phone.end("a").state.stage, Stage::Ended { status: 130 });
    phone.ensure_gone(&[run]);
}

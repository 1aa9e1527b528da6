//! `--cores`: runners compute on the cores that the user names.
#![cfg(test)]

use std::{fs, path::PathBuf};

use pocketwatt_record::Outcome;
use pocketwatt_tests::{Bench, Starts, wait_for, wait_until};
use rustix::{
    process::Pid,
    thread::{CpuSet, sched_getaffinity, sched_setaffinity},
};
use serde_json::Value;

const PLAN: [&str; 4] = ["--scenario", "prefill-4-decode-4", "--iterations", "2"];

/// The cores on which this test may run.
fn allowed() -> Vec<usize> {
    let own = sched_getaffinity(None).unwrap();
    (0..CpuSet::MAX_CPU).filter(|&core| own.is_set(core)).collect()
}

fn allowed_list(process: i32) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    Some(status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?.trim().to_owned())
}

#[test]
fn a_runner_is_on_the_named_core_and_its_record_says_so() {
    let bench = Bench::new();
    let core = allowed().last().unwrap().to_string();
    let starts = Starts::new(&bench);
    let script = format!("decode=300ms,{}", starts.count());
    let running = bench.start_run(&script, &[&PLAN[..], &["--cores", &core, "--threads", "2"]].concat());
    let of_runner = wait_for("the runner", || starts.processes().first().and_then(|process| allowed_list(*process)));
    assert_eq!(of_runner, core);
    if allowed().len() > 1 {
        let is_back = || allowed_list(running.id() as i32).is_none_or(|harness| harness != core);
        wait_until("the harness, which is put back once the runner is started", is_back);
    }
    let finished = running.finish().expect_code(0).expect_stderr(&[
        &format!("--cores {core}: runners compute on core {core}"),
        "2 threads have 1 core: they wait for each other",
    ]);
    let record = bench.records().remove(0);
    assert_eq!(record.passport.cores.as_deref(), Some(&*core));
    let cores = record.readings.runner_cores.unwrap();
    assert_eq!((cores.allowed.as_deref(), cores.allowed_at_end), (Some(&*core), None));
    assert_eq!(cores.last_ran_on, [core.parse::<u32>().unwrap()]);
    assert!(finished.stdout.contains(&format!("2 threads on cores {core}")), "{}", finished.stdout);
    assert!(!finished.stdout.contains("ran last on"), "{}", finished.stdout);
    let run = bench.folder().run().unwrap();
    let pinned = run.settings.cores.unwrap();
    assert_eq!((&*pinned.asked, &*pinned.list), (&*core, &*core));
}

#[test]
fn a_runner_that_leaves_its_cores_is_told() {
    let cores = allowed();
    let [first, second, ..] = cores[..] else { return };
    let bench = Bench::new();
    let starts = Starts::new(&bench);
    let script = format!("decode=300ms,{}", starts.count());
    let running = bench.start_run(&script, &[&PLAN[..], &["--cores", &first.to_string()]].concat());
    let runner = wait_for("the runner", || starts.processes().first().copied());
    wait_for("its start", || (allowed_list(runner)? == first.to_string()).then_some(()));
    let mut other = CpuSet::new();
    other.set(second);
    // The sampler reads the runner's cores a moment after its start.
    std::thread::sleep(std::time::Duration::from_millis(300));
    for thread in fs::read_dir(format!("/proc/{runner}/task")).unwrap().flatten() {
        let thread: i32 = thread.file_name().to_str().unwrap().parse().unwrap();
        let _ = sched_setaffinity(Pid::from_raw(thread), &other);
    }
    let table = running.finish().expect_code(0).stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        format!("the cores of the runner changed from {first} to {second}"),
        format!("its threads ran last on {second}, and --cores is {first}"),
    ] {
        assert!(table.contains(&part), "{part:?} is not in: {table}");
    }
}

#[test]
fn a_case_that_loses_cores_below_its_threads_fails() {
    let cores = allowed();
    let [first, second, ..] = cores[..] else { return };
    let bench = Bench::new();
    let starts = Starts::new(&bench);
    let script = format!("decode=300ms,{}", starts.count());
    let both = format!("{first},{second}");
    let running = bench.start_run(&script, &[&PLAN[..], &["--cores", &both, "--threads", "2"]].concat());
    let runner = wait_for("the runner", || starts.processes().first().copied());
    std::thread::sleep(std::time::Duration::from_millis(300));
    let mut one = CpuSet::new();
    one.set(first);
    sched_setaffinity(Pid::from_raw(runner), &one).unwrap();
    running.finish().expect_code(5);
    let Outcome::Failed { message, .. } = bench.records().remove(0).outcome else { panic!("it was measured") };
    assert!(message.contains(&format!("it had only {first} at the end, for 2 threads")), "{message}");
}

/// A `/sys` with four cores, of which the fast ones are 1 and those behind it.
fn tree(bench: &Bench, capacities: [u32; 4]) -> PathBuf {
    let cpu = bench.path("sys/devices/system/cpu");
    for (core, capacity) in capacities.iter().enumerate() {
        fs::create_dir_all(cpu.join(format!("cpu{core}"))).unwrap();
        fs::write(cpu.join(format!("cpu{core}/cpu_capacity")), format!("{capacity}\n")).unwrap();
    }
    fs::write(cpu.join("present"), "0-3\n").unwrap();
    fs::write(cpu.join("online"), "0-2\n").unwrap();
    bench.path("sys")
}

#[test]
fn big_cores_are_those_of_the_fastest_cluster_and_others_are_refused_by_name() {
    let cores = allowed();
    if cores.first() != Some(&0) || cores.get(1) != Some(&1) || cores.len() != 2 {
        return;
    }
    let bench = Bench::new();
    let root = tree(&bench, [300, 1024, 1024, 1024]);
    let root = ["--sysfs-root", root.to_str().unwrap()];
    let with = |cores: &str| bench.run("", &[&PLAN[..], &root, &["--cores", cores]].concat());
    with("big").expect_code(0).expect_stderr(&["--cores big: runners compute on core 1"]);
    assert_eq!(bench.records()[0].passport.cores.as_deref(), Some("1"));
    for (cores, refusal) in [
        ("0,7", "there is no core 7: this device has 0-3"),
        ("3", "core 3 is switched off now: 0-2 are on"),
        ("1-2", "this process may not run on core 2, only on 0-1"),
    ] {
        with(cores).expect_code(3).expect_stderr(&[refusal]);
    }
    with("fast").expect_code(2).expect_stderr(&["expected big, all or a list of cores such as 4-7 or 0,4"]);
    let nothing = bench.path("nothing");
    fs::create_dir_all(&nothing).unwrap();
    bench
        .run("", &[&PLAN[..], &["--sysfs-root", nothing.to_str().unwrap(), "--cores", "big"]].concat())
        .expect_code(3)
        .expect_stderr(&["this device does not report how fast its cores are"]);
}

#[test]
fn cases_on_other_cores_are_not_comparable() {
    let bench = Bench::new();
    let core = allowed()[0].to_string();
    bench.run("", &[&PLAN[..], &["--results", "free"]].concat()).expect_code(0);
    bench.run("", &[&PLAN[..], &["--results", "pinned", "--cores", &core]].concat()).expect_code(0);
    let folder = |results: &str| {
        let run = pocketwatt_record::latest_run(&bench.path(results)).unwrap().folder;
        run.path().to_str().unwrap().to_owned()
    };
    let compare = ["compare", &folder("free"), &folder("pinned")];
    bench.pocketwatt(&compare).expect_code(14).expect_stderr(&[&format!("cores of --cores: none in A, {core} in B")]);
    let forced = bench.pocketwatt(&[&compare[..], &["--force", "--format", "json"]].concat()).expect_code(0);
    let json: Value = serde_json::from_str(&forced.stdout).unwrap();
    let differences = json["cases"][0]["differences"].as_array().unwrap();
    assert!(differences.iter().any(|difference| difference["property"] == "pinned-cores"), "{json}");
}

//! Heat, sleep and standstill: a run waits for a cool device, and does not believe times in which it stood still.
#![cfg(test)]

use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::PathBuf,
    thread,
    time::Duration,
};

use pocketwatt_record::{DisturbanceKind, GateKind, Outcome, Record};
use pocketwatt_tests::{Bench, Running, Starts, wait_for, wait_until};
use rustix::process::{Pid, Signal, kill_process_group};

const PLAN: [&str; 2] = ["--scenario", "prefill-4-decode-4"];
/// Longer than what counts as a standstill.
const STANDSTILL: Duration = Duration::from_millis(2500);

/// A `/sys` with one policy and one sensor.
struct Tree {
    root: PathBuf,
}

impl Tree {
    fn new(bench: &Bench) -> Self {
        let tree = Self { root: bench.path("sys") };
        let policy = tree.root.join("devices/system/cpu/cpufreq/policy0");
        let zone = tree.root.join("class/thermal/thermal_zone0");
        fs::create_dir_all(&policy).unwrap();
        fs::create_dir_all(&zone).unwrap();
        for (file, text) in [
            (policy.join("affected_cpus"), "0 1\n"),
            (policy.join("scaling_cur_freq"), "3000000\n"),
            (policy.join("scaling_max_freq"), "3000000\n"),
            (policy.join("cpuinfo_max_freq"), "3000000\n"),
            (zone.join("type"), "cpu-thermal\n"),
            (zone.join("temp"), "40000\n"),
        ] {
            fs::write(file, text).unwrap();
        }
        tree
    }

    /// Changes a file as the kernel does, so that no reader finds it empty.
    fn set(&self, file: &str, text: &str) {
        let path = self.root.join(file);
        assert_eq!(fs::read(&path).unwrap().len(), text.len());
        OpenOptions::new().write(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
    }

    fn limit(&self, kilohertz: u32) {
        self.set("devices/system/cpu/cpufreq/policy0/scaling_max_freq", &format!("{kilohertz}\n"));
    }

    fn heat(&self, millicelsius: u32) {
        self.set("class/thermal/thermal_zone0/temp", &format!("{millicelsius}\n"));
    }

    fn option(&self) -> [&str; 2] {
        ["--sysfs-root", self.root.to_str().unwrap()]
    }
}

/// Two cases in turns, of which each has so many blocks.
fn start(bench: &Bench, starts: &Starts, more: &[&str]) -> Running {
    let plan = [&PLAN[..], &["--threads", "1,2", "--blocks", "2", "--iterations", "2", "--meter", "none"]].concat();
    bench.start_run(&format!("decode=100ms,{}", starts.count()), &[&plan, more].concat())
}

fn failure(record: &Record) -> &str {
    match &record.outcome {
        Outcome::Failed { message, .. } => message,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_block_waits_until_the_clocks_are_free_and_the_device_is_cool_again() {
    let bench = Bench::new();
    let tree = Tree::new(&bench);
    let starts = Starts::new(&bench);
    let running = start(&bench, &starts, &[&tree.option()[..], &["--cool-down", "first"]].concat());
    wait_until("the first block", || !starts.processes().is_empty());
    tree.limit(1_800_000);
    tree.heat(55000);
    wait_until("the gate", || running.stderr().contains("the clock of policy0 is limited to 1.80 of 3.00 GHz"));
    let before = starts.processes().len();
    thread::sleep(Duration::from_millis(1500));
    tree.limit(3_000_000);
    thread::sleep(Duration::from_millis(1500));
    assert_eq!(starts.processes().len(), before, "it is still hot");
    tree.heat(40900);
    running.finish().expect_code(0).expect_stderr(&["waiting until the device has cooled down"]);
    for record in bench.records() {
        assert_eq!(record.outcome, Outcome::Measured);
        let [wait] = &record.waits[..] else { panic!("{:?}", record.waits) };
        assert_eq!((wait.gate, wait.before_block, &wait.still_closed), (GateKind::CoolDown, Some(2), &None));
        assert!(wait.waited_ms >= 2000, "{wait:?}");
        let blocks = record.samples.blocks.len();
        assert_eq!(record.readings.warmth.len(), blocks, "how warm it was is known of each block");
        let celsius: Vec<f64> = record.readings.warmth.iter().map(|warmth| warmth.temperatures[0].celsius).collect();
        assert_eq!(celsius[..2], [40.0, 40.9]);
        assert_eq!(record.readings.warmth[1].clocks[0].highest_hz, Some(3_000_000_000));
    }
}

#[test]
fn a_device_that_stays_hot_is_measured_with_a_note_or_not_at_all() {
    let bench = Bench::new();
    let tree = Tree::new(&bench);
    let starts = Starts::new(&bench);
    tree.heat(60000);
    let hot = [&tree.option()[..], &["--cool-down", "45.5", "--cool-down-limit", "1s"]].concat();
    let finished = start(&bench, &starts, &hot).finish().expect_code(0);
    finished.expect_stderr(&["cpu-thermal shows 60.0 °C, more than 45.5 °C", "it is measured all the same"]);
    for record in bench.records() {
        assert_eq!(record.outcome, Outcome::Measured);
        assert!(record.waits[0].still_closed.as_deref().unwrap().contains("more than 45.5 °C"), "{:?}", record.waits);
    }
    // The gate itself is strict; the doctor of this machine may find it unfit for other reasons.
    let strict = start(&bench, &starts, &[&hot[..], &["--strict"]].concat()).finish();
    if strict.code == Some(6) {
        return;
    }
    strict.expect_code(5);
    for record in bench.records() {
        assert!(failure(&record).contains("--strict") && failure(&record).contains("more than 45.5 °C"));
    }
}

#[test]
fn a_device_that_tells_nothing_is_not_waited_for() {
    let bench = Bench::new();
    fs::create_dir_all(bench.path("sys/class")).unwrap();
    let root = bench.path("sys");
    let plan = ["--iterations", "1", "--sysfs-root", root.to_str().unwrap(), "--cool-down", "first"];
    let finished = bench.run("", &[&PLAN[..], &plan].concat()).expect_code(0);
    finished.expect_stderr(&["--cool-down waits for nothing: this device reports neither temperatures nor limits"]);
    for (value, code) in [("off", 0), ("cold", 2), ("-3", 2), ("1000", 2)] {
        bench.run("", &[&PLAN[..], &["--iterations", "1", &format!("--cool-down={value}")]].concat()).expect_code(code);
    }
}

/// Stops the processes of the runner with that number for a while.
fn freeze(runner: i32) {
    let group = Pid::from_raw(runner).unwrap();
    kill_process_group(group, Signal::STOP).unwrap();
    thread::sleep(STANDSTILL);
    kill_process_group(group, Signal::CONT).unwrap();
}

#[test]
fn a_case_alone_whose_runner_was_frozen_fails() {
    let bench = Bench::new();
    let starts = Starts::new(&bench);
    let script = format!("decode=100ms,{}", starts.count());
    let running = bench.start_run(&script, &[&PLAN[..], &["--iterations", "5"]].concat());
    let runner = wait_for("the runner", || starts.processes().first().copied());
    thread::sleep(Duration::from_millis(400));
    freeze(runner);
    let finished = running.finish().expect_code(5);
    let record = bench.records().remove(0);
    assert!(failure(&record).starts_with("it was frozen for "), "{}", failure(&record));
    assert!(record.readings.frozen_ns.unwrap() >= 1_000_000_000);
    assert_eq!(record.metrics, []);
    assert!(finished.stdout.contains("it was frozen for"), "{}", finished.stdout);
}

#[test]
fn a_harness_that_was_frozen_does_not_believe_its_readings() {
    let bench = Bench::new();
    let starts = Starts::new(&bench);
    let script = format!("decode=100ms,{}", starts.count());
    let running = bench.start_run(&script, &[&PLAN[..], &["--iterations", "10"]].concat());
    wait_until("the runner", || !starts.processes().is_empty());
    thread::sleep(Duration::from_millis(400));
    running.signal(Signal::STOP);
    thread::sleep(STANDSTILL);
    running.signal(Signal::CONT);
    running.finish().expect_code(5);
    assert!(failure(&bench.records()[0]).starts_with("it was frozen for "));
}

#[test]
fn a_frozen_block_is_measured_again_and_one_that_is_frozen_each_time_fails() {
    let bench = Bench::new();
    let starts = Starts::new(&bench);
    let running = start(&bench, &starts, &[]);
    let first = wait_for("the first runner", || starts.processes().first().copied());
    thread::sleep(Duration::from_millis(200));
    freeze(first);
    running.finish().expect_code(0);
    let records = bench.records();
    assert!(records.iter().all(|record| record.outcome == Outcome::Measured && record.samples.blocks[0].repeated));
    let frozen = |record: &Record| {
        record.samples.blocks[0].disturbances.iter().any(|found| found.kind == DisturbanceKind::Frozen)
    };
    assert_eq!(records.iter().filter(|record| frozen(record)).count(), 1);

    let starts = Starts::named(&bench, "again");
    let running = start(&bench, &starts, &[]);
    // Both cases in the first block, and in the one that is measured in its place.
    for number in 0..4 {
        let runner = wait_for("a runner", || starts.processes().get(number).copied());
        thread::sleep(Duration::from_millis(200));
        freeze(runner);
    }
    running.finish().expect_code(5);
    for record in bench.records() {
        assert!(failure(&record).starts_with("it was frozen for "), "{}", failure(&record));
    }
}

//! A phone on a desk, beside a computer that knows it.

use std::{fs, path::PathBuf};

use pocketwatt_record::{Outcome, RunFolder};

use super::{AdbServer, Addressed, StandInPhone, native_bundle};
use crate::{Bench, Finished, Running, wait_until};

/// A phone, the server that knows it, and a bench whose commands use both.
pub struct Desk {
    /// Its commands use the phone.
    pub bench: Bench,
    /// The server, which knows it.
    pub server: AdbServer,
    /// The phone.
    pub phone: StandInPhone,
}

impl Desk {
    /// `None`, after a note that says why, where there can be no phone.
    pub fn new(options: &[&str]) -> Option<Self> {
        let server = AdbServer::start()?;
        let phone = StandInPhone::start(options)?;
        server.connect(&phone, "device");
        let mut bench = Bench::new();
        server.serve(&mut bench);
        bench.set("POCKETWATT_PHONE_PROGRAMS", native_bundle());
        Some(Self { bench, server, phone })
    }

    /// A run of a moment.
    pub fn run(&self, more: &[&str]) -> Finished {
        self.bench.pocketwatt(&[&["run", "--phone"], SHORT, more].concat())
    }

    /// `pocketwatt phone` with these words.
    pub fn phone(&self, words: &[&str]) -> Finished {
        self.bench.pocketwatt(&[&["phone"], words].concat())
    }

    /// The path of a job's folder in the phone's files, of the newest one.
    pub fn job(&self) -> PathBuf {
        let jobs = fs::read_dir(self.phone.path("/data/local/tmp/pocketwatt/jobs")).unwrap();
        let folders = jobs.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
        folders.max().expect("a job")
    }

    /// The records of the newest job that are on the phone.
    pub fn stored_on_the_phone(&self) -> usize {
        let within = |folder: PathBuf| fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
        let runs = within(self.job().join("results")).flat_map(within);
        runs.flat_map(|run| within(run.join("cases"))).count()
    }

    /// What the settings of the phone are that a job may change.
    pub fn settings(&self) -> Vec<(String, String)> {
        let mut settings = Vec::new();
        for namespace in fs::read_dir(self.phone.path("/data/settings")).into_iter().flatten() {
            for setting in fs::read_dir(namespace.unwrap().path()).unwrap() {
                let path = setting.unwrap().path();
                settings.push((path.display().to_string(), fs::read_to_string(&path).unwrap()));
            }
        }
        settings.sort();
        settings
    }

    /// A long run that has stored its first case.
    pub fn long_run(&self) -> Running {
        let host = self.bench.start("", LONG);
        wait_until("a stored case", || host.said().contains("[1/4]"));
        host
    }

    /// A list of backends in which the fake takes its time, so that a long case has few requests.
    pub fn slow_fake(&self) -> String {
        let shipped = fs::read_to_string(native_bundle().join("backends.toml")).unwrap();
        let slow = "[fake]\nenvironment = { POCKETWATT_FAKE = \"load=50ms,prefill=5ms,decode=8ms\" }\n";
        let text = shipped.replace("[fake]\n", slow);
        assert_ne!(text, shipped);
        self.bench.write("slow.toml", &text)
    }

    /// Waits until a runner is at work on the phone.
    pub fn wait_until_a_runner_works(&self) {
        let runner = "/data/local/tmp/pocketwatt/bin/pocketwatt-fake";
        wait_until("a runner", || self.shell("ps -A -o ARGS").lines().any(|line| line.starts_with(runner)));
    }

    /// Runs a command in the phone's shell; returns what it wrote.
    pub fn shell(&self, command: &str) -> String {
        let output = self.server.adb(&["-s", &self.phone.address(), "shell", command]);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Waits until no process of ours is on the phone: what puts settings back ends a moment after the job.
    pub fn wait_until_quiet(&self) {
        wait_until("the end of everything on the phone", || !self.is_busy());
    }

    fn is_busy(&self) -> bool {
        self.shell("ps -A -o ARGS").lines().any(|line| line.contains("pocketwatt") && !line.contains("ps -A"))
    }
}

/// The options of a run of a moment.
pub const SHORT: &[&str] = &["--backend", "fake", "--model", "tiny", "--scenario", "prefill-16-decode-4", "--no-probe"];
/// A run that takes some seconds, in cases of one second each that are stored one by one.
pub const LONG: &[&str] = &[
    "run",
    "--phone",
    "--backend",
    "fake",
    "--model",
    "tiny",
    "--no-probe",
    "--one-by-one",
    "--iterations",
    "5",
    "--settle",
    "600",
    "--scenario",
    "prefill-16-decode-4,prefill-17-decode-4,prefill-18-decode-4,prefill-19-decode-4",
];

/// How many cases are measured. Panics if a record is damaged.
pub fn measured(folder: &RunFolder) -> usize {
    let records = folder.records().unwrap();
    assert!(records.damaged.is_empty(), "{:?}", records.damaged);
    records.intact.iter().filter(|record| record.outcome == Outcome::Measured).count()
}

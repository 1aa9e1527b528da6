//! Two runs that share a results folder and a cache, killed at random moments: no measurement is lost, changed or
//! repeated, nothing unfinished stays, and no runner outlives its harness.
//!
//! A few kills by default; `POCKETWATT_KILLS=200` for a long run, `POCKETWATT_KILLS_SEED` repeats the same moments.
#![cfg(test)]

use std::{
    collections::BTreeMap,
    env,
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use pocketwatt_protocol::{Clock, MonotonicClock};
use pocketwatt_record::{Outcome, RunFolder};
use pocketwatt_tests::{Bench, Running, Starts, is_alive, wait_until};

const DEFAULT_KILLS: u32 = 4;
/// Enough cases that some have ended at most moments.
const PLAN: &[&str] = &[
    "--scenario",
    "decode-2,decode-3,decode-4,decode-5,decode-6,decode-7,decode-8,decode-9",
    "--iterations",
    "1",
    "--allow-beside",
];
/// Of three attempts to resume, one is killed as well.
const KILLED_AGAIN: u64 = 3;

#[test]
fn nothing_is_lost_however_two_runs_are_killed() {
    let wanted = env::var("POCKETWATT_KILLS").map_or(DEFAULT_KILLS, |kills| kills.parse().unwrap());
    let seed = env::var("POCKETWATT_KILLS_SEED").map_or_else(|_| random_seed(), |seed| seed.parse().unwrap());
    println!("POCKETWATT_KILLS_SEED={seed}");
    let mut dice = Dice(seed);
    // The shorter one: on a busy machine the other might end before most kills.
    let span_ms = undisturbed_ms().min(undisturbed_ms());
    let (mut rounds, mut kills, mut kept) = (0, 0, 0);
    while kills < wanted {
        let round = Round::new(&mut dice, span_ms).play();
        rounds += 1;
        kills += round.kills;
        kept += round.kept;
    }
    println!(
        "{kills} kills in {rounds} rounds; {kept} finished cases were there when one was killed, and are as they were"
    );
}

/// How long two parallel runs take from the start.
fn undisturbed_ms() -> u64 {
    let bench = Bench::new();
    let begin = MonotonicClock.now();
    for running in [(); 2].map(|()| bench.start_run("", PLAN)) {
        running.finish().expect_code(0);
    }
    MonotonicClock.now().since(begin) / 1_000_000
}

struct Round<'a> {
    bench: Bench,
    dice: &'a mut Dice,
    span_ms: u64,
    attempts: usize,
    kills: u32,
    /// Finished cases that were compared after a kill.
    kept: usize,
}

impl<'a> Round<'a> {
    fn new(dice: &'a mut Dice, span_ms: u64) -> Self {
        Self { bench: Bench::new(), dice, span_ms, attempts: 0, kills: 0, kept: 0 }
    }

    fn play(mut self) -> Self {
        let starts = [self.starts(), self.starts()];
        let running = starts.iter().map(|starts| self.bench.start_run(&starts.count(), PLAN)).collect();
        self.kill_some(running);
        ensure_gone(&starts);
        let mut unfinished = self.unfinished();
        while !unfinished.is_empty() {
            self.go_on(&unfinished);
            unfinished = self.unfinished();
        }
        // The next start, where nothing was left to resume.
        self.bench.run("", &["--scenario", "decode-2", "--iterations", "1"]).expect_code(0);
        self.ensure_tidy();
        self
    }

    /// Resumes these runs at the same time. What is killed in the meantime is checked again in the next attempt.
    fn go_on(&mut self, unfinished: &[RunFolder]) {
        let before: Vec<_> = unfinished.iter().map(finished).collect();
        let starts: Vec<Starts> = unfinished.iter().map(|_| self.starts()).collect();
        let running: Vec<Running> = unfinished
            .iter()
            .zip(&starts)
            .map(|(folder, starts)| {
                let path = folder.path().to_str().unwrap();
                self.bench.start(&starts.count(), &["run", "--resume", path, "--allow-beside"])
            })
            .collect();
        let killed_again = self.dice.below(KILLED_AGAIN) == 0;
        if killed_again {
            self.kill_some(running);
        } else {
            running.into_iter().for_each(|running| drop(running.finish().expect_code(0)));
        }
        ensure_gone(&starts);
        for ((folder, before), starts) in unfinished.iter().zip(before).zip(&starts) {
            let after = finished(folder);
            for (case, record) in &before {
                assert!(after.get(case) == Some(record), "{case} in {} was changed", folder.path().display());
            }
            self.kept += before.len();
            if !killed_again {
                let missing = folder.run().unwrap().plan.len() - before.len();
                assert_eq!(starts.processes().len(), missing, "each missing case is measured once");
            }
        }
    }

    /// Kills each at a moment between its start and the end; a run that has already ended has ended well.
    fn kill_some(&mut self, running: Vec<Running>) {
        let mut doomed: Vec<(u64, Running)> =
            running.into_iter().map(|running| (self.dice.below(self.span_ms), running)).collect();
        doomed.sort_by_key(|(moment, _)| *moment);
        let mut now = 0;
        for (moment, mut running) in doomed {
            thread::sleep(Duration::from_millis(moment - now));
            now = moment;
            let killed = running.kill();
            self.kills += u32::from(killed);
            let finished = running.finish();
            if !killed {
                finished.expect_code(0);
            }
        }
    }

    /// Runs with cases that have no record. All existing records can be read.
    fn unfinished(&self) -> Vec<RunFolder> {
        let results = self.bench.path("results");
        let folders =
            folders(&results).into_iter().flat_map(|device| folders(&device)).map(|path| RunFolder::open(&path));
        let visible = folders.filter(|folder| !name(folder.path()).starts_with('.'));
        visible
            .filter(|folder| {
                let (run, records) = (folder.run().unwrap(), folder.records().unwrap());
                assert!(records.damaged.is_empty(), "{:?}", records.damaged);
                let records = records.intact;
                assert!(records.iter().all(|record| record.outcome == Outcome::Measured));
                assert_eq!(run.id, name(folder.path()));
                records.len() < run.plan.len()
            })
            .collect()
    }

    fn ensure_tidy(&self) {
        let mut left = Vec::new();
        unfinished_files(&self.bench.path("results"), &mut left);
        unfinished_files(&self.bench.path("cache"), &mut left);
        assert!(left.is_empty(), "left behind: {left:#?}");
    }

    /// A separate list of runners for each start.
    fn starts(&mut self) -> Starts {
        self.attempts += 1;
        Starts::named(&self.bench, &format!("starts-{}", self.attempts))
    }
}

/// Name and contents of the stored cases.
fn finished(folder: &RunFolder) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder.path().join("cases")).unwrap().map(|entry| entry.unwrap().path());
    let cases = entries.filter(|path| !name(path).starts_with('.'));
    cases.map(|path| (name(&path), fs::read(path).unwrap())).collect()
}

fn ensure_gone(starts: &[Starts]) {
    for process in starts.iter().flat_map(Starts::processes) {
        wait_until("the runner to follow its harness", || !is_alive(process));
    }
}

/// Unfinished files of writers.
fn unfinished_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let (path, name) = (entry.path(), name(&entry.path()));
        let unfinished = name.ends_with(".partial") || name.contains(".tmp") || name.contains("-tmp");
        if unfinished {
            found.push(path);
        } else if entry.file_type().unwrap().is_dir() {
            unfinished_files(&path, found);
        }
    }
}

fn folders(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path).into_iter().flatten().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.is_dir()).collect()
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

/// Random moments that can be repeated (Marsaglia's xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end.max(1)
    }
}

fn random_seed() -> u64 {
    let mut bytes = [0; 8];
    File::open("/dev/urandom").unwrap().read_exact(&mut bytes).unwrap();
    u64::from_le_bytes(bytes).max(1)
}

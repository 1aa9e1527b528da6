//! Everything that takes part in a run on a phone is killed at random moments: the host, its client and server of adb, the phone's daemon,
//! and the phone itself. No measured case is lost, nothing of a file is taken for a file, and the phone is as it was.
//!
//! A few kills by default; `POCKETWATT_KILLS=50` for a long run, `POCKETWATT_KILLS_SEED` repeats the same moments.
#![cfg(test)]

use std::{collections::BTreeMap, env, fs, path::Path, process::Command, thread, time::Duration};

use pocketwatt_protocol::{Clock, MonotonicClock};
use pocketwatt_record::{Outcome, RunFolder};
use pocketwatt_tests::{
    Running,
    phone::{Addressed, Desk},
};

const DEFAULT_KILLS: u32 = 5;
/// Of about a second and a half, after about a second of questions.
const SHORT_CASES: &[&str] = &[
    "run",
    "--phone",
    "--backend",
    "fake",
    "--model",
    "tiny",
    "--no-probe",
    "--one-by-one",
    "--cool-down",
    "off",
    "--warmup",
    "0",
    "--iterations",
    "1",
    "--settle",
    "100",
    "--scenario",
    "decode-2,decode-3,decode-4,decode-5",
];
const CASES: usize = 4;

#[derive(Clone, Copy, Debug)]
enum Victim {
    Host,
    Client,
    Server,
    Daemon,
    Everything,
    Phone,
}

const VICTIMS: [Victim; 6] =
    [Victim::Host, Victim::Client, Victim::Server, Victim::Daemon, Victim::Everything, Victim::Phone];

#[test]
fn nothing_is_lost_whatever_is_killed() {
    let wanted: u32 = env::var("POCKETWATT_KILLS").map_or(DEFAULT_KILLS, |kills| kills.parse().unwrap());
    let seed = env::var("POCKETWATT_KILLS_SEED").map_or_else(|_| random_seed(), |seed| seed.parse().unwrap());
    println!("POCKETWATT_KILLS_SEED={seed}");
    let Some(mut desk) = Desk::new(&[]) else { return };
    desk.bench.set("POCKETWATT_PHONE_BEAT_S", "2");
    let settings = desk.settings();
    let begun = MonotonicClock.now();
    desk.bench.pocketwatt(SHORT_CASES).expect_code(0);
    let span_ms = MonotonicClock.now().since(begun) / 1_000_000;
    let (mut dice, mut kept) = (seed, 0);
    for round in 0..wanted {
        let victim = VICTIMS[round as usize % VICTIMS.len()];
        let moment = next(&mut dice) % span_ms;
        kept += play(&mut desk, victim, moment, round);
        // Nothing goes on for ever.
        desk.wait_until_quiet();
        assert_eq!(desk.settings(), settings, "{victim:?} after {moment} ms: the phone is as it was");
    }
    println!(
        "{wanted} kills within {span_ms} ms; {kept} cases were stored when something was killed, and are as they were"
    );
}

/// One run with one kill; returns how many cases were on the phone then.
fn play(desk: &mut Desk, victim: Victim, moment: u64, round: u32) -> usize {
    let results = desk.bench.path(&format!("round-{round}"));
    let into = ["--results", results.to_str().unwrap()];
    let earlier = jobs(desk);
    let mut host = desk.bench.start("", &[SHORT_CASES, &into].concat());
    thread::sleep(Duration::from_millis(moment));
    let before = if jobs(desk) > earlier { stored(desk) } else { BTreeMap::new() };
    match victim {
        Victim::Host => drop(host.kill()),
        Victim::Client => kill_clients(&host),
        Victim::Server => drop(desk.server.adb(&["kill-server"])),
        Victim::Daemon => desk.phone.kill_daemon(0.2),
        Victim::Everything => desk.phone.kill_everything(0.2),
        Victim::Phone => desk.phone.reboot(0.2),
    }
    let ended = host.finish();
    let what = format!("{victim:?} after {moment} ms: {:?} {}", ended.code, ended.stderr);
    desk.server.adb(&["disconnect", &desk.phone.address()]);
    desk.server.connect(&desk.phone, "device");
    for attempt in 0.. {
        assert!(attempt < 4, "{what}");
        // Before there is a job, the user asks for it again.
        let again = match jobs(desk) > earlier {
            true => desk.bench.pocketwatt(&[&["run", "--phone", "--resume", "--retry"][..], &into].concat()),
            false => desk.bench.pocketwatt(&[SHORT_CASES, &into].concat()),
        };
        if again.code == Some(0) {
            break;
        }
        println!("{what}\nthen: {:?} {}", again.code, again.stderr);
        desk.wait_until_quiet();
    }
    let home = records(&results);
    assert_eq!(home.len(), CASES, "{what}");
    for (case, record) in &before {
        assert!(home.get(case) == Some(record), "{case} was lost or changed: {what}");
    }
    ensure_tidy(desk, &results, &what);
    before.len()
}

/// The measured cases that are on the phone, of the newest job.
fn stored(desk: &Desk) -> BTreeMap<String, String> {
    measured_below(&desk.job().join("results"))
}

fn jobs(desk: &Desk) -> usize {
    let entries = fs::read_dir(desk.phone.path("/data/local/tmp/pocketwatt/jobs")).into_iter().flatten();
    // One is a job once it was started.
    let is_job = |path: &Path| ["state.json", "exit", "results"].iter().any(|name| path.join(name).exists());
    entries.flatten().filter(|entry| entry.path().is_dir() && is_job(&entry.path())).count()
}

fn measured_below(results: &Path) -> BTreeMap<String, String> {
    let within = |folder: &Path| fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut found = BTreeMap::new();
    for run in within(results).flat_map(|device| within(&device).collect::<Vec<_>>()) {
        let Ok(records) = RunFolder::open(&run).records() else { continue };
        assert!(records.damaged.is_empty(), "{:?}", records.damaged);
        let measured = records.intact.into_iter().filter(|record| record.outcome == Outcome::Measured);
        found.extend(measured.map(|record| (format!("{:?}", record.case), serde_json::to_string(&record).unwrap())));
    }
    found
}

fn records(results: &Path) -> BTreeMap<String, String> {
    measured_below(results)
}

fn ensure_tidy(desk: &Desk, results: &Path, what: &str) {
    let phone = desk.shell("cd /data/local/tmp/pocketwatt && find bin lib cache -name '*.part'");
    assert_eq!(phone.trim(), "", "{what}");
    for entry in fs::read_dir(results).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(!name.contains("partial"), "{name} stays: {what}");
    }
}

/// The clients of adb that the host has started.
fn kill_clients(host: &Running) {
    let children = Command::new("pgrep").args(["-P", &host.id().to_string()]).output().unwrap();
    for child in String::from_utf8_lossy(&children.stdout).lines() {
        // It may just have ended.
        let _ = Command::new("kill").args(["-KILL", child]).status();
    }
}

fn random_seed() -> u64 {
    std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64
}

/// Splitmix64.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

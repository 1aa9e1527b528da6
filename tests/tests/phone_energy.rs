//! Energy as on a phone, end to end: the fake backend beside a `dumpsys` whose battery loses charge at a known power, in steps.
#![cfg(test)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Duration,
};

use pocketwatt_meter::energy::Reason;
use pocketwatt_record::{Energy, GateKind, Outcome, Phase, Record, SpeedMetric};
use pocketwatt_tests::{Bench, Finished, Running, wait_until};

/// What the battery loses, whatever the device does.
const WATTS: f64 = 9.0;
const MILLIVOLTS: u32 = 3700;
/// The counter's step in microampere-hours: 1 J.
const STEP: u32 = 75;

/// A tree in place of `/sys` with a phone's `dumpsys` below it.
struct Phone {
    tree: PathBuf,
}

impl Phone {
    /// With nothing else, as a phone whose maker denies the files of the battery.
    fn of(bench: &Bench) -> Self {
        let phone = Self { tree: bench.path("phone") };
        let bin = phone.tree.join("system/bin");
        fs::create_dir_all(&bin).unwrap();
        // Nanoamperes x milliseconds / 3.6e9 = microampere-hours.
        let nanoamperes = (WATTS / f64::from(MILLIVOLTS) * 1e12) as u64;
        let script = format!(
            r#"#!/bin/sh
cd '{tree}'
[ -z "${{LD_LIBRARY_PATH-}}${{LD_PRELOAD-}}" ] || exit 9
[ "$1" = battery ] || {{ echo "Can't find service: $1"; exit 0; }}
[ ! -e hangs ] || exec sleep 60
if [ -e fed ]; then usb=true status=2; else usb=false status=3; fi
now=$(date +%s%3N)
[ -e since ] || echo "$now" > since
lost=$(( (now - $(cat since)) * {nanoamperes} / 3600000000 / {STEP} * {STEP} ))
cat <<END
Current Battery Service state:
  AC powered: false
  USB powered: $usb
  Wireless powered: false
  Dock powered: false
  Charge counter: $((1244880 - lost))
  status: $status
  present: true
  level: 33
  scale: 100
  voltage: {MILLIVOLTS}
  temperature: 307
  charge counter: 7
END
"#,
            tree = phone.tree.display()
        );
        let text = bench.write("dumpsys", &script);
        // Written by another process: see `Bench::wrap_runner`.
        assert!(
            Command::new("install").args(["-m", "755", &text]).arg(bin.join("dumpsys")).status().unwrap().success()
        );
        phone
    }

    fn root(&self) -> &str {
        self.tree.to_str().unwrap()
    }

    fn set(&self, what: &str, is_so: bool) {
        if is_so {
            fs::write(self.tree.join(what), "").unwrap();
        } else {
            fs::remove_file(self.tree.join(what)).unwrap();
        }
    }
}

/// A case alone, which lasts for so long.
fn start(bench: &Bench, phone: &Phone, sustain: &str, more: &[&str]) -> Running {
    let arguments = ["--scenario", "decode-64", "--warmup", "0", "--sustain", sustain, "--sysfs-root", phone.root()];
    bench.start_run("load=50ms,prefill=5ms,decode=8ms", &[&arguments, more].concat())
}

fn run(bench: &Bench, phone: &Phone, sustain: &str, more: &[&str]) -> Finished {
    start(bench, phone, sustain, more).finish()
}

/// Until some seconds after the first reading of a case: the device idles for two of them.
fn wait_until_measured(running: &Running) {
    wait_until("the meters", || running.said().contains("energy: battery-service:charge-counter"));
    thread::sleep(Duration::from_secs(4));
}

fn requests(record: &Record) -> (&Energy, f64, u64) {
    let figure = record.energy.iter().find(|figure| figure.meters == ["battery-service:charge-counter"]);
    let phase = figure.unwrap_or_else(|| panic!("{:?}", record.readings.no_energy)).phase(Phase::Request).unwrap();
    (&phase.gross, phase.duration_ns as f64 * 1e-9, phase.windows)
}

fn has_times(record: &Record) {
    assert_eq!(record.outcome, Outcome::Measured);
    assert!(record.summary(SpeedMetric::DecodeThroughput).is_some());
}

#[test]
fn a_counter_that_steps_gives_the_joules_that_were_used() {
    let bench = Bench::new();
    let phone = Phone::of(&bench);
    let finished = run(&bench, &phone, "45s", &[]).expect_code(0);
    let record = &bench.records()[0];
    has_times(record);
    let (energy, seconds, _) = requests(record);
    let (joules, uncertainty) = energy.measured().unwrap_or_else(|| panic!("{energy:?}"));
    let truth = WATTS * seconds;
    assert!((joules - truth).abs() <= uncertainty, "{joules} ± {uncertainty} J, the truth is {truth}");
    // The counter is read every ten seconds, and each edge is known to that.
    assert!(uncertainty > 0.02 * truth && uncertainty < 0.5 * truth, "{uncertainty} of {truth}");
    assert!(finished.stderr.contains("a case that is shorter than some minutes has no joules"), "{}", finished.stderr);
    for words in ["energy per request", "(battery service, charge counter / level of 33 % x voltage)", "of the charge"]
    {
        assert!(finished.stdout.contains(words), "{words} in\n{}", finished.stdout);
    }
}

#[test]
fn a_charger_that_comes_back_leaves_the_times_and_a_reason() {
    let bench = Bench::new();
    let phone = Phone::of(&bench);
    let running = start(&bench, &phone, "12s", &[]);
    wait_until_measured(&running);
    phone.set("fed", true);
    let finished = running.finish().expect_code(0);
    let record = &bench.records()[0];
    has_times(record);
    let (energy, ..) = requests(record);
    let Energy::Unavailable(why) = energy else { panic!("{energy:?}") };
    assert_eq!((why.reason, &*why.hint), (Reason::ChargerConnected, "USB feeds the phone"));
    assert!(finished.stdout.contains("charger connected"), "{}", finished.stdout);
}

#[test]
fn a_service_that_hangs_costs_the_joules_and_not_the_run() {
    let bench = Bench::new();
    let phone = Phone::of(&bench);
    let running = start(&bench, &phone, "8s", &[]);
    wait_until_measured(&running);
    phone.set("hangs", true);
    running.finish().expect_code(0);
    let record = &bench.records()[0];
    has_times(record);
    let (energy, ..) = requests(record);
    let Energy::Unavailable(why) = energy else { panic!("{energy:?}") };
    assert!(matches!(why.reason, Reason::Unreadable | Reason::NotCovered | Reason::BelowResolution), "{why:?}");
    let gaps = &record.readings.energy[0].gaps;
    assert!(gaps.iter().any(|gap| gap.unavailable.hint == "dumpsys battery did not answer within 5 s"), "{gaps:?}");
}

#[test]
fn a_run_on_the_battery_waits_until_the_charger_is_gone() {
    let bench = Bench::new();
    let phone = Phone::of(&bench);
    phone.set("fed", true);
    let running = start(&bench, &phone, "1s", &["--on-battery=2min"]);
    wait_until("a wait", || running.said().contains("waiting until the battery alone feeds the device"));
    phone.set("fed", false);
    let finished = running.finish().expect_code(0);
    for words in [
        "waiting until the battery alone feeds the device, for 2 min 0 s at most: USB feeds the phone",
        "waited ",
        "energy: battery-service:charge-counter is updated",
    ] {
        assert!(finished.stderr.contains(words), "{words} in\n{}", finished.stderr);
    }
    let record = &bench.records()[0];
    has_times(record);
    let run = bench.folder().run().unwrap();
    assert_eq!(run.settings.gates.on_battery_most_ms, Some(120_000));
    let battery = run.energy.battery.unwrap();
    assert_eq!(battery.basis, "battery service, charge counter / level of 33 % x voltage");
    assert!((battery.joules / (1.24488 / 0.33 * 3.7 * 3600.0) - 1.0).abs() < 0.05, "{battery:?}");
}

#[test]
fn a_charger_that_stays_leaves_times_without_joules_unless_the_user_is_strict() {
    let bench = Bench::new();
    let phone = Phone::of(&bench);
    phone.set("fed", true);
    let finished = run(&bench, &phone, "1s", &["--on-battery=1s"]).expect_code(0);
    let record = &bench.records()[0];
    has_times(record);
    let none = record.readings.no_energy.as_ref().unwrap();
    assert_eq!(none.reason, Reason::ChargerConnected, "{none:?}");
    let words = "USB feeds the phone: times are measured, and the energy of the battery is not";
    assert!(finished.stderr.contains(words), "{}", finished.stderr);
    let strict = run(&bench, &phone, "1s", &["--on-battery=1s", "--strict"]).expect_code(6);
    assert!(strict.stderr.contains("nothing was measured, because of --strict"), "{}", strict.stderr);
}

/// Whether a case has a record below the folder of results.
fn is_stored(results: &Path) -> bool {
    let folders = |path: &Path| fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut runs = folders(results).flat_map(|device| folders(&device).collect::<Vec<_>>());
    runs.any(|run| folders(&run.join("cases")).any(|file| file.extension().is_some_and(|end| end == "json")))
}

#[test]
fn a_block_waits_again_for_a_charger_that_came_back() {
    let bench = Bench::new();
    let phone = Phone::of(&bench);
    // The first look at the battery comes soon after the start, and a block takes some seconds.
    let arguments = ["--scenario", "decode-64", "--threads", "1,2", "--iterations", "3", "--on-battery"];
    let running = bench.start_run(
        "load=50ms,prefill=5ms,decode=30ms",
        &[&arguments[..], &["--no-quality", "--sysfs-root", phone.root()]].concat(),
    );
    // The first block is stored; the next one, or the one after it, meets a charger.
    wait_until("a stored block", || is_stored(&bench.path("results")));
    phone.set("fed", true);
    wait_until("a wait", || running.said().contains("waiting until the battery alone feeds the device"));
    phone.set("fed", false);
    let finished = running.finish().expect_code(0);
    let records = bench.records();
    assert_eq!(records.len(), 2);
    for record in &records {
        has_times(record);
        let waits: Vec<GateKind> = record.waits.iter().map(|wait| wait.gate).collect();
        assert_eq!(waits, [GateKind::OnBattery], "{}", finished.stderr);
        let wait = &record.waits[0];
        assert!(wait.before_block.is_some_and(|block| block > 1) && wait.still_closed.is_none(), "{wait:?}");
        assert!(record.samples.counted_blocks().count() >= 3);
    }
    assert!(finished.stdout.contains("waited once until"), "{}", finished.stdout);
}

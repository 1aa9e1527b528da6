//! Runs of a phone without its cable, which commands of the user's pull and put back.
#![cfg(test)]

use std::fs;

use pocketwatt_meter::energy::Reason;
use pocketwatt_record::{Energy, Outcome, Phase};
use pocketwatt_tests::phone::{Desk, PowerModel, Source};

/// What the phone uses, whatever it does.
const WATTS: f64 = 9.0;

/// A phone with a battery that steps by a third of a joule, and the commands that pull and put back its cable.
fn desk() -> Option<(Desk, String, String)> {
    let desk = Desk::new(&[])?;
    desk.phone.set_power(|model| {
        model.idle_watts = WATTS;
        model.watts_per_busy_processor = 0.0;
        model.counter_step_uah = 25.0;
    });
    let power = desk.phone.path("standin/power.json");
    let fed: PowerModel = serde_json::from_slice(&fs::read(&power).unwrap()).unwrap();
    let alone = PowerModel { sources: Vec::new(), ..fed.clone() };
    let command = |name: &str, model: &PowerModel| {
        let text = desk.bench.write(name, &serde_json::to_string(model).unwrap());
        let power = power.display();
        format!("echo {name} >>'{text}.calls' && cp '{text}' '{power}.new' && mv '{power}.new' '{power}'")
    };
    let commands = (command("unplug", &alone), command("plug", &fed));
    Some((desk, commands.0, commands.1))
}

const UNTETHERED: &[&str] = &[
    "run",
    "--phone",
    "--untethered",
    "--backend",
    "fake",
    "--model",
    "tiny",
    "--no-probe",
    "--scenario",
    "decode-64",
    "--warmup",
    "0",
];

#[test]
#[ignore = "its moments depend on how fast the machine is"]
fn commands_pull_the_cable_and_put_it_back_and_the_joules_are_those_that_were_used() {
    let Some((desk, unplug, plug)) = desk() else { return };
    let before = desk.settings();
    let cable =
        ["--unplug-command", &unplug, "--plug-command", &plug, "--sustain", "40s", "--backends", &desk.slow_fake()];
    let run = desk.bench.pocketwatt(&[UNTETHERED, &cable].concat()).expect_code(0);
    assert!(run.stderr.contains("the phone is left alone for about "), "{}", run.stderr);
    assert!(desk.bench.path("unplug.calls").exists() && desk.bench.path("plug.calls").exists());
    let record = &desk.bench.records()[0];
    assert_eq!(record.outcome, Outcome::Measured);
    let figure = record.energy.iter().find(|figure| figure.meters == ["battery-service:charge-counter"]);
    let figure = figure.unwrap_or_else(|| panic!("{:?}\n{}", record.readings.no_energy, run.stderr));
    let phase = figure.phase(Phase::Request).unwrap();
    let (joules, uncertainty) = phase.gross.measured().unwrap_or_else(|| panic!("{:?}", phase.gross));
    let truth = WATTS * phase.duration_ns as f64 * 1e-9;
    assert!((joules - truth).abs() <= uncertainty, "{joules} ± {uncertainty} J, the truth is {truth}");
    assert!(uncertainty < 0.6 * truth, "{uncertainty} of {truth}");
    assert_eq!(desk.settings(), before);
}

#[test]
#[ignore = "its moments depend on how fast the machine is"]
fn a_charger_that_comes_back_costs_the_joules_and_not_the_times() {
    let Some((desk, unplug, _)) = desk() else { return };
    let cable = ["--unplug-command", &unplug, "--sustain", "15s", "--backends", &desk.slow_fake()];
    let host = desk.bench.start("", &[UNTETHERED, &cable].concat());
    // Before a block, the run would wait until the charger is gone again.
    desk.wait_until_a_runner_works();
    std::thread::sleep(std::time::Duration::from_secs(8));
    desk.phone.plug(Source::Usb);
    let run = host.finish().expect_code(0);
    let record = &desk.bench.records()[0];
    assert_eq!(record.outcome, Outcome::Measured, "{}", run.stderr);
    let figure = record.energy.iter().find(|figure| figure.meters == ["battery-service:charge-counter"]).unwrap();
    let Energy::Unavailable(why) = &figure.phase(Phase::Request).unwrap().gross else { panic!("{figure:?}") };
    assert_eq!(why.reason, Reason::ChargerConnected);
    assert!(run.stdout.contains("charger connected"), "{}", run.stdout);
}

#[test]
fn a_cable_that_cannot_be_pulled_ends_the_job_at_once() {
    let Some((desk, ..)) = desk() else { return };
    let run = desk.bench.pocketwatt(&[UNTETHERED, &["--unplug-command", "exit 7"]].concat()).expect_code(1);
    assert!(run.stderr.contains("`exit 7` failed"), "{}", run.stderr);
    assert!(
        desk.phone(&["status"]).stdout.contains("the job was stopped before it measured"),
        "it does not wait for minutes"
    );
    // The user who does not pull it is told so, too.
    let late = desk.bench.pocketwatt(&[UNTETHERED, &["--unplug-limit", "1s"]].concat());
    assert!(late.code == Some(1) && late.stderr.contains("was not left to its battery within 1 s"), "{late:?}");
}

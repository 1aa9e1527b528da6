//! `pocketwatt run --phone` with the programs that real phones get: for ARM, with a C library of their own, emulated on a stand-in
//! phone. It needs a bundle for phones with ONNX Runtime and the fake backend, which `scripts/check` makes.
#![cfg(test)]

use std::{env, fs};

use pocketwatt_record::Outcome;
use pocketwatt_tests::{
    Bench,
    phone::{AdbServer, Addressed, StandInPhone},
    wait_until,
};

const PLAN: &[&str] =
    &["run", "--phone", "--model", "tiny", "--backend", "fake,onnxruntime", "--no-probe", "--warmup", "0"];

/// A phone and a bench that measures on it; `None`, after a note, where there is no bundle or no phone.
fn desk() -> Option<(StandInPhone, AdbServer, Bench)> {
    let Some(bundle) = env::var_os("POCKETWATT_PHONE_PROGRAMS") else {
        eprintln!("skipped: POCKETWATT_PHONE_PROGRAMS names no bundle; scripts/package phone makes one");
        return None;
    };
    let server = AdbServer::start()?;
    let phone = StandInPhone::start(&["--model", "Pixel 8"])?;
    server.connect(&phone, "device");
    let mut bench = Bench::new();
    server.serve(&mut bench);
    bench.set("POCKETWATT_PHONE_PROGRAMS", bundle);
    Some((phone, server, bench))
}

#[test]
fn a_run_with_onnx_runtime_comes_home_and_says_that_it_was_emulated() {
    let Some((_phone, _server, bench)) = desk() else { return };
    let plan = [PLAN, &["--scenario", "prefill-16-decode-4", "--iterations", "2"]].concat();
    let run = bench.pocketwatt(&plan).expect_code(0);
    for part in
        ["onnxruntime", "decode, tokens/s", "emulated: the numbers say nothing about a phone", "Standin Pixel 8"]
    {
        assert!(run.stdout.contains(part), "{part:?} is not in {}", run.stdout);
    }
    let records = bench.records();
    assert_eq!(records.len(), 2);
    for record in records {
        assert_eq!(record.outcome, Outcome::Measured);
        let passport = serde_json::to_string(&record.passport).unwrap();
        assert!(passport.contains("aarch64-unknown-linux-gnu"), "{passport}");
    }
}

#[test]
fn a_restart_of_the_phone_and_the_death_of_the_host_cost_no_finished_case() {
    let Some((phone, server, bench)) = desk() else { return };
    let scenarios = "prefill-16-decode-4,prefill-17-decode-4";
    let plan = [PLAN, &["--scenario", scenarios, "--iterations", "2", "--one-by-one"]].concat();
    let mut host = bench.start("", &plan);
    wait_until("a stored case", || host.said().contains("[1/4]"));
    assert!(host.kill());
    phone.reboot(0.5);
    server.adb(&["disconnect", &phone.address()]);
    server.connect(&phone, "device");
    let fetched = bench.pocketwatt(&["phone", "fetch"]);
    assert!(fetched.stdout.contains("prefill-16-decode-4"), "{fetched:?}");
    let resumed = bench.pocketwatt(&["run", "--phone", "--resume"]).expect_code(0);
    assert!(resumed.stdout.contains("prefill-17-decode-4"), "{}", resumed.stdout);
    assert_eq!(bench.records().iter().filter(|record| record.outcome == Outcome::Measured).count(), 4);
    let settings = fs::read_to_string(phone.path("/data/settings/global/stay_on_while_plugged_in"));
    assert!(settings.is_err(), "what was changed is as it was: {settings:?}");
}

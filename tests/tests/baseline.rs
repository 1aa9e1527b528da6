//! Two builds of a runner in turns, and a device beside itself.
#![cfg(test)]

use pocketwatt_record::{Calibration, Outcome, Record};
use pocketwatt_tests::{Bench, Finished, calibration_of};
use serde_json::Value;

const SCENARIO: &[&str] = &["--scenario", "prefill-8-decode-16", "--no-quality"];
/// Enough for a verdict by ranks, which holds on the busiest machine.
const BLOCKS: &[&str] = &["--iterations", "14", "--blocks", "14"];
const SCRIPT: &str = "load=2ms,prefill=50us,decode=2ms";
const SLOWER: &str = "load=2ms,prefill=50us,decode=10ms";

/// A folder with another build of the fake runner, which follows its own script; it is there as long as the bench is.
fn baseline(script: &str) -> (Bench, String) {
    let mut other = Bench::new();
    let runner = other.wrap_runner(&format!("POCKETWATT_FAKE={script} exec RUNNER"));
    let folder = runner.parent().unwrap().to_str().unwrap().to_owned();
    (other, folder)
}

fn run(bench: &Bench, script: &str, folder: &str, more: &[&str]) -> Finished {
    bench.run(script, &[SCENARIO, BLOCKS, &["--baseline-runners", folder], more].concat())
}

/// The verdict on decode throughput.
fn verdict(finished: &Finished) -> String {
    let document: Value = serde_json::from_str(&finished.stdout).unwrap();
    let comparisons = document["comparisons"].as_array().unwrap();
    let decode = comparisons.iter().find(|one| one["metric"] == "decode_throughput").unwrap();
    decode["verdict"].as_str().unwrap().to_owned()
}

#[test]
fn a_slower_build_is_worse_and_the_same_one_is_not() {
    let bench = Bench::new();
    let (_other, folder) = baseline(SCRIPT);
    let worse = run(&bench, SLOWER, &folder, &["--fail-on", "worse", "--format", "json"]).expect_code(10);
    assert_eq!(verdict(&worse), "worse");
    let records: Vec<Record> = bench.records();
    assert_eq!(records.iter().map(|record| record.case.baseline).collect::<Vec<_>>(), [true, false]);
    let programs: Vec<_> = records.iter().map(|record| record.passport.runner_sha256.clone()).collect();
    assert_ne!(programs[0], programs[1], "the passports name the builds");

    let same = run(&bench, SCRIPT, &folder, &["--fail-on", "worse", "--format", "json"]).expect_code(0);
    assert_ne!(verdict(&same), "worse");
    let table = run(&bench, SCRIPT, &folder, &[]).expect_code(0).stdout;
    assert!(table.contains("fake, baseline") && table.contains(" times the baseline"), "{table}");
    assert!(!table.lines().any(|line| line.trim_end().ends_with(" *")), "two builds have no winner: {table}");
}

#[test]
fn a_build_that_fails_beside_its_baseline_is_worse() {
    let bench = Bench::new();
    let (_other, folder) = baseline(SCRIPT);
    run(&bench, &format!("{SCRIPT},fault=crash@decode"), &folder, &["--fail-on", "worse"]).expect_code(10);
    let outcomes: Vec<bool> = bench.records().iter().map(|record| record.outcome == Outcome::Measured).collect();
    assert_eq!(outcomes, [true, false]);
}

#[test]
fn a_baseline_that_is_not_there_is_refused_before_anything_is_measured() {
    let bench = Bench::new();
    let finished = run(&bench, SCRIPT, "nowhere", &[]).expect_code(3);
    finished.expect_stderr(&["nowhere/pocketwatt-fake: build the runner into that folder"]);
    bench.run(SCRIPT, &[SCENARIO, &["--baseline-runners", "nowhere", "--one-by-one"]].concat()).expect_code(2);
}

#[test]
fn a_plan_says_which_differences_its_blocks_will_show() {
    let bench = Bench::new();
    let (_other, folder) = baseline(SCRIPT);
    let arguments = [SCENARIO, &["--iterations", "6", "--blocks", "4", "--baseline-runners", folder.as_str()]].concat();
    let measured = bench.run(SCRIPT, &arguments).expect_code(0);
    assert!(!measured.stderr.contains("blocks show"), "nothing is known yet: {}", measured.stderr);

    let stored = bench.folder();
    let path = stored.path().parent().unwrap().join("calibration.json");
    let mut calibration = calibration_of(&stored.run().unwrap());
    calibration.write(&path).unwrap();
    let foreseen = "4 blocks show differences in decode throughput of about ";
    bench.run(SCRIPT, &arguments).expect_code(0).expect_stderr(&[
        foreseen,
        "and in time to first token of about",
        "--blocks ",
    ]);
    let plan = bench.run(SCRIPT, &[&arguments[..], &["--dry-run"]].concat()).expect_code(0).stdout;
    assert!(plan.contains(foreseen), "{plan}");

    // Nothing that is wrong with it is an obstacle.
    calibration.noise.iter_mut().for_each(|noise| noise.block_deviation = None);
    calibration.write(&path).unwrap();
    let dry = |words: &[&str]| {
        let finished = bench.run(SCRIPT, &[&arguments[..], &["--dry-run"]].concat()).expect_code(0);
        let all = finished.stdout + &finished.stderr;
        assert!(words.iter().all(|word| all.contains(word)) && !all.contains("blocks show"), "{words:?}: {all}");
    };
    dry(&["does not say how much the decode throughput of fake in f32 differs between blocks"]);
    calibration.created_unix_ms -= 31 * 86_400_000;
    calibration.write(&path).unwrap();
    dry(&["passed over", "31 days lie between it and the run"]);
    calibration.device.kernel = Some("another".into());
    calibration.write(&path).unwrap();
    dry(&["passed over", "of another kernel: another instead of"]);
    std::fs::write(&path, "{").unwrap();
    dry(&["passed over", "calibration.json is not a valid result file"]);
}

#[test]
fn a_device_is_calibrated_beside_itself() {
    let bench = Bench::new();
    let arguments = ["calibrate", "--backend", "fake", "--model", "tiny", "--no-probe", "--time", "8s"];
    let finished = bench.pocketwatt(&[&arguments, SCENARIO].concat()).expect_code(0);
    assert!(finished.stdout.contains("between runs"), "{}", finished.stdout);
    let folder = bench.folder();
    let path = folder.path().parent().unwrap().join("calibration.json");
    let calibration = Calibration::read(&path).unwrap();
    assert_eq!(calibration.ensure_suits(&folder.run().unwrap().device, calibration.created_unix_ms), Ok(()));
    let decode = calibration.noise.iter().find(|noise| noise.metric == "decode_throughput").unwrap();
    // How large it is says how busy the machine is.
    assert!(decode.pairs >= 2 && (0.0..10.0).contains(&decode.deviation), "{decode:?}");
    assert!(decode.block_deviation.is_some_and(|deviation| (0.0..10.0).contains(&deviation)), "{decode:?}");
    bench.pocketwatt(&[&arguments, SCENARIO, &["--one-by-one"]].concat()).expect_code(3);
}

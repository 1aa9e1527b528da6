//! A stored run is measured again and compared with what it gave the first time.
#![cfg(test)]

use std::{fs, path::Path};

use pocketwatt_record::{Calibration, Outcome, RunFolder, stored_runs};
use pocketwatt_tests::{Bench, Finished, Starts, calibration_of, wait_until};
use rustix::process::Signal;
use serde_json::Value;

const FAST: &str = "load=5ms,prefill=50us,decode=500us";
/// So slow that even a busy machine adds little.
const SLOW: &str = "load=5ms,prefill=50us,decode=5ms";
const SLOWEST: &str = "load=5ms,prefill=50us,decode=50ms";

/// The first run, of the fake backend and a tiny model.
fn measure(bench: &Bench, script: &str, more: &[&str]) -> RunFolder {
    bench.run(script, &[more, &["--no-quality"]].concat()).expect_code(0);
    bench.folder()
}

/// The same again.
fn again(bench: &Bench, script: &str, more: &[&str]) -> Finished {
    bench.start(script, &[&["run", "--no-probe", "--against", "latest"], more].concat()).finish()
}

fn runs(bench: &Bench) -> usize {
    stored_runs(&bench.path("results")).unwrap().0.len()
}

fn json(finished: &Finished) -> Value {
    serde_json::from_str(&finished.stdout).unwrap_or_else(|error| panic!("{error}: {}", finished.stdout))
}

/// What is said about decode throughput in the first case.
fn decode(document: &Value) -> &Value {
    let metrics = document["against"]["cases"][0]["metrics"].as_array().unwrap();
    metrics.iter().find(|found| found["metric"] == "decode_throughput").unwrap()
}

/// The calibration of the device, and its file.
fn calibrate(bench: &Bench) -> (Calibration, std::path::PathBuf) {
    let folder = bench.folder();
    let path = folder.path().parent().unwrap().join("calibration.json");
    let calibration = calibration_of(&folder.run().unwrap());
    calibration.write(&path).unwrap();
    (calibration, path)
}

#[test]
fn a_run_is_measured_again_as_it_was_and_compared() {
    let bench = Bench::new();
    let first = measure(
        &bench,
        FAST,
        &[
            "--scenario",
            "decode-4,decode-5",
            "--iterations",
            "4",
            "--blocks",
            "2",
            "--device",
            "phone",
            "--threads",
            "2",
        ],
    );
    let finished = again(&bench, FAST, &["--fail-on", "worse"]).expect_code(0).expect_stderr(&[
        "verdicts will be undecided, because the noise between runs is not known",
        "`pocketwatt calibrate --backend fake --model tiny --precision f32 --threads 2 --scenario decode-4,decode-5 --blocks 2 --iterations 4 --device phone`",
        "`--baseline-runners DIR` measures two builds",
    ]);
    let table = finished.stdout;
    let (report, comparison) = table.split_once("\nagainst ").expect("a heading");
    assert!(report.contains("decode-5 · tiny") && !report.contains("B / A"), "{table}");
    for part in ["decode-5 · tiny", "B / A", "undecided [1]", "0 worse, 0 better, 0 the same"] {
        assert!(comparison.contains(part), "{part:?} is not in: {table}");
    }
    let (before, second) = (first.run().unwrap(), bench.folder().run().unwrap());
    assert_ne!(before.id, second.id);
    let cases = |run: &pocketwatt_record::Run| run.plan.iter().map(|planned| planned.case.clone()).collect::<Vec<_>>();
    assert_eq!((cases(&before), &before.device.name), (cases(&second), &second.device.name));
    assert_eq!(second.against.unwrap().baseline, std::path::absolute(first.path()).unwrap());
    let seedless = |mut settings: pocketwatt_record::RunSettings| {
        settings.turns.as_mut().unwrap().seed = 0;
        settings
    };
    assert_eq!(seedless(before.settings), seedless(second.settings));

    let markdown = again(&bench, FAST, &["--format", "markdown"]).expect_code(0).stdout;
    assert!(markdown.contains("\n## Against ") && markdown.contains("| A (baseline) | B (candidate) |"), "{markdown}");
    let document = json(&again(&bench, FAST, &["--format", "json", "--decide"]).expect_code(11));
    assert_eq!(document["cases"].as_array().unwrap().len(), 2, "the report is in the same document");
    assert_eq!(decode(&document)["verdict"], "undecided");
}

#[test]
fn a_slower_runner_is_worse_where_the_noise_between_runs_is_known() {
    let bench = Bench::new();
    measure(&bench, SLOW, &["--scenario", "decode-6"]);
    let (mut calibration, path) = calibrate(&bench);
    let worse = again(&bench, SLOWEST, &["--fail-on", "worse", "--format", "json"]).expect_code(10);
    assert!(worse.stderr.contains("verdicts will rest on the noise between runs in "), "{}", worse.stderr);
    assert_eq!(decode(&json(&worse))["verdict"], "worse");
    // The newest run is the slow one.
    let better = again(&bench, SLOW, &["--fail-on", "worse", "--format", "json", "--margin", "3%"]).expect_code(0);
    assert_eq!(
        (&decode(&json(&better))["verdict"], &decode(&json(&better))["margin"]),
        (&"better".into(), &0.03.into())
    );

    let before = runs(&bench);
    calibration.created_unix_ms -= 31 * 86_400_000;
    calibration.write(&path).unwrap();
    let named = ["--calibration", path.to_str().unwrap()];
    again(&bench, SLOW, &named).expect_code(3).expect_stderr(&["does not hold: 31 days lie between"]);
    again(&bench, SLOW, &["--calibration", "nowhere.json"]).expect_code(3).expect_stderr(&["there is no nowhere.json"]);
    fs::write(&path, "{").unwrap();
    again(&bench, SLOW, &[]).expect_code(3).expect_stderr(&["calibration.json is not a valid result file"]);
    assert_eq!(runs(&bench), before, "nothing was measured");
}

#[test]
fn other_work_is_refused_before_anything_is_measured() {
    let bench = Bench::new();
    measure(&bench, FAST, &["--scenario", "decode-4"]);
    let refused = again(&bench, FAST, &["--warmup", "3"]).expect_code(14);
    refused.expect_stderr(&["warm-up: 1 whole iteration in A, 3 whole iterations in B"]);
    bench.pocketwatt(&["model", "generate", "tiny", "--seed", "7", "--force"]).expect_code(0);
    let refused = again(&bench, FAST, &[])
        .expect_code(14)
        .expect_stderr(&["not comparable: decode-4_tiny_fake_f32_1t: weights: ", "--force"]);
    assert_eq!((refused.stdout.as_str(), runs(&bench)), ("", 1));
    let forced = again(&bench, FAST, &["--force"]).expect_code(0).stdout;
    assert!(forced.contains("undecided (forced)"), "{forced}");
}

#[test]
fn what_cannot_be_measured_again_is_refused() {
    let bench = Bench::new();
    let first = measure(&bench, FAST, &["--scenario", "decode-4"]);
    let refused = |code: i32, arguments: &[&str], words: &[&str]| {
        bench.pocketwatt(&[&["run", "--no-probe"], arguments].concat()).expect_code(code).expect_stderr(words);
    };
    refused(3, &["--against", "nothing"], &["no run \"nothing\""]);
    refused(14, &["--against", "latest", "--threads", "2"], &["A has decode-4_tiny_fake_f32_1t", "no case is in both"]);
    refused(2, &["--against", "latest", "--baseline-runners", "."], &["cannot be used with"]);
    refused(3, &["--against", "latest", "--format", "csv"], &["--format json has the comparison"]);
    refused(3, &["--margin", "2%"], &["name the run with --against"]);
    bench.pocketwatt(&["calibrate", "--against", "latest"]).expect_code(3).expect_stderr(&["a run of its own"]);

    let record = first.path().join("cases/decode-4_tiny_fake_f32_1t.json");
    let whole = fs::read(&record).unwrap();
    fs::write(&record, &whole[..whole.len() / 2]).unwrap();
    refused(3, &["--against", "latest"], &["is not a valid result file", "no case is left to measure again"]);
    fs::write(&record, whole).unwrap();
    let name = first.path().to_str().unwrap();
    fs::write(first.path().join("run.json"), "{").unwrap();
    refused(3, &["--against", name], &["cannot be measured again: without a readable run.json"]);
    assert_eq!(runs(&bench), 1);
}

#[test]
fn options_win_and_what_they_leave_is_told() {
    let bench = Bench::new();
    measure(&bench, FAST, &["--scenario", "decode-4,decode-5"]);
    let finished = again(&bench, FAST, &["--scenario", "decode-5,decode-6", "--format", "json"]).expect_code(0);
    assert_eq!(json(&finished)["against"]["only_in_candidate"][0], "decode-6_tiny_fake_f32_1t");
    finished.expect_stderr(&[
        "not measured again: decode-4_tiny_fake_f32_1t",
        "not compared, because it was not measured before: decode-6_tiny_fake_f32_1t",
    ]);
    let record = bench.folder().path().join("cases/decode-6_tiny_fake_f32_1t.json");
    let one = ["run", "--no-probe", "--against", record.to_str().unwrap()];
    bench.start(FAST, &one).finish().expect_code(0);
    assert_eq!(bench.folder().run().unwrap().plan.len(), 1, "a record is one case");
}

/// A run of these twins.
fn measure_twins(bench: &Bench, backends: &str, chosen: &str) -> Finished {
    let arguments = ["run", "--backends", backends, "--backend", chosen, "--model", "tiny", "--no-probe"];
    bench.start(FAST, &[&arguments[..], &["--scenario", "decode-8"]].concat()).finish()
}

#[test]
fn a_backend_alone_is_measured_in_blocks_as_it_was_beside_others() {
    let mut bench = Bench::new();
    let backends = bench.twins();
    measure_twins(&bench, &backends, "one,two").expect_code(0);
    let alone = ["--backends", &backends, "--backend", "two", "--format", "json"];
    let document = json(&again(&bench, FAST, &alone).expect_code(0));
    assert_eq!(document["against"]["cases"].as_array().unwrap().len(), 1);
    assert_eq!(document["against"]["cases"][0]["differences"], Value::Array(vec![]), "{document:#}");
    assert_eq!(bench.records()[0].samples.counted_blocks().count(), 5);
}

#[test]
fn a_backend_that_is_alone_because_the_other_was_skipped_is_measured_in_blocks_both_times() {
    let mut bench = Bench::new();
    let backends = bench.twins();
    measure_twins(&bench, &backends, "one,absent").expect_code(4);
    let document = json(&again(&bench, FAST, &["--backends", &backends, "--format", "json"]).expect_code(4));
    let cases = document["against"]["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 2);
    assert!(cases.iter().all(|case| case["differences"] == Value::Array(vec![])), "{document:#}");
    let blocks = |outcome: &Outcome| if *outcome == Outcome::Measured { 5 } else { 0 };
    assert!(bench.records().iter().all(|one| one.samples.counted_blocks().count() == blocks(&one.outcome)));
}

/// A run against the newest one that was killed in its second case.
fn killed(bench: &Bench, starts: &str) {
    let starts = Starts::named(bench, starts);
    let arguments = ["run", "--no-probe", "--against", "latest"];
    let running = bench.start(&format!("{FAST},fault=hang@decode,{}", starts.only(2)), &arguments);
    wait_until("the second case", || starts.processes().len() == 2);
    running.signal(Signal::KILL);
    running.finish();
}

#[test]
fn a_run_that_goes_on_is_compared_at_its_end() {
    let bench = Bench::new();
    let first = measure(&bench, FAST, &["--scenario", "decode-4,decode-5"]);
    bench.resume("", &["--margin", "2%"]).expect_code(3).expect_stderr(&["was begun without --against"]);
    killed(&bench, "first");
    let finished = bench.resume(FAST, &["--format", "json", "--margin", "2%", "--fail-on", "worse"]).expect_code(0);
    let document = json(&finished);
    assert_eq!(document["against"]["cases"].as_array().unwrap().len(), 2);
    assert_eq!(decode(&document)["margin"], 0.02);

    killed(&bench, "second");
    let baseline = bench.folder().run().unwrap().against.unwrap().baseline;
    assert_ne!(baseline, first.path());
    fs::remove_dir_all(Path::new(&baseline)).unwrap();
    let finished = bench
        .resume(FAST, &[])
        .expect_code(3)
        .expect_stderr(&["the run goes on, but cannot be compared at its end", "the records are stored"]);
    assert!(finished.stdout.contains("decode-5 · tiny"), "{}", finished.stdout);
}

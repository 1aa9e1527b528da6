//! Two stored runs side by side: what differs, and what is better or worse.
#![cfg(test)]

use std::{fs, path::Path};

use pocketwatt_record::{Calibration, FormatVersion, MetricId, RunFolder, SpeedMetric, latest_run};
use pocketwatt_tests::{Bench, Finished, calibration_of};
use serde_json::Value;

const FAST: &str = "load=5ms,prefill=50us,decode=500us";
/// So slow that even a busy machine adds little.
const SLOW: &str = "load=5ms,prefill=50us,decode=5ms";
const SLOWEST: &str = "load=5ms,prefill=50us,decode=50ms";
const DECODE: MetricId = MetricId::Speed(SpeedMetric::DecodeThroughput);

/// A run in its own folder of results, of the same name.
fn measure(bench: &Bench, name: &str, script: &str, scenario: &str) -> String {
    bench.run(script, &["--scenario", scenario, "--results", name, "--no-quality"]).expect_code(0);
    folder(bench, name)
}

fn folder(bench: &Bench, results: &str) -> String {
    opened(bench, results).path().to_str().unwrap().to_owned()
}

fn opened(bench: &Bench, results: &str) -> RunFolder {
    latest_run(&bench.path(results)).unwrap().folder
}

fn record(run: &str, case: &str) -> String {
    format!("{run}/cases/{case}_tiny_fake_f32_1t.json")
}

fn change(path: &str, change: impl FnOnce(&mut Value)) {
    let mut value: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    change(&mut value);
    fs::write(path, value.to_string()).unwrap();
}

fn compare(bench: &Bench, arguments: &[&str]) -> Finished {
    bench.pocketwatt(&[&["compare"], arguments].concat())
}

#[track_caller]
fn json(bench: &Bench, code: i32, arguments: &[&str]) -> Value {
    let finished = compare(bench, &[arguments, &["--format", "json"]].concat()).expect_code(code);
    serde_json::from_str(&finished.stdout).unwrap()
}

/// What is said about a metric of the first case.
#[track_caller]
fn metric(comparison: &Value, metric: MetricId) -> &Value {
    let metrics = comparison["cases"][0]["metrics"].as_array().unwrap();
    metrics.iter().find(|found| found["metric"] == metric.name()).unwrap()
}

/// A calibration of the device of a run, in which two runs differ by 3 %.
fn calibration(bench: &Bench, results: &str) -> Calibration {
    calibration_of(&opened(bench, results).run().unwrap())
}

#[test]
fn unchanged_runs_are_undecided_until_the_noise_between_runs_is_known() {
    let bench = Bench::new();
    let [one, other] = ["a", "b"].map(|results| measure(&bench, results, FAST, "prefill-8-decode-16"));

    let table = compare(&bench, &[&one, &other, "--fail-on", "worse"]).expect_code(0).stdout;
    for part in ["decode", "B / A", "undecided [1]", "--baseline-runners DIR", "0 worse, 0 better, 0 the same"] {
        assert!(table.contains(part), "{part:?} is not in: {table}");
    }
    let markdown = compare(&bench, &[&one, &other, "--format", "markdown"]).expect_code(0).stdout;
    assert!(markdown.contains("| A (baseline) | B (candidate) |") && markdown.contains("| summary |"), "{markdown}");
    compare(&bench, &[&one, &other, "--decide"]).expect_code(11);

    let comparison = json(&bench, 0, &[&one, &other]);
    let decode = metric(&comparison, DECODE);
    assert_eq!((&decode["verdict"], &decode["basis"]["kind"]), (&"undecided".into(), &"not-together".into()));
    let ratio = |end: &str| decode["ratio"][end].as_f64().unwrap();
    assert!(ratio("low") <= ratio("value") && ratio("value") <= ratio("high"));
    assert_eq!((&comparison["calibration"]["kind"], &decode["detectable"]), (&"missing".into(), &Value::Null));
    assert_eq!(comparison["cases"][0]["differences"], Value::Array(vec![]), "of one program, on one device");
}

#[test]
fn a_slower_runner_is_worse_by_a_calibration_of_this_device_only() {
    let bench = Bench::new();
    let fast = measure(&bench, "a", SLOW, "decode-6");
    let slow = measure(&bench, "b", SLOWEST, "decode-6");
    let device = Path::new(&slow).parent().unwrap();
    let usual = device.join("calibration.json");
    calibration(&bench, "b").write(&usual).unwrap();

    let worse = ["--fail-on", "worse"];
    let comparison = json(&bench, 10, &[&[fast.as_str(), &slow], &worse[..]].concat());
    let decode = metric(&comparison, DECODE);
    assert_eq!((&decode["verdict"], &decode["basis"]["pairs"]), (&"worse".into(), &40.into()));
    assert!(decode["detectable"].as_f64().unwrap() > 0.05, "{decode}");
    assert_eq!(metric(&comparison, MetricId::Speed(SpeedMetric::KvCacheMemory))["basis"]["kind"], "not-calibrated");
    compare(&bench, &[&fast, &slow]).expect_code(0);
    let file = usual.to_str().unwrap();
    let turned = json(&bench, 0, &[&slow, &fast, "--fail-on", "worse", "--calibration", file]);
    assert_eq!(metric(&turned, DECODE)["verdict"], "better");
    let wide = json(&bench, 10, &[&[fast.as_str(), &slow, "--margin", "50%"], &worse[..]].concat());
    assert_eq!(metric(&wide, DECODE)["margin"], 0.5);
    let one = json(&bench, 0, &[&fast, &slow, "--margin", "50%", "--margin", "decode_throughput=2%"]);
    assert_eq!(metric(&one, DECODE)["margin"], 0.02);

    let mut foreign = calibration(&bench, "b");
    foreign.device.name = "another-phone".into();
    let foreign_file = bench.path("foreign.json");
    foreign.write(&foreign_file).unwrap();
    let explicit = ["--calibration", foreign_file.to_str().unwrap()];
    compare(&bench, &[&[fast.as_str(), &slow], &explicit[..]].concat())
        .expect_code(3)
        .expect_stderr(&["does not hold", "of another device: another-phone"]);
    let mut stale = calibration(&bench, "b");
    stale.created_unix_ms -= 31 * 86_400_000;
    stale.write(&usual).unwrap();
    let passed_over = compare(&bench, &[&[fast.as_str(), &slow], &worse[..]].concat()).expect_code(0);
    assert!(passed_over.stdout.contains("31 days lie between"), "{}", passed_over.stdout);
    fs::write(&usual, "{\"format\":").unwrap();
    compare(&bench, &[&fast, &slow]).expect_code(3).expect_stderr(&["calibration.json is not a valid result file"]);
    let newer = Calibration { format: FormatVersion { major: 9, minor: 0 }, ..calibration(&bench, "b") };
    newer.write(&usual).unwrap();
    compare(&bench, &[&fast, &slow])
        .expect_code(3)
        .expect_stderr(&["calibrations of format 9.0 need a newer pocketwatt"]);
    compare(&bench, &[&fast, &slow, "--calibration", "nowhere.json"])
        .expect_code(3)
        .expect_stderr(&["--calibration: there is no nowhere.json", "`pocketwatt calibrate`"]);
}

#[test]
fn a_calibration_that_lacks_what_is_compared_decides_nothing_and_says_so() {
    let bench = Bench::new();
    let [fast, slow] =
        [("a", SLOW), ("b", SLOWEST)].map(|(results, script)| measure(&bench, results, script, "decode-6"));
    let mut without = calibration(&bench, "b");
    without.noise.retain(|noise| noise.metric != DECODE.name());
    let file = bench.path("without.json");
    without.write(&file).unwrap();
    let arguments = [fast.as_str(), &slow, "--fail-on", "worse", "--calibration", file.to_str().unwrap()];
    let comparison = json(&bench, 10, &arguments);
    let decode = metric(&comparison, DECODE);
    assert_eq!((&decode["verdict"], &decode["basis"]["kind"]), (&"undecided".into(), &"not-calibrated".into()));
    without.noise.clear();
    without.write(&file).unwrap();
    let table = compare(&bench, &arguments).expect_code(0).stdout;
    assert!(table.contains("the calibration does not have this metric"), "{table}");
}

#[test]
fn other_work_is_refused_and_marked_where_it_is_forced() {
    let bench = Bench::new();
    let scenario = |tokens: u32| {
        let text = format!("name = \"mine\"\noutput-tokens = {tokens}\n\n[[turns]]\nuser = \"Hello.\"\n");
        bench.write("mine.toml", &text)
    };
    let one = measure(&bench, "a", FAST, &scenario(6));
    let other = measure(&bench, "b", FAST, &scenario(9));
    let refused = compare(&bench, &[&one, &other]).expect_code(14).expect_stderr(&[
        "not comparable: mine_tiny_fake_f32_1t",
        "definition of the scenario",
        "generated tokens: 6 in turn 1 in A, 9 in turn 1 in B",
        "--force",
    ]);
    assert_eq!(refused.stdout, "");
    let forced = json(&bench, 0, &[&one, &other, "--force"]);
    let metrics = forced["cases"][0]["metrics"].as_array().unwrap();
    assert!(!metrics.is_empty() && metrics.iter().all(|metric| metric["forced"] == true));
    let table = compare(&bench, &[&one, &other, "--force"]).expect_code(0).stdout;
    let rows = table.lines().filter(|line| line.contains("(forced)")).count();
    assert_eq!(rows, metrics.len(), "{table}");
}

#[test]
fn cases_that_only_one_side_has_are_named() {
    let bench = Bench::new();
    let one = measure(&bench, "a", FAST, "decode-4,decode-5");
    let other = measure(&bench, "b", FAST, "decode-5,decode-6");
    let comparison = json(&bench, 0, &[&one, &other]);
    let name = |case: &str| Value::Array(vec![format!("{case}_tiny_fake_f32_1t").into()]);
    assert_eq!(comparison["cases"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&comparison["only_in_baseline"], &comparison["only_in_candidate"]),
        (&name("decode-4"), &name("decode-6"))
    );
    let file = record(&other, "decode-6");
    compare(&bench, &[&one, &file]).expect_code(14).expect_stderr(&[
        "A has decode-4_tiny_fake_f32_1t, decode-5_tiny_fake_f32_1t",
        "B has decode-6_tiny_fake_f32_1t",
        "no case is in both",
    ]);
    // Two files that were named belong together; then it is said what differs.
    compare(&bench, &[&record(&one, "decode-4"), &file]).expect_code(14).expect_stderr(&["generated tokens: 4 in"]);
    compare(&bench, &[&record(&one, "decode-5"), &record(&other, "decode-5")]).expect_code(0);
    compare(&bench, &["nothing", &other]).expect_code(3).expect_stderr(&["no run \"nothing\""]);
}

#[test]
fn another_device_is_refused_and_another_governor_is_told() {
    let bench = Bench::new();
    let [one, other] = ["a", "b"].map(|results| measure(&bench, results, FAST, "decode-4"));
    let run = format!("{other}/run.json");
    change(&run, |run| run["device"]["governor"] = "powersave".into());
    change(&record(&other, "decode-4"), |record| record["passport"]["runner_sha256"] = "1".repeat(64).into());
    let table = compare(&bench, &[&one, &other]).expect_code(0).stdout;
    for part in ["frequency governor:", "powersave in B", "runner:", "111111111111 in B"] {
        assert!(table.contains(part), "{part:?} is not in: {table}");
    }
    change(&run, |run| run["device"]["name"] = "another-phone".into());
    compare(&bench, &[&one, &other]).expect_code(14).expect_stderr(&["device: ", "another-phone in B"]);
    compare(&bench, &[&one, &other, "--force"]).expect_code(0);
}

#[test]
fn a_case_that_fails_only_in_the_candidate_is_worse() {
    let bench = Bench::new();
    let one = measure(&bench, "a", FAST, "decode-4");
    bench
        .run("fault=fail@decode,iteration=2", &["--scenario", "decode-4", "--results", "b", "--no-quality"])
        .expect_code(5);
    let other = folder(&bench, "b");
    let table = compare(&bench, &[&one, &other, "--fail-on", "worse"]).expect_code(10).stdout;
    for part in ["failed", "scripted failure", "1 worse, 0 better", "cases that failed only in B"] {
        assert!(table.contains(part), "{part:?} is not in: {table}");
    }
    let turned = json(&bench, 0, &[&other, &one, "--fail-on", "worse"]);
    assert_eq!(
        (&turned["summary"]["worse"], &turned["cases"][0]["baseline_outcome"]["outcome"]),
        (&0.into(), &"failed".into())
    );
}

#[test]
fn what_is_damaged_is_left_out_and_the_rest_is_compared() {
    let bench = Bench::new();
    let [one, other] = ["a", "b"].map(|results| measure(&bench, results, FAST, "decode-4,decode-5,decode-6"));
    let half = record(&other, "decode-4");
    let text = fs::read_to_string(&half).unwrap();
    fs::write(&half, &text[..text.len() / 2]).unwrap();
    change(&record(&one, "decode-5"), |record| record["format"]["major"] = 99.into());
    let finished = compare(&bench, &[&one, &other]).expect_code(4).expect_stderr(&[
        "decode-4_tiny_fake_f32_1t.json is not a valid result file",
        "decode-5_tiny_fake_f32_1t.json has format 99.",
    ]);
    assert!(finished.stdout.contains("decode-6 · tiny") && !finished.stdout.contains("decode-4 · tiny"));
    fs::write(record(&other, "decode-6"), "").unwrap();
    compare(&bench, &[&one, &other]).expect_code(3).expect_stderr(&["is empty", "no case is left to compare"]);
}

#[test]
fn a_metric_that_one_side_lacks_has_a_row_with_the_reason() {
    let bench = Bench::new();
    let [one, other] = ["a", "b"].map(|results| measure(&bench, results, FAST, "decode-4"));
    change(&record(&other, "decode-4"), |record| {
        let metrics = record["metrics"].as_array_mut().unwrap();
        metrics.retain(|metric| metric["metric"] != DECODE.name());
    });
    let comparison = json(&bench, 0, &[&one, &other]);
    let decode = metric(&comparison, DECODE);
    assert_eq!((&decode["candidate"]["absent"], &decode["verdict"]), (&"not-in-record".into(), &Value::Null));
    assert!(decode["baseline"]["value"].as_f64().unwrap() > 0.0);
}

#[test]
fn records_of_every_version_are_compared() {
    let bench = Bench::new();
    for version in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/records")).unwrap() {
        let run = version.unwrap().path();
        let name = run.file_name().unwrap().to_str().unwrap();
        let run = run.to_str().unwrap();
        compare(&bench, &[run, run]).expect_code(3).expect_stderr(&["have the same records"]);
        assert_eq!(bench.shell(&format!("cp -r '{run}' '{name}'")).code, Some(0));
        let later = bench.path(name);
        for record in fs::read_dir(later.join("cases")).unwrap() {
            change(record.unwrap().path().to_str().unwrap(), |record| {
                let started = record["passport"]["started_unix_ms"].as_u64().unwrap();
                record["passport"]["started_unix_ms"] = (started + 1).into();
            });
        }
        let comparison = json(&bench, 0, &[run, later.to_str().unwrap()]);
        assert!(!comparison["cases"].as_array().unwrap().is_empty(), "{run}");
        assert_eq!(comparison["summary"]["worse"], 0, "{run}");
    }
}

#[test]
fn what_was_measured_together_is_compared_block_by_block() {
    let mut bench = Bench::new();
    let backends = bench.twins();
    let arguments = [
        "run",
        "--backends",
        &backends,
        "--backend",
        "one,two",
        "--model",
        "tiny",
        "--no-probe",
        "--scenario",
        "decode-8",
    ];
    bench.start(FAST, &arguments).finish().expect_code(0);
    let run = folder(&bench, "results");
    let case = |backend: &str| format!("{run}/cases/decode-8_tiny_{backend}_f32_1t.json");
    let comparison = json(&bench, 0, &[&case("one"), &case("two")]);
    let decode = metric(&comparison, DECODE);
    assert_eq!(decode["basis"]["kind"], "together");
    assert!(decode["detectable"].as_f64().unwrap() > 0.0 && decode["p_value"].as_f64().is_some());
    assert_eq!(comparison["calibration"]["kind"], "not-needed");
    assert_eq!(comparison["cases"][0]["differences"][0]["property"], "backend");
}

/// A record and itself agree, whatever noise there is: that is not evidence.
#[test]
fn nothing_is_compared_with_itself() {
    let bench = Bench::new();
    let [one, other] = ["a", "b"].map(|results| measure(&bench, results, FAST, "decode-4,decode-5"));
    let said = ["have the same records: one measurement is not compared with itself"];
    for force in [&[][..], &["--force"]] {
        compare(&bench, &[&[one.as_str(), &one], force].concat()).expect_code(3).expect_stderr(&said);
    }
    compare(&bench, &[&one, &record(&one, "decode-4")]).expect_code(3).expect_stderr(&said);
    // Beside another record, the one that is on both sides gets no verdict.
    fs::copy(record(&one, "decode-4"), record(&other, "decode-4")).unwrap();
    let id = |run: &str| RunFolder::open(Path::new(run)).run().unwrap().id;
    change(&format!("{other}/run.json"), |run| run["id"] = id(&one).into());
    change(&record(&other, "decode-5"), |record| record["passport"]["run"] = id(&one).into());
    let comparison = json(&bench, 0, &[&one, &other]);
    let metrics = |case: usize| comparison["cases"][case]["metrics"].as_array().unwrap().iter();
    assert!(metrics(0).len() > 0 && metrics(0).all(|metric| metric["verdict"].is_null()), "{comparison}");
    let why = format!("both are the same record of run {}", id(&one));
    assert!(metrics(0).all(|metric| metric["ratio"]["unavailable"].as_str().unwrap().contains(&why)));
    assert!(metrics(1).any(|metric| metric["verdict"] == "undecided"), "{comparison}");
}

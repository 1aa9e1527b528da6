//! The main job, on the fake backend.
#![cfg(test)]

use std::{collections::BTreeSet, fs, path::Path};

use pocketwatt_protocol::{IterationKind, TokenId};
use pocketwatt_record::{Outcome, Record, SpeedMetric};
use pocketwatt_tests::Bench;
use serde_json::Value;

const TWO_TURNS: &str = r#"
name = "two-turns"
output-tokens = 6

[[turns]]
user = "Hello."

[[turns]]
user = "And then?"
"#;

fn json(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn median(record: &Record, metric: SpeedMetric) -> f64 {
    record.summary(metric).unwrap_or_else(|| panic!("{metric:?} was not measured")).median
}

#[test]
fn every_case_is_measured_stored_and_shown() {
    let bench = Bench::new();
    let finished = bench.run("", &["--scenario", "decode-4,prefill-8-decode-2", "--iterations", "3"]).expect_code(0);
    let records = bench.records();
    assert_eq!(records.len(), 2);
    for record in &records {
        assert_eq!(record.outcome, Outcome::Measured);
        assert_eq!(record.passport.backend.as_ref().unwrap().engine, "fake");
        assert!(record.passport.model.seeded);
        assert_eq!(record.passport.runner_sha256.as_ref().unwrap().len(), 64);
        let kinds: Vec<IterationKind> = record.samples.iterations.iter().map(|iteration| iteration.kind).collect();
        assert_eq!(kinds[0], IterationKind::Warmup);
        assert_eq!(kinds[1..], [IterationKind::Measured; 3]);
        assert!(median(record, SpeedMetric::PeakResidentMemory) > 0.0);
        assert!(finished.stdout.contains(&record.case.scenario), "{}", finished.stdout);
    }
    assert_eq!(records[1].samples.iterations[0].turns[0].tokens.len(), 2);
    let charts = bench.folder().path().join("charts");
    let drawn = fs::read_dir(charts).unwrap().count();
    assert!(drawn >= 3, "{drawn} charts");
    finished.expect_stderr(&["records: results/", "charts:"]);
}

/// What is written during a measurement matches the checked-in schemas.
#[test]
fn results_fit_the_schema() {
    let bench = Bench::new();
    bench.run("", &["--scenario", "decode-3,prefill-5000", "--iterations", "1"]).expect_code(4);
    let folder = bench.folder();
    let schemas = Path::new(env!("CARGO_MANIFEST_DIR")).join("../results/schema");
    let ensure_fits = |schema: &str, file: &Path| {
        let validator = jsonschema::validator_for(&json(&schemas.join(schema))).unwrap();
        let value = json(file);
        let errors: Vec<String> =
            validator.iter_errors(&value).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{}: {errors:#?}", file.display());
    };
    ensure_fits("run.schema.json", &folder.path().join("run.json"));
    let mut cases = 0;
    for case in fs::read_dir(folder.path().join("cases")).unwrap() {
        ensure_fits("record.schema.json", &case.unwrap().path());
        cases += 1;
    }
    assert_eq!(cases, 2);
}

#[test]
fn time_that_passes_is_measured() {
    let bench = Bench::new();
    let script = "load=30ms,prefill=500us,decode=2ms";
    bench.run(script, &["--scenario", "prefill-10-decode-5", "--iterations", "2"]).expect_code(0);
    let record = &bench.records()[0];
    // Sleeping never takes less than requested, and on a busy machine any amount more.
    assert!(median(record, SpeedMetric::LoadTime) >= 30e6);
    assert!(median(record, SpeedMetric::TimeToFirstToken) >= 5e6);
    assert!(median(record, SpeedMetric::InterTokenLatency) >= 2e6);
    assert!(median(record, SpeedMetric::RequestLatency) >= 13e6);
    assert!(median(record, SpeedMetric::PrefillThroughput) <= 2000.0);
    assert!(median(record, SpeedMetric::DecodeThroughput) <= 500.0);
}

#[test]
fn a_conversation_keeps_its_past() {
    let bench = Bench::new();
    let scenario = bench.write("two-turns.toml", TWO_TURNS);
    bench.run("", &["--scenario", &scenario, "--iterations", "1", "--warmup", "0"]).expect_code(0);
    let turns = &bench.records()[0].samples.iterations[0].turns;
    assert_eq!(turns.len(), 2);
    assert_eq!(turns[0].context_tokens, 0);
    // The last of the six tokens of the first answer is fed with the second prompt.
    assert_eq!(turns[1].context_tokens, turns[0].prompt_tokens + 5);
    assert_eq!((turns[0].tokens.len(), turns[1].tokens.len()), (6, 6));
}

#[test]
fn answers_are_shown_on_request() {
    let bench = Bench::new();
    let scenario = bench.write("two-turns.toml", TWO_TURNS);
    let finished = bench.run("", &["--scenario", &scenario, "--iterations", "1", "--show-text"]).expect_code(0);
    assert!(finished.stdout.contains("And then?"), "{}", finished.stdout);
}

#[test]
fn the_same_model_gives_the_same_tokens() {
    let tokens = || -> Vec<TokenId> {
        let bench = Bench::new();
        bench.run("", &["--scenario", "decode-20", "--iterations", "1"]).expect_code(0);
        bench.records()[0].samples.iterations[1].turns[0].tokens.clone()
    };
    let first = tokens();
    assert!(first.len() == 20 && first.iter().collect::<BTreeSet<_>>().len() > 10, "{first:?}");
    assert_eq!(tokens(), first);
}

#[test]
fn documents_stand_alone_on_standard_output() {
    let bench = Bench::new();
    let run = |format: &str| {
        bench.run("", &["--scenario", "decode-3", "--iterations", "1", "--format", format]).expect_code(0).stdout
    };
    let document: Value = serde_json::from_str(&run("json")).unwrap();
    assert!(document.to_string().contains("decode_throughput"));
    let csv = run("csv");
    let columns: BTreeSet<usize> = csv.lines().map(|line| line.split(',').count()).collect();
    assert!(csv.lines().count() > 5 && columns.len() == 1, "{csv}");
    let markdown = run("markdown");
    assert!(markdown.contains("| fake"), "{markdown}");
}

#[test]
fn a_dry_run_touches_nothing() {
    let bench = Bench::new();
    let finished = bench.run("fault=crash@start", &["--scenario", "chat,decode-9", "--dry-run"]).expect_code(0);
    assert!(finished.stdout.contains("decode-9_tiny_fake_f32_1t") && finished.stdout.contains("2 cases"));
    assert!(!bench.path("results").exists() && !bench.path("cache").exists());
}

#[test]
fn a_run_without_warm_up_counts_its_first_iteration() {
    let bench = Bench::new();
    bench.run("", &["--scenario", "decode-3", "--iterations", "1", "--warmup", "0"]).expect_code(0);
    let iterations = &bench.records()[0].samples.iterations;
    assert_eq!(iterations.len(), 1);
    assert_eq!(iterations[0].kind, IterationKind::Measured);
}

#[test]
fn what_there_is_is_listed() {
    let bench = Bench::new();
    let before = bench.pocketwatt(&["list"]).expect_code(0).stdout;
    for name in ["chat", "api-call", "prefill-N", "mobilellm-125m", "onnxruntime", "tract", "candle", "fake"] {
        assert!(before.contains(&format!("\n  {name} ")), "{name} is not in {before}");
    }
    bench.run("", &["--scenario", "decode-3", "--iterations", "1"]).expect_code(0);
    let after = bench.pocketwatt(&["list"]).expect_code(0).stdout;
    assert!(after.contains("seeded weights (seed 42)"), "{after}");
    assert!(!before.contains("seeded weights (seed 42)"), "{before}");
}

/// As another version of the program may have left it.
#[test]
fn a_seeded_model_of_another_shape_than_its_name_says_is_refused() {
    let bench = Bench::new();
    bench.pocketwatt(&["model", "generate", "tiny+layers3", "--name", "tiny"]).expect_code(0);
    let run = ["run", "--backend", "fake", "--model", "tiny", "--scenario", "decode-2", "--no-probe"];
    bench
        .pocketwatt(&run)
        .expect_code(3)
        .expect_stderr(&["has another shape", "pocketwatt model generate tiny --force"]);
    bench.pocketwatt(&["model", "generate", "tiny", "--force"]).expect_code(0);
    bench.pocketwatt(&run).expect_code(0);
}

//! Scenarios from data files, and precisions, with the real program.
#![cfg(test)]

use std::fs;

use pocketwatt_record::{AnswerWorth, CallMetric, Outcome, Precision, Record, Unjudged, derive};
use pocketwatt_tests::Bench;
use serde_json::{Value, json};

const TALKS: &str = r#"{"id": "a", "output-tokens": 2, "turns": ["Hello"]}
{"id": "b", "turns": [3]}
{"id": "c", "output-tokens": 3, "turns": ["One", "Two"]}
"#;

/// Writes a file with that name and these rows, and returns its path.
fn data_file(bench: &Bench, name: &str, rows: &str) -> String {
    let path = bench.path(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, rows).unwrap();
    path.to_string_lossy().into_owned()
}

#[test]
fn a_bad_row_is_told_with_its_line_and_the_others_are_measured() {
    let bench = Bench::new();
    let path = data_file(&bench, "talks.jsonl", TALKS);
    let finished = bench.run("", &["--scenario", &path, "--iterations", "4", "--warmup", "0"]).expect_code(0);
    assert!(finished.stderr.contains("talks.jsonl:2: "), "{}", finished.stderr);
    assert!(finished.stderr.contains("1 of 3 rows are left out"), "{}", finished.stderr);
    let records = bench.records();
    let ran: Vec<(u32, usize)> =
        records[0].samples.iterations.iter().map(|iteration| (iteration.conversation, iteration.turns.len())).collect();
    assert_eq!(ran, [(0, 1), (1, 2), (0, 1), (1, 2)], "one conversation after the other");
}

#[test]
fn a_conversation_beyond_the_context_is_left_out() {
    let bench = Bench::new();
    let long = "word ".repeat(20_000);
    let rows = format!("{{\"id\": \"long\", \"turns\": [\"{long}\"]}}\n{TALKS}");
    let path = data_file(&bench, "long.jsonl", &rows);
    let finished = bench.run("", &["--scenario", &path, "--iterations", "1"]).expect_code(0);
    assert!(finished.stderr.contains("long.jsonl:1 (long): it needs"), "{}", finished.stderr);
    assert!(finished.stderr.contains("2 of 4 rows are left out"), "{}", finished.stderr);
}

#[test]
fn a_file_of_many_rows_reaches_the_runner_whole() {
    let bench = Bench::new();
    let words = "word ".repeat(50);
    let rows: String = (0..4_000).map(|row| format!("{{\"id\": \"{row}\", \"turns\": [\"{words}\"]}}\n")).collect();
    let path = data_file(&bench, "many.jsonl", &rows);
    bench.run("", &["--scenario", &path, "--iterations", "1", "--warmup", "0"]).expect_code(0);
    assert_eq!(bench.records()[0].outcome, Outcome::Measured);
}

#[test]
fn seeded_weights_are_asked_for_calls_but_have_no_quality() {
    let bench = Bench::new();
    bench.run("", &["--scenario", "api-call", "--iterations", "2", "--items", "5"]).expect_code(0);
    let record = &bench.records()[0];
    assert!(record.calls.iter().any(|answer| matches!(answer.worth, AnswerWorth::Call { intent: false, .. })));
    assert!(record.summary(CallMetric::CallIntent).is_none(), "random words are not judged");
}

/// The tiny model as if it had been trained: it is imported, so its answers are judged.
fn with_trained_model() -> Bench {
    let bench = Bench::new();
    bench.pocketwatt(&["model", "generate", "tiny"]).expect_code(0);
    let folder = bench.model("tiny");
    fs::remove_file(folder.join("pocketwatt.json")).unwrap();
    let folder = folder.to_string_lossy().into_owned();
    bench.pocketwatt(&["model", "import", &folder, "--name", "mine"]).expect_code(0);
    bench
}

/// The context of a tiny model has 2048 tokens.
#[test]
fn rows_that_are_in_no_number_are_named_beside_the_numbers() {
    let bench = with_trained_model();
    let row = |id: &str, words: usize| json!({"id": id, "turns": ["word ".repeat(words)]}).to_string();
    let rows = [row("short", 5), row("long", 4000), json!({"id": "bad"}).to_string(), row("other", 6)];
    let file = data_file(&bench, "mixed.jsonl", &rows.join("\n"));
    let arguments = ["run", "--backend", "fake", "--model", "mine", "--no-probe", "--scenario", &file];
    let finished = bench.pocketwatt(&arguments).expect_code(0);
    let shown = bench.pocketwatt(&["show"]).expect_code(0);
    for output in [&finished.stdout, &shown.stdout] {
        let output = output.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(output.contains("left out mixed: 1 of 4 rows cannot be used, the first: "), "{output}");
        assert!(output.contains("left out mixed with mine: 1 of 3 rows are left out, the first: "), "{output}");
        assert!(output.contains("mine has a context of 2048"), "{output}");
    }
    let left_out = bench.records()[0].passport.left_out.clone().unwrap();
    assert_eq!((left_out.rows, left_out.of), (1, 3));
    let json: Value = serde_json::from_str(&bench.pocketwatt(&["show", "--format", "json"]).stdout).unwrap();
    assert_eq!(json["cases"][0]["left_out"]["rows"], 1);
}

#[test]
fn calls_are_traced_to_questions_and_answers() {
    let bench = with_trained_model();
    let arguments = ["run", "--backend", "fake", "--model", "mine", "--no-probe", "--scenario", "api-call"];
    let finished = bench.pocketwatt(&[&arguments[..], &["--items", "5", "--show-calls=2"]].concat()).expect_code(0);
    let record = &bench.records()[0];
    assert_eq!(record.summary(CallMetric::CallStructure).map(|summary| summary.median), Some(0.0));
    for part in ["right calls by category", "wrong, the first 2", "    expected  ", "    answered  "] {
        assert!(finished.stdout.contains(part), "{part}: {}", finished.stdout);
    }
    let row = finished.stdout.lines().find(|line| line.starts_with("right call (EM_structure), %")).unwrap();
    assert!(row.contains("0 [0, ") && row.contains("] of "), "{row}");
    let again = bench.pocketwatt(&["show", "--calls"]).expect_code(0);
    assert!(again.stdout.contains("right calls by category"), "{}", again.stdout);
    bench.pocketwatt(&["show", "--show-calls", "--format", "csv"]).expect_code(3);
}

/// As if PocketWatt had been killed after the case was stored and before its answers were judged.
#[test]
fn answers_that_are_not_judged_are_not_wrong_and_are_judged_when_the_run_goes_on() {
    let bench = with_trained_model();
    let arguments = ["run", "--backend", "fake", "--model", "mine", "--no-probe", "--scenario", "api-call"];
    bench.pocketwatt(&[&arguments[..], &["--items", "2"]].concat()).expect_code(0);
    let judged = bench.records().remove(0);
    assert!(judged.unjudged.is_none() && !judged.calls.is_empty(), "{:?}", judged.unjudged);
    let mut stored = Record { calls: Vec::new(), unjudged: Some(Unjudged::NotYet), ..judged.clone() };
    derive(&mut stored);
    bench.folder().write(&stored).unwrap();
    let shown = bench.pocketwatt(&["show"]).expect_code(0).stdout;
    assert!(shown.contains("answers are not judged yet") && !shown.contains("EM_structure"), "{shown}");
    bench.resume("fault=crash@start", &[]).expect_code(0);
    assert_eq!(bench.records(), [judged]);
}

#[test]
fn a_precision_that_the_model_cannot_have_is_skipped_with_the_reason() {
    let bench = Bench::new();
    let finished = bench.run("", &["--scenario", "decode-3", "--precision", "f32,int4", "--iterations", "1"]);
    let finished = finished.expect_code(4);
    let records = bench.records();
    assert_eq!(
        records.iter().map(|record| record.case.precision).collect::<Vec<_>>(),
        [Precision::F32, Precision::Int4]
    );
    assert_eq!(records[0].outcome, Outcome::Measured);
    let Outcome::Skipped { reason } = &records[1].outcome else { panic!("{:?}", records[1].outcome) };
    assert!(reason.contains("hidden_size of 48 is not a multiple"), "{reason}");
    assert!(finished.stdout.contains("skipped"), "{}", finished.stdout);
}

#[test]
fn every_gap_of_the_matrix_has_its_reason() {
    let bench = Bench::new();
    let finished = bench.pocketwatt(&["backends"]).expect_code(0);
    assert!(finished.stdout.starts_with("              f32"), "{}", finished.stdout);
    assert!(
        finished.stdout.contains("tract reads products of blocks in 2 and 4 bits, none in 8"),
        "{}",
        finished.stdout
    );
}

#[test]
fn shapes_are_swept_by_their_numbers() {
    let bench = Bench::new();
    let arguments = ["--scenario", "decode-3", "--iterations", "1", "--sweep", "layers=1,3", "--sweep", "kv=1,3"];
    bench.run("", &arguments).expect_code(0);
    let records = bench.records();
    let models: Vec<&str> = records.iter().map(|record| record.case.model.as_str()).collect();
    assert_eq!(models, ["tiny+layers1+kv1", "tiny+layers1+kv3", "tiny+layers3+kv1", "tiny+layers3+kv3"]);
    let parameters: Vec<u64> = records.iter().map(|record| record.passport.model.parameters).collect();
    assert!(parameters.is_sorted() && parameters[0] < parameters[3], "{parameters:?}");
    let refused = bench.run("", &["--sweep", "colour=3"]).expect_code(2);
    assert!(refused.stderr.contains("\"colour\" cannot be changed"), "{}", refused.stderr);
    let refused = bench.run("", &["--sweep", "kv=2"]).expect_code(3);
    assert!(refused.stderr.contains("num_key_value_heads (2)"), "{}", refused.stderr);
}

#[test]
fn constrained_answers_are_calls_and_stand_beside_the_free_ones() {
    let bench = Bench::new();
    let arguments =
        ["--scenario", "api-call,decode-3", "--iterations", "2", "--warmup", "0", "--items", "2", "--constrain"];
    let finished = bench.run("", &arguments).expect_code(0);
    let records = bench.records();
    let names: Vec<(&str, bool)> =
        records.iter().map(|record| (&*record.case.scenario, record.case.constrained)).collect();
    assert_eq!(names, [("api-call", false), ("api-call", true), ("decode-3", false)]);
    let complete = |record: &Record| {
        let calls = record.calls.iter().filter(|answer| match answer.worth {
            AnswerWorth::Call { complete_token, .. } => complete_token.is_some(),
            AnswerWorth::Words { .. } => false,
        });
        calls.count()
    };
    // The text of random weights is a call only if nothing else is allowed; even then a string may take all of an answer.
    assert_eq!(complete(&records[0]), 0);
    assert!(complete(&records[1]) > 0, "{:?}", records[1].calls);
    let turns = records[1].samples.iterations.iter().flat_map(|iteration| &iteration.turns);
    assert!(turns.clone().any(|turn| turn.grammar_ns.is_some_and(|time| time > 0)));
    assert!(
        records[1].summary(CallMetric::GrammarTime).is_some() && records[0].summary(CallMetric::GrammarTime).is_none()
    );
    assert!(finished.stdout.contains("fake, constrained"), "{}", finished.stdout);
    assert!(finished.stdout.contains("keeping to the grammar, a token"), "{}", finished.stdout);
    bench
        .run("", &["--scenario", "decode-3", "--constrain"])
        .expect_code(3)
        .expect_stderr(&["needs a scenario that asks"]);
}

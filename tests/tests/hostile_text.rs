//! Tokenizers and chat templates that make their readers panic, overflow, use too much memory or never end: each is refused with an
//! error, whether it is imported or already in the library, and measurements are kept.
#![cfg(test)]

use std::{fs, path::Path};

use pocketwatt_record::{Absent, AbsentKind, CallMetric, Outcome, Unjudged, Value};
use pocketwatt_tests::{Bench, Finished};
use serde_json::json;

const TOKENIZER: &str = "tokenizer.json";
const TEMPLATE: &str = "chat_template.jinja";

/// A tokenizer with three tokens and these parts.
fn tokenizer(normalizer: &str, pre_tokenizer: &str, decoder: &str) -> String {
    format!(
        r#"{{"version":"1.0","truncation":null,"padding":null,"added_tokens":[],"normalizer":{normalizer},
        "pre_tokenizer":{pre_tokenizer},"post_processor":null,"decoder":{decoder},"model":{{"type":"BPE","unk_token":"?",
        "vocab":{{"?":0,"a":1,"aa":2}},"merges":[["a","a"]]}}}}"#
    )
}

/// Multiplies every letter.
fn swelling(times: usize) -> String {
    let step = json!({"type": "Replace", "pattern": {"Regex": "(?m)."}, "content": "yz".repeat(30)});
    json!({"type": "Sequence", "normalizers": vec![step; times]}).to_string()
}

/// Removes all letters, and then one more.
const CUTTING: &str = r#"{"type":"Sequence","decoders":[{"type":"Replace","pattern":{"Regex":"(?m)."},"content":""},
    {"type":"Strip","content":"a","start":0,"stop":1}]}"#;

/// A bench whose library holds `tiny`, and a folder with its files that can be imported.
fn bench() -> Bench {
    let bench = Bench::new();
    bench.pocketwatt(&["model", "generate", "tiny"]).expect_code(0);
    copy(&bench.model("tiny"), &bench.path("theirs"));
    fs::remove_file(bench.path("theirs/pocketwatt.json")).unwrap();
    bench
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

fn import(bench: &Bench, name: &str) -> Finished {
    let theirs = bench.path("theirs");
    bench.pocketwatt(&["model", "import", theirs.to_str().unwrap(), "--name", name])
}

fn run(bench: &Bench, scenario: &[&str]) -> Finished {
    let common = ["run", "--backend", "fake", "--model", "mine", "--no-probe", "--iterations", "1"];
    bench.pocketwatt(&[&common, scenario].concat())
}

#[track_caller]
fn refused(finished: Finished, file: &str, reason: &str) {
    let finished = finished.expect_code(3).expect_stderr(&[file, reason]);
    assert!(!finished.stderr.contains("thread '"), "in our words: {}", finished.stderr);
    assert_eq!(finished.stdout, "");
}

#[test]
fn files_that_break_their_reader_are_refused_wherever_they_lie() {
    let bench = bench();
    import(&bench, "mine").expect_code(0);
    copy(&bench.model("mine"), &bench.path("kept"));
    let files = [
        (TOKENIZER, r#"{"version": "1.0", "decoder":"#.to_owned(), "panic"),
        (TOKENIZER, tokenizer(r#"{"type":"Precompiled","precompiled_charsmap":"AQAAAA=="}"#, "null", "null"), "panic"),
        (TOKENIZER, tokenizer(&swelling(6), "null", "null"), "MiB of memory"),
        (
            TOKENIZER,
            tokenizer(
                "null",
                r#"{"type":"Split","pattern":{"Regex":"(\\w+\\s?)+\\W\\W\\W\\W"},"behavior":"Isolated","invert":false}"#,
                "null",
            ),
            "retry-limit",
        ),
        (TEMPLATE, "{% set n = namespace() %}{% set n.own = [n] %}{{ n|tojson }}".to_owned(), "overflowed the stack"),
        (TEMPLATE, "{{ '{:>888888888888}'.format('a') }}".to_owned(), "MiB of memory"),
        (
            TEMPLATE,
            "{% set x = 'a' * 100000 %}{% for i in range(90000) %}{% if x.count('aab') %}{% endif %}{% endfor %}"
                .to_owned(),
            "s of computing",
        ),
    ];
    for (file, contents, reason) in files {
        let theirs = bench.path("theirs").join(file);
        let before = fs::read(&theirs).ok();
        fs::write(&theirs, &contents).unwrap();
        refused(import(&bench, "other"), file, reason);
        assert!(!bench.model("other").exists(), "{file} {reason}");
        match before {
            Some(before) => fs::write(&theirs, before).unwrap(),
            None => fs::remove_file(&theirs).unwrap(),
        }

        bench.replace("mine", file, &contents);
        refused(run(&bench, &["--scenario", "chat"]), file, reason);
        fs::remove_dir_all(bench.model("mine")).unwrap();
        copy(&bench.path("kept"), &bench.model("mine"));
    }
    assert!(!bench.path("results").exists(), "nothing was measured, so nothing is stored");
}

#[test]
fn answers_that_cannot_become_text_are_measured_and_not_judged() {
    let bench = bench();
    import(&bench, "mine").expect_code(0);
    let theirs = bench.path("theirs").join(TOKENIZER);
    let mut cutting: serde_json::Value = serde_json::from_str(&fs::read_to_string(&theirs).unwrap()).unwrap();
    cutting["decoder"] = serde_json::from_str(CUTTING).unwrap();
    fs::write(&theirs, cutting.to_string()).unwrap();
    refused(import(&bench, "other"), TOKENIZER, "panic");
    bench.replace("mine", TOKENIZER, &cutting.to_string());

    run(&bench, &["--scenario", "api-call", "--items", "2"]).expect_code(0);
    let record = bench.records().swap_remove(0);
    assert_eq!(record.outcome, Outcome::Measured);
    assert!(record.calls.is_empty());
    let Some(unjudged @ Unjudged::Failed { reason }) = &record.unjudged else { panic!("{:?}", record.unjudged) };
    assert!(reason.contains("tokenizer.json is not usable") && reason.contains("turning tokens into text"), "{reason}");
    let intent = record.value(CallMetric::CallIntent).unwrap();
    assert_eq!(intent.value, Value::Absent(Absent::new(AbsentKind::NotJudged, unjudged.to_string())));
    // The text of the answers is left out, not the run.
    bench.pocketwatt(&["show", "--show-text"]);
}

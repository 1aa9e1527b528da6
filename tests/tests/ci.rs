//! `pocketwatt ci`: a comment, a summary and a verdict on the head of a change beside its base.
#![cfg(test)]

use std::{fs, path::PathBuf};

use pocketwatt_record::Record;
use pocketwatt_tests::{Bench, Finished, wait_until};
use rustix::process::Signal;
use serde_json::Value;

const SCENARIO: &[&str] =
    &["--scenario", "prefill-8-decode-16", "--no-quality", "--model", "tiny", "--backend", "fake"];
/// Enough for a verdict by ranks, which holds on the busiest machine.
const BLOCKS: &[&str] = &["--iterations", "14", "--blocks", "14", "--no-probe"];
const FILES: &[&str] = &["--comment", "comment.md", "--summary", "summary.md", "--verdict", "verdict.json"];
const SCRIPT: &str = "load=2ms,prefill=50us,decode=2ms";
const SLOWER: &str = "load=2ms,prefill=50us,decode=10ms";

/// A folder with the build of the base, which follows its own script; it is there as long as the bench is.
fn base(script: &str) -> (Bench, String) {
    let mut other = Bench::new();
    let runner = other.wrap_runner(&format!("POCKETWATT_FAKE={script} exec RUNNER"));
    let folder = runner.parent().unwrap().to_str().unwrap().to_owned();
    (other, folder)
}

fn ci(bench: &Bench, script: &str, more: &[&str]) -> Finished {
    bench.start(script, &[&["ci"], SCENARIO, BLOCKS, FILES, more].concat()).finish()
}

fn file(bench: &Bench, name: &str) -> String {
    fs::read_to_string(bench.path(name)).unwrap()
}

fn verdict(bench: &Bench) -> Value {
    serde_json::from_str(&file(bench, "verdict.json")).unwrap()
}

#[test]
fn a_slower_head_fails_and_the_comment_says_why() {
    let bench = Bench::new();
    let (_other, folder) = base(SCRIPT);
    let commits = ["--commit", "0123456789abcdef0123", "--base-commit", "fedcba9876543210fedc"];
    let finished = ci(&bench, SLOWER, &[&["--baseline-runners", &folder], &commits[..]].concat()).expect_code(10);
    assert!(
        finished.stderr.contains("worse in ")
            && finished.stderr.contains("The job fails with status 10, by --fail-on worse.")
    );
    assert!(finished.stdout.contains(" times the baseline, worse"), "{}", finished.stdout);

    let comment = file(&bench, "comment.md");
    assert!(comment.starts_with("<!-- pocketwatt-ci default -->\n## PocketWatt: worse in "), "{comment}");
    assert!(comment.contains("Head 0123456789ab beside base fedcba987654: "), "{comment}");
    let row = comment.lines().find(|line| line.starts_with("| decode, tokens/s |")).unwrap();
    assert!(row.contains("| worse |"), "{row}");
    let shown = |text: &str| comment.find(text).unwrap_or_else(|| panic!("{text:?} is not in {comment}"));
    assert!(shown("| worse |") < shown("How sure this is") && shown("All numbers") > shown("Device and versions"));
    assert!(comment.len() < 60_000 && !comment.contains("/tmp/"), "{comment}");

    let summary = file(&bench, "summary.md");
    assert!(summary.starts_with("## PocketWatt: worse in ") && !summary.contains("<details>"), "{summary}");
    let document = verdict(&bench);
    assert_eq!((&document["verdict"], &document["fails"]), (&"worse".into(), &true.into()));
    assert_eq!(document["status"], 10);
    let metrics = document["comparison"]["cases"][0]["metrics"].as_array().unwrap();
    let decode = metrics.iter().find(|metric| metric["metric"] == "decode_throughput").unwrap();
    assert_eq!((&decode["verdict"], &decode["basis"]["kind"]), (&"worse".into(), &"together".into()));
    assert!(decode["ratio"]["high"].as_f64().unwrap() < 0.5, "{decode}");

    // A file that cannot be written does not take the others with it.
    fs::remove_file(bench.path("verdict.json")).unwrap();
    let lost = ["ci", "--run", "latest", "--verdict", "verdict.json", "--comment", "nowhere/x.md", "--commit", ""];
    bench.pocketwatt(&lost).expect_code(1).expect_stderr(&["cannot write nowhere/x.md"]);
    assert_eq!((&verdict(&bench)["commit"], &verdict(&bench)["verdict"]), (&Value::Null, &"worse".into()));
    assert!(bench.path(verdict(&bench)["folder"].as_str().unwrap()).join("run.json").exists());

    // The stored run is judged again by other rules, and nothing is measured.
    let again = |more: &[&str]| bench.pocketwatt(&[&["ci", "--run", "latest"], FILES, &commits, more].concat());
    let line = again(&[]).expect_code(10).stdout;
    assert!(line.starts_with("worse in ") && line.lines().count() == 1, "{line}");
    assert_eq!(file(&bench, "summary.md"), summary);
    assert!(again(&["--fail-on", "never"]).expect_code(0).stdout.contains("does not fail, by --fail-on never"));
    again(&["--fail-on", "never", "--margin", "50%", "--margin", "decode_throughput=49%"]).expect_code(0);
    assert!(file(&bench, "comment.md").contains("the margin (50 %; decode_throughput 49 %)"));
    assert_eq!(
        fs::read_dir(bench.path("results")).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_dir()).count(),
        1
    );
}

#[test]
fn a_margin_decides_what_counts() {
    let bench = Bench::new();
    let (_other, folder) = base(SLOWER);
    let fast = "load=2ms,prefill=50us,decode=2ms";
    let finished = ci(&bench, fast, &["--baseline-runners", &folder]).expect_code(0);
    assert!(finished.stderr.contains("better in "), "{}", finished.stderr);
    assert_eq!(verdict(&bench)["verdict"], "better");
    // Five times as fast is no difference that counts, by such a margin.
    let margin =
        ["ci", "--run", "latest", "--margin", "decode_throughput=50%", "--decide", "--verdict", "verdict.json"];
    let code = bench.pocketwatt(&margin).code;
    assert!(code == Some(0) || code == Some(11), "{code:?}");
    let document = verdict(&bench);
    let metrics = document["comparison"]["cases"][0]["metrics"].as_array().unwrap();
    let margin = |name: &str| metrics.iter().find(|metric| metric["metric"] == name).unwrap()["margin"].as_f64();
    assert_eq!([margin("decode_throughput"), margin("load_time")], [Some(0.5), Some(0.01)]);
    assert_eq!(document["rule"], "--fail-on worse --decide");
}

#[test]
fn a_head_that_fails_is_worse() {
    let bench = Bench::new();
    let (_other, folder) = base(SCRIPT);
    ci(&bench, &format!("{SCRIPT},fault=crash@decode"), &["--baseline-runners", &folder]).expect_code(10);
    let comment = file(&bench, "comment.md");
    assert!(comment.contains("worse in 1 of 1 comparison") && comment.contains("failed while warming up"), "{comment}");
    let never = [&["ci", "--run", "latest", "--fail-on", "never"], FILES].concat();
    let line = bench.pocketwatt(&never).expect_code(4).stdout;
    assert!(line.contains("The job fails with status 4: not everything was measured"), "{line}");
    assert!(file(&bench, "comment.md").contains("The job fails with status 4: "));
    assert_eq!((&verdict(&bench)["fails"], &verdict(&bench)["status"]), (&true.into(), &4.into()));
}

#[test]
fn a_base_that_fails_fails_the_job_and_the_comment_says_so() {
    let bench = Bench::new();
    let (_other, folder) = base(&format!("{SCRIPT},fault=crash@decode"));
    ci(&bench, SCRIPT, &["--baseline-runners", &folder]).expect_code(4);
    let comment = file(&bench, "comment.md");
    assert!(comment.contains("nothing could be compared") && comment.contains("The job fails with status 4: "));
    assert_eq!((&verdict(&bench)["fails"], &verdict(&bench)["status"]), (&true.into(), &4.into()));
}

#[test]
fn what_nobody_can_decide_does_not_pass() {
    let bench = Bench::new();
    let (_other, folder) = base(SCRIPT);
    let once = ["--iterations", "1", "--blocks", "1", "--no-probe", "--baseline-runners", &folder];
    let arguments = [&["ci"], SCENARIO, &once, FILES].concat();
    bench.start(SCRIPT, &[&arguments[..], &["--decide"]].concat()).finish().expect_code(11);
    let line = bench.pocketwatt(&[&["ci", "--run", "latest"], FILES].concat()).expect_code(4).stdout;
    assert!(line.starts_with("nothing could be compared") && line.contains(" without a ratio"), "{line}");
}

#[test]
fn a_run_that_was_interrupted_is_judged_as_one() {
    let bench = Bench::new();
    let (_other, folder) = base(SCRIPT);
    let many = ["--iterations", "300", "--blocks", "300", "--no-probe", "--baseline-runners", &folder];
    let running = bench.start(SCRIPT, &[&["ci"], SCENARIO, &many].concat());
    let blocks = |record: &Record| record.samples.counted_blocks().count();
    wait_until("some blocks", || {
        let Ok(latest) = pocketwatt_record::latest_run(&bench.path("results")) else { return false };
        latest.folder.records().is_ok_and(|records| records.intact.iter().any(|record| blocks(record) > 3))
    });
    running.signal(Signal::INT);
    running.finish().expect_code(130);
    let line = bench.pocketwatt(&[&["ci", "--run", "latest", "--fail-on", "never"], FILES].concat()).expect_code(4);
    line.expect_stderr(&["interrupted: prefill-8-decode-16_tiny_fake_f32_1t: ", " of 300 blocks in the base, "]);
    assert!(file(&bench, "comment.md").contains("**The run was interrupted: 1 case was stopped"));
    assert_eq!(verdict(&bench)["interrupted"].as_array().unwrap().len(), 1);
}

#[test]
fn a_run_of_some_shards_is_not_the_whole_plan() {
    let bench = Bench::new();
    let (_other, folder) = base(SCRIPT);
    let plan = ["--scenario", "prefill-4-decode-4,prefill-8-decode-8", "--no-quality", "--baseline-runners", &folder];
    let few = ["--iterations", "3", "--blocks", "3"];
    let shard = |number: &str| {
        bench.run(SCRIPT, &[&plan[..], &few, &["--shard", number]].concat()).expect_code(0);
        bench.folder().path().to_str().unwrap().to_owned()
    };
    let (one, other) = (shard("1/2"), shard("2/2"));
    let judged = |run: &str| bench.pocketwatt(&[&["ci", "--run", run, "--fail-on", "never"], FILES].concat());
    judged(&one).expect_code(4).expect_stderr(&["shard 2 is missing"]);
    bench.pocketwatt(&["merge", &one, "--partial", "--output", "part"]).expect_code(4);
    judged("part").expect_code(4).expect_stderr(&["shard 2 is missing"]);
    assert_eq!(verdict(&bench)["unreached"].as_array().unwrap().len(), 1);
    assert!(file(&bench, "comment.md").contains(": shard 2 is missing"));
    bench.pocketwatt(&["merge", &one, &other, "--output", "whole"]).expect_code(0);
    judged("whole").expect_code(0);
}

#[test]
fn damaged_records_are_named_and_the_rest_is_judged() {
    let bench = Bench::new();
    let (_other, folder) = base(SCRIPT);
    let two = ["ci", "--scenario", "prefill-4-decode-4,prefill-8-decode-8", "--no-quality", "--model", "tiny"];
    let few = ["--backend", "fake", "--no-probe", "--iterations", "3", "--blocks", "3", "--baseline-runners", &folder];
    bench.start("decode=500us", &[&two[..], &few, &["--fail-on", "never"]].concat()).finish().expect_code(0);
    let cases = bench.folder().path().join("cases");
    let record: PathBuf = fs::read_dir(&cases).unwrap().map(|file| file.unwrap().path()).min().unwrap();
    fs::write(&record, "{").unwrap();
    let again = [&["ci", "--run", "latest", "--fail-on", "never"], FILES].concat();
    let name = record.file_name().unwrap().to_str().unwrap().to_owned();
    // Whatever is written, and whatever is read for it.
    bench.pocketwatt(&again[..5]).expect_code(4).expect_stderr(&[&name]);
    bench.pocketwatt(&again).expect_code(4).expect_stderr(&[&name]);
    let comment = file(&bench, "comment.md");
    assert!(comment.contains(&format!("damaged: cases/{name}")), "{comment}");
    assert_eq!(verdict(&bench)["comparison"]["cases"].as_array().unwrap().len(), 1);
}

#[test]
fn what_a_build_did_not_measure_or_measured_otherwise_is_named() {
    let bench = Bench::new();
    let (_other, folder) = base(SCRIPT);
    let two = ["ci", "--scenario", "prefill-4-decode-4,prefill-8-decode-8", "--no-quality", "--model", "tiny"];
    let few = ["--backend", "fake", "--no-probe", "--iterations", "3", "--blocks", "5", "--baseline-runners", &folder];
    bench.start("decode=500us", &[&two[..], &few, &["--fail-on", "never"]].concat()).finish().expect_code(0);
    let again = [&["ci", "--run", "latest", "--fail-on", "never"], FILES].concat();
    bench.pocketwatt(&again).expect_code(0);
    assert!(file(&bench, "comment.md").contains("in 3 blocks or more"), "five were asked for, and three measured");

    let path = |name: &str| bench.folder().path().join("cases").join(format!("{name}.json"));
    let [short, long] = ["prefill-4-decode-4_tiny_fake_f32_1t", "prefill-8-decode-8_tiny_fake_f32_1t"];
    let change = |change: &dyn Fn(&mut Value)| {
        let mut record: Value = serde_json::from_slice(&fs::read(path(long)).unwrap()).unwrap();
        change(&mut record);
        fs::write(path(long), record.to_string()).unwrap();
    };
    change(&|record| {
        for iteration in record["samples"]["iterations"].as_array_mut().unwrap() {
            for list in ["tokens", "token_times"] {
                iteration["turns"][0][list].as_array_mut().unwrap().truncate(3);
            }
        }
    });
    bench.pocketwatt(&again).expect_code(4);
    let comment = file(&bench, "comment.md");
    assert!(comment.contains("request latency (the answers differ in length"), "{comment}");
    assert!(comment.contains("not the same work: generated tokens: 8 in turn 1 in the base, 3 in turn 1 in the head"));

    change(&|record| record["passport"]["model"]["weights_sha256"] = "0".repeat(64).into());
    fs::remove_file(path(short)).unwrap();
    let line = bench.pocketwatt(&again).expect_code(4).stdout;
    assert!(line.starts_with("nothing could be compared") && line.contains("none of these: 2"), "{line}");
    let comment = file(&bench, "comment.md");
    assert!(comment.contains("prefill-4-decode-4_tiny_fake_f32_1t: the head has no record"), "{comment}");
    assert!(comment.contains("not the same work: weights: "), "{comment}");
    fs::remove_file(path(long)).unwrap();
    bench.pocketwatt(&again).expect_code(3).expect_stderr(&[long, "the head has no record"]);
}

#[test]
fn what_is_no_comparison_is_refused() {
    let bench = Bench::new();
    ci(&bench, SCRIPT, &[]).expect_code(3).expect_stderr(&["name the runners of the base with --baseline-runners DIR"]);
    bench.run(SCRIPT, &["--scenario", "prefill-4-decode-4", "--iterations", "1"]).expect_code(0);
    let stored = bench.pocketwatt(&["ci", "--run", "latest"]).expect_code(3);
    stored.expect_stderr(&["has no case of which both builds have a record"]);
    for (words, code) in [
        (&["--run", "latest", "--scenario", "chat"][..], 2),
        (&["--run", "latest", "--key", "a--b"], 2),
        (&["--run", "latest", "--comment", "comment.md", "--summary", "./comment.md"], 3),
        (&["--run", "latest", "--calibration", "x"], 3),
        (&["--baseline-runners", "x", "--shard", "1/2"], 3),
        (&["--baseline-runners", "x", "--dry-run"], 3),
        (&["--resume"], 3),
    ] {
        bench.pocketwatt(&[&["ci"], words].concat()).expect_code(code);
    }
    assert!(!bench.path("comment.md").exists(), "nothing is written");
}

#[test]
fn a_run_is_kept_in_a_history_as_that_of_its_commit() {
    let bench = Bench::new();
    let (_other, folder) = base(SCRIPT);
    let few = ["--iterations", "3", "--blocks", "3", "--no-probe", "--fail-on", "never", "--baseline-runners", &folder];
    bench.start("decode=500us", &[&["ci"], SCENARIO, &few].concat()).finish().expect_code(0);
    let kept = |commit: &str| {
        let of = ["--history", "kept", "--commit", commit, "--branch", "main; $(x)", "--time", "2026-11-27T16:00:00Z"];
        bench.pocketwatt(&[&["ci", "--run", "latest", "--fail-on", "never"], &of[..]].concat())
    };
    kept("0123456789abcdef0123456789abcdef01234567").expect_code(0).expect_stderr(&["kept in the history: kept"]);
    kept("main").expect_code(3).expect_stderr(&["--commit: "]);
    let list = bench.pocketwatt(&["history", "list", "--history", "kept"]).expect_code(0).stdout;
    assert!(list.contains("  0123456789  ") && list.contains("main; $(x)") && list.lines().count() == 1, "{list}");
    bench.pocketwatt(&["ci", "--run", "latest", "--history", "kept"]).expect_code(2);
}

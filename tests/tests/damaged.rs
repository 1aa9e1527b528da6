//! Whatever is in the place of a record, the rest is shown, and what is damaged is named, kept and measured again.
#![cfg(test)]

use std::{
    fs,
    path::{Path, PathBuf},
};

use pocketwatt_record::{Outcome, Records};
use pocketwatt_tests::{Bench, Starts};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde_json::Value;

const CASES: [&str; 3] = ["decode-2_tiny_fake_f32_1t", "decode-3_tiny_fake_f32_1t", "decode-4_tiny_fake_f32_1t"];

/// A finished run of three cases.
fn finished() -> Bench {
    let bench = Bench::new();
    bench.run("", &["--scenario", "decode-2,decode-3,decode-4", "--iterations", "1"]).expect_code(0);
    bench
}

fn record(bench: &Bench, case: usize) -> PathBuf {
    bench.folder().path().join("cases").join(format!("{}.json", CASES[case]))
}

fn change(path: &Path, change: impl FnOnce(&mut Value)) {
    let mut value: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    change(&mut value);
    fs::write(path, value.to_string()).unwrap();
}

/// The second record is damaged: everything else is shown, in every format, and it is measured again and kept.
#[track_caller]
fn is_told_and_measured_again(reason: &str, kind: &str, damage: impl FnOnce(&Bench, &Path)) {
    let bench = finished();
    let path = record(&bench, 1);
    damage(&bench, &path);
    let before = path.symlink_metadata().unwrap();

    let table = bench.pocketwatt(&["show"]).expect_code(4).expect_stderr(&[CASES[1], reason]);
    let words = table.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in ["decode-2", "decode-4", CASES[1], reason] {
        assert!(words.contains(part), "{part:?} is not in: {words}");
    }
    assert!(!words.contains("not reached"), "{words}");
    let markdown = bench.pocketwatt(&["show", "--format", "markdown"]).expect_code(4).stdout;
    assert!(markdown.contains("| damaged |") && markdown.contains("decode-4"), "{markdown}");
    let json: Value =
        serde_json::from_str(&bench.pocketwatt(&["show", "--format", "json"]).expect_code(4).stdout).unwrap();
    assert_eq!((&json["damaged"][0]["case"], &json["damaged"][0]["kind"]), (&CASES[1].into(), &kind.into()));
    assert_eq!((json["cases"].as_array().unwrap().len(), &json["run"]["not_reached"]), (2, &Value::Array(vec![])));

    let starts = Starts::new(&bench);
    bench
        .resume(&starts.count(), &["--retry"])
        .expect_code(0)
        .expect_stderr(&[reason, &format!("kept as {}.json.damaged-1", CASES[1])]);
    assert_eq!(starts.processes().len(), 1, "only the damaged case is measured");
    let Records { intact, damaged, .. } = bench.folder().records().unwrap();
    assert_eq!((intact.len(), damaged), (3, Vec::new()));
    assert!(intact.iter().all(|record| record.outcome == Outcome::Measured));
    let kept = path.with_file_name(format!("{}.json.damaged-1", CASES[1])).symlink_metadata().unwrap();
    assert_eq!((kept.file_type(), kept.len()), (before.file_type(), before.len()));
    bench.pocketwatt(&["show"]).expect_code(0);
}

#[test]
fn half_a_record() {
    is_told_and_measured_again("is not a valid result file: EOF", "malformed", |_, path| {
        let text = fs::read_to_string(path).unwrap();
        fs::write(path, &text[..text.len() / 2]).unwrap();
    });
}

#[test]
fn an_empty_record() {
    is_told_and_measured_again("is empty", "empty", |_, path| fs::write(path, "").unwrap());
}

#[test]
fn json_of_something_else() {
    is_told_and_measured_again("is not a valid result file: missing field `format`", "malformed", |_, path| {
        fs::write(path, r#"{"name": "package", "version": "1.0.0"}"#).unwrap();
    });
}

#[test]
fn a_record_of_a_newer_version() {
    is_told_and_measured_again("has format 99.0, this version reads", "newer", |_, path| {
        fs::write(path, r#"{"format": {"major": 99, "minor": 0}, "case": 7}"#).unwrap();
    });
}

#[test]
fn the_record_of_another_case() {
    is_told_and_measured_again("is the record of another case", "other-case", |bench, path| {
        fs::copy(record(bench, 0), path).unwrap();
    });
}

#[test]
fn a_case_with_other_settings() {
    is_told_and_measured_again("settings are not those of the plan", "other-case", |_, path| {
        change(path, |record| record["case"]["threads"] = 2.into());
    });
}

#[test]
fn the_record_of_another_scenario_of_that_name() {
    is_told_and_measured_again("is the record of another run", "other-run", |_, path| {
        change(path, |record| record["passport"]["scenario_sha256"] = "0".repeat(64).into());
    });
}

#[test]
fn the_record_of_another_run_of_the_same_plan() {
    is_told_and_measured_again("is the record of another run: \"20000101-000000\"", "other-run", |_, path| {
        change(path, |record| record["passport"]["run"] = "20000101-000000".into());
    });
}

#[test]
fn a_metric_that_is_there_twice() {
    is_told_and_measured_again("metric \"decode_throughput\" is there twice", "malformed", |_, path| {
        change(path, |record| {
            let metrics = record["metrics"].as_array_mut().unwrap();
            let decode = metrics.iter().find(|metric| metric["metric"] == "decode_throughput").unwrap().clone();
            metrics.insert(0, decode);
        });
    });
}

#[test]
fn a_summary_that_no_observations_have() {
    is_told_and_measured_again("no observations have the summary of metric \"load_time\"", "malformed", |_, path| {
        change(path, |record| {
            let metrics = record["metrics"].as_array_mut().unwrap();
            let load = metrics.iter_mut().find(|metric| metric["metric"] == "load_time").unwrap();
            load["value"]["measured"]["median"] = (-5.0).into();
        });
    });
}

#[test]
fn a_pipe() {
    is_told_and_measured_again("it is a pipe, socket or device", "not-a-file", |_, path| {
        fs::remove_file(path).unwrap();
        mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    });
}

#[test]
fn a_folder() {
    is_told_and_measured_again("it is a folder", "not-a-file", |_, path| {
        fs::remove_file(path).unwrap();
        fs::create_dir(path).unwrap();
    });
}

#[test]
fn a_link_even_to_a_right_record() {
    is_told_and_measured_again("it is a link, which is not followed here", "not-a-file", |bench, path| {
        let elsewhere = bench.path("elsewhere.json");
        fs::rename(path, &elsewhere).unwrap();
        std::os::unix::fs::symlink(&elsewhere, path).unwrap();
    });
}

#[test]
fn what_was_kept_before_is_not_overwritten() {
    let bench = finished();
    let path = record(&bench, 0);
    for content in ["first", "second"] {
        fs::write(&path, content).unwrap();
        bench.resume("", &[]).expect_code(0);
    }
    let kept = |number| fs::read_to_string(path.with_file_name(format!("{}.json.damaged-{number}", CASES[0]))).unwrap();
    assert_eq!((kept(1), kept(2)), ("first".into(), "second".into()));
}

#[test]
fn a_misnamed_record_is_named_and_left_alone() {
    let bench = finished();
    let misnamed = record(&bench, 1).with_file_name("copy.json");
    fs::rename(record(&bench, 1), &misnamed).unwrap();
    let reason = format!("copy.json is named like no case of the plan, and holds the record of {:?}", CASES[1]);
    bench.pocketwatt(&["show"]).expect_code(4).expect_stderr(&[&reason]);
    bench.resume("", &[]).expect_code(0).expect_stderr(&[&reason]);
    assert!(misnamed.is_file());
}

#[test]
fn nothing_but_damage_is_refused() {
    let bench = finished();
    for case in 0..3 {
        fs::write(record(&bench, case), "").unwrap();
    }
    bench.pocketwatt(&["show"]).expect_code(3).expect_stderr(&["is empty", "no record of", "can be read"]);
}

#[test]
fn records_that_are_gone_are_missed_before_anything_is_measured() {
    let bench = finished();
    let cases = bench.folder().path().join("cases");
    fs::rename(&cases, bench.path("taken-away")).unwrap();
    bench.pocketwatt(&["show"]).expect_code(3).expect_stderr(&["cases is gone"]);
    let starts = Starts::new(&bench);
    bench
        .resume(&starts.count(), &[])
        .expect_code(0)
        .expect_stderr(&["cases is gone", "all 3 cases are measured again"]);
    assert_eq!(starts.processes().len(), 3);
}

#[test]
fn records_elsewhere_are_not_followed() {
    let bench = finished();
    let cases = bench.folder().path().join("cases");
    let elsewhere = bench.path("elsewhere");
    fs::rename(&cases, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &cases).unwrap();
    bench.pocketwatt(&["show"]).expect_code(3).expect_stderr(&["links are not followed here"]);
    bench.resume("", &[]).expect_code(3).expect_stderr(&["cases is a link: remove it"]);
}

#[test]
fn a_damaged_newest_run_hides_no_older_one() {
    let bench = finished();
    let older = bench.folder();
    let name = older.path().file_name().unwrap().to_string_lossy().into_owned();
    let newest = older.path().with_file_name("99991231-000000");
    fs::create_dir_all(newest.join("cases")).unwrap();
    fs::write(newest.join("run.json"), "{").unwrap();
    bench.pocketwatt(&["show"]).expect_code(0).expect_stderr(&["passed over", "99991231-000000", "EOF while parsing"]);
    let starts = Starts::new(&bench);
    bench.resume(&starts.count(), &[]).expect_code(3).expect_stderr(&[
        "the newest run cannot continue",
        "EOF while parsing",
        &format!("`pocketwatt run --resume {name} --results results`"),
    ]);
    assert_eq!(starts.processes().len(), 0, "another run than was meant is not measured");
}

/// Without a `run.json` the records are shown, with a note about what they do not contain; nothing is measured.
#[track_caller]
fn is_shown_from_the_records(reason: &str, kind: &str, damage: impl FnOnce(&Path)) {
    let bench = finished();
    let path = bench.folder().path().join("run.json");
    damage(&path);
    let table =
        bench.pocketwatt(&["show"]).expect_code(4).expect_stderr(&["run.json", reason, "from the records alone"]);
    let words = table.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in ["decode-2", "decode-3", "decode-4", reason, "whether meters were simulated"] {
        assert!(words.contains(part), "{part:?} is not in: {words}");
    }
    for invented in ["iterations,", "0 logical", "cases not reached", "not measured, "] {
        assert!(!words.contains(invented), "{invented:?} is in: {words}");
    }
    let markdown = bench.pocketwatt(&["show", "--format", "markdown"]).expect_code(4).stdout;
    assert!(markdown.contains("| run.json |"), "{markdown}");
    let json: Value =
        serde_json::from_str(&bench.pocketwatt(&["show", "--format", "json"]).expect_code(4).stdout).unwrap();
    let run = &json["run"];
    assert_eq!((&run["rebuilt"]["kind"], json["cases"].as_array().unwrap().len()), (&kind.into(), 3));
    for unknown in ["settings", "device", "energy", "not_reached"] {
        assert_eq!(run[unknown], Value::Null, "{unknown}");
    }
    let folder = path.parent().unwrap();
    let name = folder.file_name().unwrap().to_str().unwrap();
    assert_eq!(run["id"], name);
    assert!(bench.pocketwatt(&["show", "--format", "csv"]).expect_code(4).stdout.contains(name));
    let starts = Starts::new(&bench);
    let why = ["run.json", reason, "no record says which cases are missing", "pocketwatt show"];
    bench.resume(&starts.count(), &[folder.to_str().unwrap(), "--retry"]).expect_code(3).expect_stderr(&why);
    assert_eq!(starts.processes().len(), 0);
}

#[test]
fn a_plan_that_is_gone() {
    is_shown_from_the_records("is gone", "missing", |path| fs::remove_file(path).unwrap());
}

#[test]
fn an_empty_plan() {
    is_shown_from_the_records("is empty", "empty", |path| fs::write(path, "").unwrap());
}

#[test]
fn half_a_plan() {
    is_shown_from_the_records("EOF while parsing", "malformed", |path| {
        let text = fs::read_to_string(path).unwrap();
        fs::write(path, &text[..text.len() / 2]).unwrap();
    });
}

#[test]
fn a_pipe_in_place_of_the_plan() {
    is_shown_from_the_records("it is a pipe, socket or device", "not-a-file", |path| {
        fs::remove_file(path).unwrap();
        mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    });
}

/// Contradictions between the records of a lost plan are reported, too.
#[test]
fn damaged_and_foreign_records_beside_a_lost_plan() {
    let bench = finished();
    let folder = bench.folder();
    fs::remove_file(folder.path().join("run.json")).unwrap();
    fs::write(record(&bench, 0), "{").unwrap();
    change(&record(&bench, 1), |record| record["passport"]["run"] = "20000101-000000".into());
    change(&record(&bench, 2), |record| record["passport"]["started_unix_ms"] = u64::MAX.into());
    bench
        .pocketwatt(&["show"])
        .expect_code(4)
        .expect_stderr(&["run.json is gone", &format!("{}.json is not a valid result file: EOF", CASES[0])]);
    for case in 0..3 {
        fs::write(record(&bench, case), "{").unwrap();
    }
    bench.pocketwatt(&["show"]).expect_code(3).expect_stderr(&["run.json is gone"]);
}

/// A change of `run.json` that no version writes is refused for that reason, whatever is requested.
#[track_caller]
fn is_no_plan(reason: &str, damage: impl FnOnce(&mut Value)) {
    let bench = finished();
    let folder = bench.folder();
    change(&folder.path().join("run.json"), damage);
    let name = folder.path().to_string_lossy().into_owned();
    bench.pocketwatt(&["show", &name]).expect_code(4).expect_stderr(&["run.json", reason, "from the records alone"]);
    bench.resume("", &[&name]).expect_code(3).expect_stderr(&["run.json", reason]);
}

#[test]
fn a_plan_that_names_a_case_twice() {
    is_no_plan("is in the plan twice", |run| run["plan"][1] = run["plan"][0].clone());
}

#[test]
fn names_that_lead_elsewhere() {
    for name in ["../../../escaped", "/tmp/escaped", "..", ".hidden", "a/b"] {
        is_no_plan("cannot be the name of a file", |run| run["plan"][0]["case"]["id"] = name.into());
    }
    is_no_plan("cannot be the name of a file", |run| run["id"] = "../elsewhere".into());
    is_no_plan("cannot be the name of a file", |run| run["device"]["name"] = "../elsewhere".into());
}

#[test]
fn numbers_out_of_all_proportion() {
    is_no_plan("4294967295 threads are more than 1024", |run| run["plan"][0]["case"]["threads"] = u32::MAX.into());
    is_no_plan("4294967295 iterations", |run| run["settings"]["iterations"] = u32::MAX.into());
}

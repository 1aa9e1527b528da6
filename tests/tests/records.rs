//! Stored results stay readable: `fixtures/records` keeps a run of each format version.
#![cfg(test)]

mod fixture;

use std::{
    fs,
    path::{Path, PathBuf},
};

use pocketwatt_record::{Outcome, RECORD_FORMAT, Record, Run, RunFolder, SpeedMetric, read_record, read_run};
use serde_json::{Value, json};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/records")
}

fn current() -> PathBuf {
    fixtures().join(RECORD_FORMAT.to_string())
}

fn json_of(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// `run.json` or a case's record, changed and read again.
fn changed(file: &str, change: impl FnOnce(&mut Value)) -> (tempfile::TempDir, PathBuf) {
    let mut value = json_of(&current().join(file));
    change(&mut value);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("changed.json");
    fs::write(&path, value.to_string()).unwrap();
    (folder, path)
}

#[test]
fn runs_of_every_version_are_read() {
    let mut versions = 0;
    for version in fs::read_dir(fixtures()).unwrap() {
        let folder = RunFolder::open(&version.unwrap().path());
        let records = folder.records().unwrap();
        assert_eq!(records.damaged, []);
        let records = records.intact;
        assert_eq!(folder.run().unwrap().plan.len(), records.len());
        let outcomes: Vec<&Outcome> = records.iter().map(|record| &record.outcome).collect();
        assert!(
            matches!(outcomes[..], [Outcome::Measured, Outcome::Failed { .. }, Outcome::Skipped { .. }]),
            "{outcomes:?}"
        );
        let throughput = records[0].summary(SpeedMetric::DecodeThroughput).unwrap().median;
        assert!((throughput - 100.0).abs() < 1e-9, "{throughput}");
        versions += 1;
    }
    assert!(versions > 0);
}

#[test]
fn the_current_version_has_its_fixture_and_loses_nothing() {
    let (run, records) = fixture::run();
    assert_eq!(read_run(&current().join("run.json")).unwrap(), run, "{HINT}");
    assert_eq!(json_of(&current().join("run.json")), serde_json::to_value(&run).unwrap(), "{HINT}");
    for record in records {
        let path = current().join(format!("cases/{}.json", record.case.id));
        assert_eq!(read_record(&path).unwrap(), record, "{HINT}");
        assert_eq!(json_of(&path), serde_json::to_value(&record).unwrap(), "{HINT}");
    }
}

const HINT: &str = "the format changed: raise RECORD_FORMAT, keep this fixture, and write the next one with \
    `cargo test -p pocketwatt-tests --test records -- --ignored`";

#[test]
#[ignore = "writes the fixture of the current format version"]
fn write_the_fixture() {
    let (run, records) = fixture::run();
    let folder = RunFolder::create(&current(), &run).unwrap();
    for record in records {
        folder.write(&record).unwrap();
    }
}

#[test]
fn fixtures_fit_the_schema() {
    let schema = |name: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../results/schema/{name}.schema.json"));
        jsonschema::validator_for(&json_of(&path)).unwrap()
    };
    let ensure_fits = |schema: &jsonschema::Validator, file: &Path| {
        let value = json_of(file);
        let errors: Vec<String> =
            schema.iter_errors(&value).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{}: {errors:#?}", file.display());
    };
    ensure_fits(&schema("run"), &current().join("run.json"));
    let record = schema("record");
    for case in fs::read_dir(current().join("cases")).unwrap() {
        ensure_fits(&record, &case.unwrap().path());
    }
    // The schema can refuse.
    let mut value = json_of(&current().join("cases/measured.json"));
    value["passport"]["started_unix_ms"] = json!("yesterday");
    assert!(!record.is_valid(&value));
}

#[test]
fn a_newer_major_version_is_refused_with_what_to_do() {
    let newer = |value: &mut Value| value["format"]["major"] = json!(RECORD_FORMAT.major + 1);
    let (_folder, path) = changed("run.json", newer);
    let text = |error: String| error.replace(&path.display().to_string(), "FILE");
    insta::assert_snapshot!(text(read_run(&path).unwrap_err().to_string()), @"FILE has format 2.12, this version reads 1.12: use a newer pocketwatt");
    // The rest of the file is ignored.
    fs::write(&path, r#"{"format": {"major": 99, "minor": 0}, "plan": "none"}"#).unwrap();
    insta::assert_snapshot!(text(read_record(&path).unwrap_err().to_string()), @"FILE has format 99.0, this version reads 1.12: use a newer pocketwatt");
}

#[test]
fn additions_of_a_newer_minor_version_are_skipped() {
    let newer = |value: &mut Value| {
        value["format"]["minor"] = json!(RECORD_FORMAT.minor + 1);
        add_everywhere(value);
    };
    let (_folder, path) = changed("run.json", newer);
    let (right_run, right_records) = fixture::run();
    let run = read_run(&path).unwrap();
    assert_eq!(Run { format: RECORD_FORMAT, ..run }, right_run);
    for right in right_records {
        let (_folder, path) = changed(&format!("cases/{}.json", right.case.id), newer);
        let record = read_record(&path).unwrap();
        assert_eq!(Record { format: RECORD_FORMAT, ..record }, right);
    }
}

/// Adds a field to every object, except to the version, which will not get one, and to numbers that may be missing and baselines,
/// whose only key says of which kind they are.
fn add_everywhere(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (_, field) in fields.iter_mut().filter(|(name, _)| *name != "format") {
                add_everywhere(field);
            }
            if !["measured", "unavailable", "runners"]
                .iter()
                .any(|kind| fields.len() == 1 && fields.contains_key(*kind))
            {
                fields.insert("addition".into(), json!([1, "two"]));
            }
        }
        Value::Array(entries) => entries.iter_mut().for_each(add_everywhere),
        _ => {}
    }
}

#[test]
fn what_is_no_result_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("half.json");
    let whole = fs::read_to_string(current().join("cases/measured.json")).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let error = read_record(&path).unwrap_err().to_string();
    assert!(error.contains("half.json is not a valid result file: EOF while parsing"), "{error}");
}

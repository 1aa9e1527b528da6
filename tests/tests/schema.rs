//! The checked-in JSON Schemas are the current ones.
#![cfg(test)]

use std::{fs, path::Path};

use pocketwatt_tests::Bench;
use serde_json::Value;

fn checked_in() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../results/schema").to_str().unwrap().to_owned()
}

#[test]
fn schemas_are_current() {
    Bench::new().pocketwatt(&["schema", "--check", &checked_in()]).expect_code(0);
}

#[test]
fn a_stale_schema_is_found() {
    let bench = Bench::new();
    let folder = bench.path("schema");
    let folder = folder.to_str().unwrap();
    bench.pocketwatt(&["schema", "--write", folder]).expect_code(0);
    bench.pocketwatt(&["schema", "--check", folder]).expect_code(0);
    fs::write(bench.path("schema/run.schema.json"), "{}").unwrap();
    bench.pocketwatt(&["schema", "--check", folder]).expect_code(3).expect_stderr(&["run.schema.json", "--write"]);
}

#[test]
fn schemas_are_printed() {
    let bench = Bench::new();
    let event: Value = serde_json::from_str(&bench.pocketwatt(&["schema", "event"]).expect_code(0).stdout).unwrap();
    assert_eq!(event["title"], "Event");
    let all: Value = serde_json::from_str(&bench.pocketwatt(&["schema"]).expect_code(0).stdout).unwrap();
    assert_eq!(all["event"], event);
}

//! Formats of entries: older minor versions are read, and what is of another major version is named as what it is.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test tells what is wrong by panicking")]

#[path = "../examples/made-up-history/made_up.rs"]
mod made_up;

use std::path::Path;

use made_up::{at_commit, commit, entry_of_run};
use pocketwatt_history::{Entry, EntryDamage, HISTORY_FORMAT, Outline, file_name};
use serde_json::{Value, json};

fn example() -> Value {
    let run = entry_of_run(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/example-run"));
    serde_json::from_str(&at_commit(&run, 0, 1.0).contents().unwrap()).unwrap()
}

fn read(change: impl Fn(&mut Value)) -> Result<Entry, EntryDamage> {
    let mut entry = example();
    change(&mut entry);
    let contents = entry.to_string();
    Entry::read(&file_name(&commit(0), &contents), contents.as_bytes())
}

#[test]
fn older_entries_are_read() {
    // 1.1 brought `sysfs_root` of the run, and 1.2 `missing`.
    for minor in 0..HISTORY_FORMAT.minor {
        let entry = read(|entry| {
            entry["format"]["minor"] = json!(minor);
            entry.as_object_mut().unwrap().remove("missing");
            entry["run"].as_object_mut().unwrap().remove("sysfs_root");
        });
        let outline = Outline::from(entry.unwrap());
        assert_eq!((outline.measured(), outline.recorded(), outline.cases.len()), (3, 3, 3));
    }
    assert!(read(|entry| entry["format"]["minor"] = json!(99)).is_ok(), "what is newer by its minor version");
}

#[test]
fn entries_of_another_version_are_named_as_newer_or_older() {
    let words = |change: &dyn Fn(&mut Value)| read(change).unwrap_err().to_string();
    let version = |major: u32| json!({"major": major, "minor": 0});
    let newer = "use a newer pocketwatt";
    let older = "older than any that this pocketwatt reads: use an older one";
    assert_eq!(words(&|entry| entry["format"] = version(2)), format!("has format 2.0: {newer}"));
    assert_eq!(words(&|entry| entry["format"] = version(0)), format!("has format 0.0, {older}"));
    assert_eq!(words(&|entry| entry["cases"][2]["format"] = version(9)), format!("has records of format 9.0: {newer}"));
    assert_eq!(words(&|entry| entry["cases"][2]["format"] = version(0)), format!("has records of format 0.0, {older}"));
    assert_eq!(words(&|entry| entry["run"]["format"] = version(9)), format!("has records of format 9.0: {newer}"));
    // Nothing else of it may be as it is here.
    let unlike = |entry: &mut Value| *entry = json!({"format": version(3), "cases": "others"});
    assert_eq!(words(&unlike), format!("has format 3.0: {newer}"));
    let unlike = |entry: &mut Value| entry["cases"][0] = json!({"format": version(3), "case": "another thing"});
    assert_eq!(words(&unlike), format!("has records of format 3.0: {newer}"));
    assert!(words(&|entry| entry["cases"][0]["case"] = json!("another thing")).starts_with("is not an entry: "));
}

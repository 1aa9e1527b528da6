//! `pocketwatt history`: runs over commits, in a folder of plain files.
#![cfg(test)]

use std::{fs, path::PathBuf};

use pocketwatt_tests::{Bench, Finished};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

fn add(bench: &Bench, commit: &str, more: &[&str]) -> Finished {
    let common =
        ["history", "add", "latest", "--commit", commit, "--branch", "main", "--time", "2026-11-27T12:00:00+01:00"];
    bench.pocketwatt(&[&common[..], more].concat())
}

fn entries(bench: &Bench, history: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(bench.path(history).join("entries")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn a_run_is_kept_once_and_histories_are_merged_by_copying() {
    let bench = Bench::new();
    bench.run("", &["--scenario", "prefill-4-decode-4,prefill-5-decode-4", "--iterations", "2"]).expect_code(0);
    let added = add(&bench, COMMIT, &["--message", "a first line\nand a second"]).expect_code(0).stdout;
    assert_eq!(entries(&bench, "history"), [bench.path(added.trim())]);
    add(&bench, COMMIT, &["--message", "a first line\nand more"])
        .expect_code(0)
        .expect_stderr(&["it was there already"]);
    add(&bench, &COMMIT.replace('0', "a"), &["--history", "other"]).expect_code(0);
    for entry in entries(&bench, "other") {
        fs::copy(&entry, bench.path("history/entries").join(entry.file_name().unwrap())).unwrap();
    }
    let listed = bench.pocketwatt(&["history", "list"]).expect_code(0).stdout;
    assert_eq!(listed.lines().count(), 2, "{listed}");
    for part in ["2026-11-27 11:00 UTC", "0123456789", "main", "2 cases", "a first line"] {
        assert!(listed.contains(part), "{part} is not in {listed}");
    }
    assert!(!listed.contains("second"), "{listed}");
    fs::remove_file(bench.path("history/index.jsonl")).unwrap();
    assert_eq!(bench.pocketwatt(&["history", "index"]).expect_code(0).stdout, "2 runs\n");
    assert!(bench.path("history/index.jsonl").exists());
}

#[test]
fn a_run_is_kept_as_one_thing_and_counts_once() {
    let bench = Bench::new();
    bench.run("", &["--scenario", "prefill-4-decode-4", "--iterations", "1"]).expect_code(0);
    let added = add(&bench, COMMIT, &["--message", "a line"]).expect_code(0).stdout;
    // The same commit by a shorter name, and nothing else that was asked for.
    let again = add(&bench, &COMMIT[..10], &[]).expect_code(0).expect_stderr(&["it was there already"]);
    assert_eq!(again.stdout, added);
    let other = ["the message \"a line\", not \"another\"", "remove history/entries/0123456789-"];
    add(&bench, COMMIT, &["--message", "another"]).expect_code(3).expect_stderr(&other);
    let release = ["history", "add", "--commit", COMMIT, "--branch", "release", "--time", "2026-11-27T11:00:00Z"];
    bench.pocketwatt(&release).expect_code(3).expect_stderr(&["kept already", "\"main\", not \"release\""]);
    add(&bench, &COMMIT.replace('0', "a"), &[]).expect_code(3).expect_stderr(&["a run is of one commit"]);
    assert_eq!(entries(&bench, "history").len(), 1);
    // Merged with a history to which somebody added it in other words.
    add(&bench, COMMIT, &["--message", "another", "--history", "other"]).expect_code(0);
    let copy = entries(&bench, "other").remove(0);
    fs::copy(&copy, bench.path("history/entries").join(copy.file_name().unwrap())).unwrap();
    let listed =
        bench.pocketwatt(&["history", "list"]).expect_code(0).expect_stderr(&["does not count", "0123456789-"]);
    assert_eq!(listed.stdout.lines().count(), 1, "{}", listed.stdout);
}

#[test]
fn what_was_not_reached_is_told_and_kept_until_it_is_measured() {
    let bench = Bench::new();
    let scenarios = "prefill-4-decode-4,prefill-5-decode-4,prefill-6-decode-4";
    bench.run("", &["--scenario", scenarios, "--iterations", "1"]).expect_code(0);
    let cases = bench.folder().path().join("cases");
    let mut records: Vec<PathBuf> = fs::read_dir(&cases).unwrap().map(|entry| entry.unwrap().path()).collect();
    records.sort();
    let aside = bench.path("aside.json");
    fs::rename(&records[1], &aside).unwrap();
    let whole = fs::read(&records[2]).unwrap();
    fs::write(&records[2], "half").unwrap();
    let first = add(&bench, COMMIT, &[]).expect_code(4).expect_stderr(&["1 of 3 cases were not reached", "--resume"]);
    let entry = fs::read_to_string(bench.path(first.stdout.trim())).unwrap();
    assert!(entry.contains(r#""why":"not-reached""#) && entry.contains(r#""why":"damaged""#), "{entry}");
    let list = || bench.pocketwatt(&["history", "list"]).expect_code(0).stdout;
    assert!(list().contains("  1 of 3 cases"), "{}", list());
    bench.pocketwatt(&["dashboard"]).expect_code(0);
    let page = fs::read_to_string(bench.path(&format!("site/commit/{COMMIT}.html"))).unwrap();
    assert!(page.contains("not reached") && page.contains("its record cannot be read"), "{page}");
    fs::rename(&aside, &records[1]).unwrap();
    fs::write(&records[2], whole).unwrap();
    let completed = add(&bench, COMMIT, &[]).expect_code(0).expect_stderr(&["which it replaces"]);
    assert_eq!(entries(&bench, "history"), [bench.path(completed.stdout.trim())]);
    assert!(list().contains("  3 cases"), "{}", list());
}

#[test]
fn what_is_damaged_is_named_and_the_rest_is_listed() {
    let bench = Bench::new();
    bench.run("", &["--scenario", "prefill-4-decode-4", "--iterations", "2"]).expect_code(0);
    add(&bench, COMMIT, &[]).expect_code(0);
    // A run is of one commit, so the other one has its own.
    bench.run("", &["--scenario", "prefill-4-decode-4", "--iterations", "2"]).expect_code(0);
    add(&bench, &COMMIT.replace('0', "a"), &[]).expect_code(0);
    let half = &entries(&bench, "history")[0];
    let contents = fs::read(half).unwrap();
    fs::write(half, &contents[..contents.len() / 2]).unwrap();
    fs::write(bench.path("history/entries/\u{1b}[2Jnotes"), "mine").unwrap();
    let listed = bench
        .pocketwatt(&["history", "list"])
        .expect_code(4)
        .expect_stderr(&["was changed or cut off", "is named like no entry"]);
    assert_eq!(listed.stdout.lines().count(), 1, "{}", listed.stdout);
    assert!(!listed.stderr.contains('\u{1b}'), "{}", listed.stderr);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let bench = Bench::new();
    bench.run("", &["--scenario", "prefill-4-decode-4", "--iterations", "1"]).expect_code(0);
    add(&bench, "main", &[]).expect_code(2).expect_stderr(&["7 to 64 hexadecimal digits"]);
    let wrong_time = ["history", "add", "--commit", COMMIT, "--branch", "main", "--time", "yesterday"];
    bench.pocketwatt(&wrong_time).expect_code(2).expect_stderr(&["RFC 3339"]);
    let long = "b".repeat(10_000);
    let long_branch = ["history", "add", "--commit", COMMIT, "--branch", &long, "--time", "2026-11-27T12:00:00Z"];
    bench.pocketwatt(&long_branch).expect_code(3).expect_stderr(&["10000 characters"]);
    bench.pocketwatt(&["history", "list", "--history", "nowhere"]).expect_code(3).expect_stderr(&["is no history"]);
    fs::remove_file(bench.folder().path().join("run.json")).unwrap();
    let path = bench.path("results");
    let device =
        fs::read_dir(&path).unwrap().find_map(|entry| Some(entry.ok()?.path()).filter(|path| path.is_dir())).unwrap();
    let run =
        fs::read_dir(&device).unwrap().find_map(|entry| Some(entry.ok()?.path()).filter(|path| path.is_dir())).unwrap();
    let rebuilt = [
        "history",
        "add",
        run.to_str().unwrap(),
        "--commit",
        COMMIT,
        "--branch",
        "main",
        "--time",
        "2026-11-27T12:00:00Z",
    ];
    bench.pocketwatt(&rebuilt).expect_code(3).expect_stderr(&["run.json"]);
}

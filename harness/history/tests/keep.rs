//! Keeping runs: each once, as that of one commit, whole or not.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test tells what is wrong by panicking")]

#[path = "../examples/made-up-history/made_up.rs"]
mod made_up;

use std::{fs, path::Path};

use made_up::{at_commit, entry_of_run};
use pocketwatt_history::{Commit, Entry, HistoryFolder, Keeping, Known, Missing, Moment, OfCommit, entry_of, keep};
use pocketwatt_record::{Damage, Damaged, RunFolder};
use tempfile::TempDir;

fn example_run() -> RunFolder {
    RunFolder::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/example-run"))
}

fn example() -> Entry {
    entry_of_run(example_run().path())
}

fn empty() -> (TempDir, HistoryFolder) {
    let root = tempfile::tempdir().unwrap();
    let folder = HistoryFolder::at(&root.path().join("history"));
    (root, folder)
}

/// The example run, with the records of so many of its cases.
fn interrupted_after(cases: usize, damaged: &[&str]) -> Entry {
    let folder = example_run();
    let run = folder.run().unwrap();
    let records: Vec<_> =
        folder.records().unwrap().intact.into_iter().take(cases).map(|record| (record, None)).collect();
    let damaged: Vec<Damaged> = damaged
        .iter()
        .map(|case| Damaged { file: format!("{case}.json"), case: Some((*case).into()), damage: Damage::Empty })
        .collect();
    let commit = at_commit(&example(), 0, 1.0).commit;
    let of = OfCommit { commit, branch: "main".into(), time: Moment { unix_ms: 1_780_272_000_000 }, message: None };
    entry_of(&of, &run, &records, &damaged).unwrap()
}

fn changed(entry: &Entry, change: impl Fn(&mut Entry)) -> Entry {
    let mut entry = entry.clone();
    change(&mut entry);
    entry
}

fn commits(known: &Known) -> Vec<&str> {
    known.entries.iter().map(|(_, outline)| outline.commit.as_str()).collect()
}

#[test]
fn a_run_is_kept_once_and_as_one_thing() {
    let (_root, folder) = empty();
    let entry = at_commit(&example(), 0, 1.0);
    let added = keep(&folder, &entry).unwrap();
    assert_eq!(added.how, Keeping::New);
    let known = |entry: &Entry| {
        let kept = keep(&folder, entry).unwrap();
        assert_eq!((kept.path, kept.how), (added.path.clone(), Keeping::Known));
    };
    known(&entry);
    known(&changed(&entry, |entry| entry.message = None));
    known(&changed(&entry, |entry| entry.commit = entry.commit.short().parse().unwrap()));
    // As an older version of this program wrote it.
    known(&changed(&entry, |entry| entry.format.minor = 0));
    let refused = |change: &dyn Fn(&mut Entry)| keep(&folder, &changed(&entry, change)).unwrap_err().to_string();
    for (error, parts) in [
        (refused(&|entry| entry.branch = "release".into()), ["the branch \"main\", not \"release\"", "remove "]),
        (
            refused(&|entry| entry.time_unix_ms += 3_600_000),
            ["the time 2026-06-01T00:00:00Z, not 2026-06-01T01", "remove "],
        ),
        (refused(&|entry| entry.message = Some("x\u{202e}".into())), ["number 0\", not \"x\\u{202e}\"", "remove "]),
        (refused(&|entry| entry.commit = made_up::commit(7)), ["\"made-up-00000\"", entry.commit.as_str()]),
        // Another run of the same commit.
        (
            refused(&|entry| (entry.run.id, entry.time_unix_ms) = ("other".into(), 0)),
            ["not 1970-01-01T00:00:00Z", "made once"],
        ),
    ] {
        assert!(parts.iter().all(|part| error.contains(part)), "{error}");
    }
    // A name that somebody gives to several runs.
    let nightly = changed(&entry, |entry| entry.run.started_unix_ms += 1);
    assert_eq!(keep(&folder, &nightly).unwrap().how, Keeping::New);
    assert_eq!(folder.read(false).unwrap().entries.len(), 2);
    // What was damaged is written anew.
    fs::write(&added.path, "half").unwrap();
    assert_eq!(keep(&folder, &entry).unwrap().how, Keeping::New);
    known(&entry);
}

#[test]
fn what_a_run_lacks_is_kept_and_replaced_when_it_is_there() {
    let (_root, folder) = empty();
    let part = interrupted_after(1, &[]);
    let ids: Vec<String> = part.missing.iter().map(|missing| missing.case.id.clone()).collect();
    assert_eq!((part.cases.len(), ids.len()), (1, 2));
    let first = keep(&folder, &part).unwrap();
    let known = folder.read(false).unwrap();
    let outline = &known.entries[0].1;
    assert_eq!((outline.measured(), outline.recorded(), outline.cases.len()), (1, 1, 3));
    let without: Vec<_> = outline.cases.iter().skip(1).map(|case| (case.id.clone(), case.unmeasured.clone())).collect();
    assert_eq!(without, ids.iter().map(|id| (id.clone(), Some("not reached".to_owned()))).collect::<Vec<_>>());
    let whole = interrupted_after(3, &[]);
    assert!(whole.missing.is_empty());
    let subjects = |known: &Known| known.entries[0].1.cases.iter().map(|case| case.subject.clone()).collect::<Vec<_>>();
    let planned = subjects(&known);
    let completed = keep(&folder, &whole).unwrap();
    assert_eq!((completed.how, first.path.exists()), (Keeping::Completed, false));
    assert_eq!(subjects(&folder.read(false).unwrap()), planned, "as it was planned, so it was measured");
    assert_eq!(keep(&folder, &part).unwrap().how, Keeping::Known, "the whole run stays");
    assert_eq!(fs::read_dir(folder.entries()).unwrap().count(), 1);
    let damaged = interrupted_after(1, &[&ids[1]]);
    assert_eq!(
        damaged.missing.iter().map(|missing| missing.why).collect::<Vec<_>>(),
        [Missing::NotReached, Missing::Damaged]
    );
}

#[test]
fn in_merged_histories_a_run_counts_once() {
    let (_root, folder) = empty();
    let whole = interrupted_after(3, &[]);
    let counts = folder.add(&whole).unwrap().path;
    for other in [
        interrupted_after(2, &[]),
        changed(&whole, |entry| entry.message = Some("another message".into())),
        changed(&whole, |entry| entry.branch = "release".into()),
        changed(&whole, |entry| entry.time_unix_ms += 1),
        changed(&whole, |entry| entry.commit = entry.commit.short().parse().unwrap()),
    ] {
        folder.add(&other).unwrap();
    }
    for _ in 0..2 {
        let known = folder.read(false).unwrap();
        assert_eq!((known.entries.len(), known.repeated.len(), known.damaged.len()), (1, 5, 0));
        assert_eq!(known.entries[0].1.measured(), 3);
        assert!(known.repeated.iter().all(|repeated| repeated.counts == known.entries[0].0));
    }
    assert!(counts.exists());
}

#[test]
fn an_abbreviated_commit_is_the_one_that_it_can_be() {
    let (_root, folder) = empty();
    let runs = [
        ("aaaaaaa", 1),
        ("aaaaaaabbbbbbbb", 1),
        ("aaaaaaabbbbbbbbcc", 1),
        ("aaaaaaadd", 2),
        ("aaaaaaa", 3),
        ("bbbbbbbcc", 4),
        ("bbbbbbbdd", 4),
        ("bbbbbbb", 4),
    ];
    for (number, (commit, time)) in runs.into_iter().enumerate() {
        let run = at_commit(&example(), number, 1.0);
        folder.add(&Entry { commit: commit.parse::<Commit>().unwrap(), time_unix_ms: time, ..run }).unwrap();
    }
    let known = folder.read(false).unwrap();
    let whole = "aaaaaaabbbbbbbbcc";
    // Of another time it is another one, and of two it may be either.
    assert_eq!(commits(&known), [whole, whole, whole, "aaaaaaadd", "aaaaaaa", "bbbbbbbcc", "bbbbbbbdd", "bbbbbbb"]);
}

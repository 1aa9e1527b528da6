//! Histories of the example run.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test tells what is wrong by panicking")]

#[path = "../examples/made-up-history/made_up.rs"]
mod made_up;

use std::{fs, path::Path};

use made_up::{at_commit, entry_of_run};
use pocketwatt_history::{
    Certainty, Condition, Effect, Entry, EntryDamage, HistoryFolder, Known, Outline, courses, run_scatter,
};
use pocketwatt_record::Direction;
use tempfile::TempDir;

fn example() -> Entry {
    entry_of_run(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/example-run"))
}

/// Of so many commits, as changed.
fn history(
    commits: usize,
    change: impl Fn(usize, &mut Entry),
    slower: impl Fn(usize) -> f64,
) -> (TempDir, HistoryFolder) {
    let root = tempfile::tempdir().unwrap();
    let folder = HistoryFolder::at(&root.path().join("history"));
    let run = example();
    for number in 0..commits {
        let mut entry = at_commit(&run, number, slower(number));
        change(number, &mut entry);
        folder.add(&entry).unwrap();
    }
    (root, folder)
}

fn outlines(known: &Known) -> impl Iterator<Item = &Outline> {
    known.entries.iter().map(|(_, outline)| outline)
}

#[test]
fn an_entry_is_small_and_adding_it_twice_adds_it_once() {
    let (_root, folder) = history(1, |_, _| {}, |_| 1.0);
    let entry = at_commit(&example(), 0, 1.0);
    let again = folder.add(&entry).unwrap();
    assert!(again.known);
    let bytes = fs::metadata(&again.path).unwrap().len();
    assert!(bytes < 45_000, "{bytes} bytes for three cases");
    assert_eq!(fs::read_dir(folder.entries()).unwrap().count(), 1);
    let read = Entry::read(again.path.file_name().unwrap().to_str().unwrap(), &fs::read(&again.path).unwrap()).unwrap();
    assert_eq!(read, entry);
    assert!(read.cases.iter().all(|case| case.metrics.iter().any(|metric| metric.range.is_some())));
}

#[test]
fn copied_files_are_there_without_a_command_and_so_is_what_the_index_has_lost() {
    let (root, folder) = history(3, |_, _| {}, |_| 1.0);
    let first = folder.read(false).unwrap();
    assert_eq!((first.entries.len(), first.damaged.len()), (3, 0));
    let index = root.path().join("history/index.jsonl");
    let written = fs::read_to_string(&index).unwrap();
    assert_eq!(written.lines().count(), 4);
    let (_other, more) = history(5, |_, _| {}, |_| 1.0);
    for entry in fs::read_dir(more.entries()).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, folder.entries().join(path.file_name().unwrap())).unwrap();
    }
    let merged = folder.read(false).unwrap();
    assert_eq!(merged.entries.len(), 5, "three of them are the same");
    let whole: Vec<Outline> = outlines(&merged).cloned().collect();
    // Damaged in several ways, or of another version, it changes nothing.
    let current = fs::read_to_string(&index).unwrap();
    for damage in [
        "",
        "garbage",
        "\"pocketwatt history index 9\"\n",
        &current[..current.len() / 2],
        &current[..current.len() - 1],
        // A number, too, that could be one.
        &current.replace("main", "maim"),
        &current.replacen('7', "8", 1),
        current.trim_end().rsplit_once('\n').unwrap().0,
    ] {
        assert_ne!(damage, current);
        fs::write(&index, damage).unwrap();
        let found: Vec<Outline> = outlines(&folder.read(false).unwrap()).cloned().collect();
        assert_eq!(found, whole, "{damage:.40}");
        assert_eq!(fs::read_to_string(&index).unwrap(), current, "written anew");
    }
    fs::remove_file(folder.entries().join(&merged.entries[0].0)).unwrap();
    assert_eq!(folder.read(false).unwrap().entries.len(), 4, "what is gone is gone");
    assert_eq!(fs::read_to_string(&index).unwrap().lines().count(), 5);
}

#[test]
fn what_is_no_entry_is_listed_and_the_rest_is_read() {
    let (_root, folder) = history(4, |_, _| {}, |_| 1.0);
    let files = |known: &Known| known.entries.iter().map(|(file, _)| file.clone()).collect::<Vec<_>>();
    let names = files(&folder.read(false).unwrap());
    let path = |name: &str| folder.entries().join(name);
    let contents = fs::read_to_string(path(&names[0])).unwrap();
    fs::write(path(&names[0]), &contents[..contents.len() / 2]).unwrap();
    fs::write(path(&names[1]), fs::read_to_string(path(&names[1])).unwrap().replacen("3", "4", 1)).unwrap();
    fs::write(path("README.md"), "hello").unwrap();
    fs::create_dir(path("abcdef0123-0123456789abcdef0123456789abcdef.json")).unwrap();
    let renamed = path(&format!("fffffff{}", &names[2][7..]));
    fs::copy(path(&names[2]), &renamed).unwrap();
    let known = folder.read(false).unwrap();
    assert_eq!(files(&known), names[2..]);
    let damage = |wanted: &str| {
        known
            .damaged
            .iter()
            .find(|damaged| damaged.file.starts_with(wanted))
            .map(|damaged| damaged.damage.clone())
            .unwrap()
    };
    assert_eq!(damage(&names[0]), EntryDamage::OtherContent);
    assert_eq!(damage(&names[1]), EntryDamage::OtherContent);
    assert_eq!(damage("README.md"), EntryDamage::Foreign);
    assert!(matches!(damage("abcdef0123"), EntryDamage::NotAFile(_)));
    assert_eq!(damage("fffffff"), EntryDamage::OtherName(names[2].clone()));
    assert_eq!(known.damaged.len(), 5);
}

#[test]
fn a_slower_commit_is_found_and_nothing_else() {
    let slow = |number: usize| if number >= 40 { 1.06 } else { 1.0 };
    let (_root, folder) = history(60, |_, _| {}, slow);
    let known = folder.read(false).unwrap();
    let all = courses(outlines(&known));
    assert_eq!(all.len(), 3);
    let (mut there, mut elsewhere) = (0, 0);
    for case in &all {
        assert_eq!((case.runs.len(), case.segments.len()), (60, 1));
        for (course, change) in
            case.courses.iter().flat_map(|course| course.changes.iter().map(move |change| (course, change)))
        {
            let is_there = change.first.abs_diff(40) <= 2;
            assert!(is_there || change.certainty != Certainty::Confirmed, "{} {change:?}", course.metric.name());
            let direction = course.metric.definition().direction;
            let is_worse = change.effect == Effect::Worse && !change.same_program;
            assert!(
                !is_there || is_worse || direction == Direction::Informative,
                "{} {change:?}",
                course.metric.name()
            );
            *if is_there { &mut there } else { &mut elsewhere } += 1;
        }
        let decode = case.courses.iter().find(|course| course.metric.name() == "decode_throughput").unwrap();
        let values: Vec<f64> = decode.points.iter().map(|point| point.value).collect();
        let scatter = run_scatter(&values).unwrap().relative;
        assert!((0.007..0.02).contains(&scatter), "{scatter}");
        let shift = decode.changes[0].point.shift.unwrap();
        assert!((shift.ratio - 1.0 / 1.06).abs() < 0.015, "{shift:?}");
    }
    assert!(there > 20 && elsewhere <= 2, "{there} {elsewhere}");
}

#[test]
fn a_new_engine_is_a_segment_and_no_change() {
    let newer = |number: usize, entry: &mut Entry| {
        for case in &mut entry.cases {
            if number >= 30 {
                case.passport.backend.as_mut().unwrap().engine_version = "99.0".into();
            }
        }
    };
    let (_root, folder) = history(60, newer, |number| if number >= 30 { 1.3 } else { 1.0 });
    let known = folder.read(false).unwrap();
    for case in courses(outlines(&known)) {
        assert_eq!(case.segments.len(), 2);
        assert_eq!((case.segments[1].first, case.segments[1].new[0].0), (30, Condition::Engine));
        assert!(case.segments[1].new[0].2.ends_with("99.0"), "{:?}", case.segments[1].new);
        assert!(case.courses.iter().all(|course| course.changes.is_empty()));
    }
}

#[test]
fn what_changed_although_the_program_did_not_is_told() {
    let same = |_, entry: &mut Entry| {
        entry.cases.iter_mut().for_each(|case| case.passport.runner_sha256 = Some("the same".into()));
    };
    let (_root, folder) = history(60, same, |number| if number >= 30 { 1.1 } else { 1.0 });
    let known = folder.read(false).unwrap();
    let all = courses(outlines(&known));
    let mut changes = all.iter().flat_map(|case| &case.courses).flat_map(|course| &course.changes);
    assert!(changes.clone().count() > 0 && changes.all(|change| change.same_program));
}

#[test]
fn other_branches_and_devices_are_other_courses() {
    let place = |number: usize, entry: &mut Entry| {
        if !number.is_multiple_of(2) {
            entry.branch = "feature".into();
        }
        if number.is_multiple_of(3) {
            entry.run.device.name = "phone".into();
        }
    };
    let (_root, folder) = history(12, place, |_| 1.0);
    let known = folder.read(false).unwrap();
    let all = courses(outlines(&known));
    assert_eq!(all.len(), 3 * 4);
    assert_eq!(all.iter().map(|case| case.runs.len()).sum::<usize>(), 3 * 12);
}

#[test]
fn what_is_no_history_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let error = HistoryFolder::at(root.path()).read(false).unwrap_err().to_string();
    assert!(error.contains("is no history"), "{error}");
}

#[test]
fn what_is_imitated_is_known_and_a_segment_of_its_own() {
    let imitate = |number: usize, entry: &mut Entry| {
        if number >= 2 {
            entry.run.sysfs_root = Some("/tree".into());
        }
        if number >= 4 {
            entry.cases.iter_mut().for_each(|case| case.passport.emulated = Some("qemu".into()));
        }
    };
    let (_root, folder) = history(6, imitate, |_| 1.0);
    // Once from the entries, once from the index.
    for _ in 0..2 {
        let known = folder.read(false).unwrap();
        let found: Vec<(bool, bool)> =
            outlines(&known).map(|outline| (outline.emulated, outline.simulated_meters)).collect();
        assert_eq!(found, [[(false, false); 2], [(false, true); 2], [(true, true); 2]].concat());
        let segments = courses(outlines(&known)).remove(0).segments;
        assert_eq!(segments.iter().map(|segment| segment.first).collect::<Vec<_>>(), [0, 2, 4]);
    }
}

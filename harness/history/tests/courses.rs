//! What the runs of the example run, as if measured for commit after commit, say together.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test tells what is wrong by panicking")]

#[path = "../examples/made-up-history/made_up.rs"]
mod made_up;

use std::{ops::Range, path::Path};

use made_up::{at_commit, entry_of_run};
use pocketwatt_history::{Condition, Entry, EntryMetric, Outline, Segment, courses};
use serde_json::json;

/// Of so many commits, as changed: how many times as long it took, and what else.
fn outlines(commits: usize, change: impl Fn(usize, &mut Entry), slower: impl Fn(usize) -> f64) -> Vec<Outline> {
    let run = entry_of_run(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/example-run"));
    let outline = |number| {
        let mut entry = at_commit(&run, number, slower(number));
        change(number, &mut entry);
        Outline::from(entry)
    };
    (0..commits).map(outline).collect()
}

/// The energy of a token in a scope, in joules, or that it could not be read.
fn energy(scope: &str, joules: Option<f64>) -> EntryMetric {
    let value = match joules {
        Some(joules) => json!({"measured": {
            "count": 5, "minimum": joules, "p10": joules, "median": joules, "p90": joules, "p99": joules,
            "maximum": joules, "mean": joules, "standard_deviation": 0.0
        }}),
        None => json!({"unavailable": "below the meter's resolution"}),
    };
    let scope = json!({"scope": scope, "source": "powercap"});
    serde_json::from_value(json!({"observed": {"metric": "energy_per_output_token", "scope": scope, "value": value}}))
        .unwrap()
}

fn measured_on(entry: &mut Entry, meters: &[EntryMetric]) {
    for case in &mut entry.cases {
        case.metrics.retain(|metric| metric.observed.scope.is_none());
        case.metrics.extend(meters.iter().cloned());
    }
}

/// The scopes of the energy of a token, with the newest value of each.
fn scopes(outlines: &[Outline]) -> Vec<(&str, f64)> {
    let case = courses(outlines.iter()).remove(0);
    let courses = case.courses.iter().filter(|course| course.metric.name() == "energy_per_output_token");
    courses.filter_map(|course| Some((course.scope?, course.points.last()?.value))).collect()
}

#[test]
fn the_preferred_part_of_the_device_comes_first() {
    let all = [energy("package", Some(1.5)), energy("core", Some(1.1)), energy("dram", Some(0.05))];
    let found = [("package, powercap", 1.5), ("cores, powercap", 1.1), ("DRAM, powercap", 0.05)];
    let outlines_with = |newest: &[EntryMetric]| {
        let meters = |number: usize, entry: &mut Entry| measured_on(entry, if number == 2 { newest } else { &all });
        outlines(3, meters, |_| 1.0)
    };
    assert_eq!(scopes(&outlines_with(&all)), found);
    // It is preferred where it has no number, too: that of the memory does not take its place.
    assert_eq!(scopes(&outlines_with(&[energy("package", None), energy("dram", Some(0.05))]))[0], found[0]);
    // A device has other meters today.
    let newest = [energy("device", Some(9.0)), energy("dram", Some(0.05)), energy("package", Some(1.5))];
    assert_eq!(scopes(&outlines_with(&newest)), [("whole device, powercap", 9.0), found[2], found[0], found[1]]);
}

fn engine(version: Option<&str>, entry: &mut Entry) {
    for case in &mut entry.cases {
        match version {
            Some(version) => case.passport.backend.as_mut().unwrap().engine_version = version.into(),
            None => case.passport.backend = None,
        }
    }
}

#[test]
fn a_run_that_does_not_know_its_engine_hides_no_new_one() {
    let versions = |unknown: Range<usize>, then: &'static str| {
        move |number: usize, entry: &mut Entry| {
            let known = Some(if number < unknown.start { "1.0" } else { then });
            engine(known.filter(|_| !unknown.contains(&number)), entry);
        }
    };
    let slower = |number: usize| if number >= 30 { 1.25 } else { 1.0 };
    let firsts = |segments: &[Segment<'_>]| segments.iter().map(|segment| segment.first).collect::<Vec<_>>();
    for (unknown, then, expected) in [
        (30..31, "2.0", vec![0, 30, 31]),
        // Which engine had these, nobody knows.
        (30..45, "2.0", vec![0, 30, 45]),
        (30..31, "1.0", vec![0]),
        (0..1, "1.0", vec![0]),
    ] {
        let outlines = outlines(60, versions(unknown, then), slower);
        for case in courses(outlines.iter()) {
            assert_eq!(firsts(&case.segments), expected);
            let is_new = expected.len() > 1;
            assert!(!is_new || case.courses.iter().all(|course| course.changes.is_empty()), "{:?}", case.segments);
            if is_new {
                let words: Vec<_> = case.segments.iter().flat_map(|segment| &segment.new).collect();
                let of_engine = words.iter().filter(|(condition, ..)| *condition == Condition::Engine);
                let of_engine: Vec<_> = of_engine.map(|(_, before, after)| (*before, *after)).collect();
                assert!(of_engine[0].0.ends_with("1.0") && of_engine[0].1 == "not known", "{of_engine:?}");
                assert!(of_engine[1].0 == "not known" && of_engine[1].1.ends_with("2.0"), "{of_engine:?}");
            }
        }
    }
}

#[test]
fn a_change_between_runs_of_one_commit_is_told() {
    let three_each = |number: usize, entry: &mut Entry| entry.commit = made_up::commit(number / 3);
    let within = |slower_from: usize| {
        let outlines = outlines(60, three_each, |number| if number >= slower_from { 1.25 } else { 1.0 });
        let all = courses(outlines.iter());
        let changes = all.iter().flat_map(|case| &case.courses).flat_map(|course| &course.changes);
        let there = changes.filter(|change| change.first == slower_from).map(|change| change.within_commit);
        there.collect::<Vec<_>>()
    };
    let (inside, between) = (within(31), within(30));
    assert!(inside.len() > 10 && inside.iter().all(|within| *within), "{inside:?}");
    assert!(between.len() > 10 && !between.iter().any(|within| *within), "{between:?}");
}

#[test]
fn a_run_that_is_there_twice_counts_once_and_a_name_may_be_given_to_several() {
    let named = |_: usize, entry: &mut Entry| {
        entry.run.id = "nightly".into();
        entry.commit = made_up::commit(0);
    };
    let outlines = outlines(4, named, |_| 1.0);
    let twice = outlines.iter().chain(&outlines[..2]);
    assert_eq!(courses(twice).remove(0).runs.len(), 4);
}

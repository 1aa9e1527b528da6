//! Histories for tests, and what becomes of them.

use std::{collections::BTreeMap, ops::Range};

use pocketwatt_history::{Known, Outline};
use pocketwatt_record::{MetricId, SpeedMetric};
use serde_json::json;

pub const DECODE: MetricId = MetricId::Speed(SpeedMetric::DecodeThroughput);
pub const FIRST_TOKEN: MetricId = MetricId::Speed(SpeedMetric::TimeToFirstToken);

/// The run of a commit, with these numbers and a program of its own. Names of commits begin with their number.
pub fn run(commit: u64, numbers: &[(MetricId, f64)]) -> Outline {
    let time = 1_700_000_000_000 + commit * 3_600_000;
    let subject = json!({"scenario": "talk", "model": "tiny", "backend": "engine", "precision": "int4", "threads": 2});
    let numbers: Vec<_> = numbers.iter().map(|(metric, value)| json!([metric.name(), null, value, null])).collect();
    let case = json!({
        "id": "case", "subject": subject, "conditions": ["engine 1", "runner", "device", "graph", "scenario", "model", "harness"],
        "programs": [format!("runner {commit}"), null], "numbers": numbers,
    });
    let outline = json!({
        "commit": format!("{commit:08}{commit:032x}"), "branch": "main", "time_unix_ms": time, "run": format!("run-{commit}"),
        "started_unix_ms": time, "device": "machine", "emulated": false, "simulated_meters": false, "cases": [case],
    });
    serde_json::from_value(outline).unwrap()
}

/// So many commits with numbers that scatter by a thousandth.
pub fn runs(commits: Range<u64>, numbers: impl Fn(u64) -> Vec<(MetricId, f64)>) -> Vec<Outline> {
    let scattered = |commit: u64| {
        // Mixed well, because what resembles its neighbours is worth less.
        let mixed = |place: usize| (commit * 31 + place as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        let of = |place: usize| 1.0 + (mixed(place) % 1000) as f64 / 500_000.0;
        let numbers = numbers(commit).into_iter().enumerate();
        numbers.map(|(place, (metric, value))| (metric, value * of(place))).collect::<Vec<_>>()
    };
    commits.map(|commit| run(commit, &scattered(commit))).collect()
}

/// All of a history, which is whole.
pub fn known(outlines: Vec<Outline>) -> Known {
    let entries = outlines.into_iter().enumerate().map(|(number, outline)| (format!("{number}"), outline));
    Known { entries: entries.collect(), ..Known::default() }
}

/// The pages of a history, by path.
pub fn site(outlines: Vec<Outline>) -> BTreeMap<String, String> {
    let palette = crate::charts::Palette::new([]);
    let wishes = super::Wishes { title: "Test", commit_url: None };
    let mut files = BTreeMap::new();
    let mut write = |path: &str, contents: &str| {
        files.insert(path.to_owned(), contents.to_owned());
        Ok(())
    };
    super::dashboard(&known(outlines), &palette, wishes, &mut write).unwrap();
    files
}

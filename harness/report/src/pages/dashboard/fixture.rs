//! Histories for tests, and what becomes of them.

use std::{collections::BTreeMap, ops::Range};

use pocketwatt_history::{CaseOutline, Conditions, Known, Number, Outline, Subject};
use pocketwatt_record::{MetricId, SpeedMetric};

pub const DECODE: MetricId = MetricId::Speed(SpeedMetric::DecodeThroughput);
pub const FIRST_TOKEN: MetricId = MetricId::Speed(SpeedMetric::TimeToFirstToken);

/// What every run measures.
pub fn subject() -> Subject {
    Subject {
        scenario: "talk".into(),
        model: "tiny".into(),
        backend: "engine".into(),
        graph: None,
        precision: "int4".into(),
        threads: 2,
        constrained: false,
        cores: None,
        sustain_ms: None,
    }
}

/// The run of a commit, with these numbers and a program of its own. Names of commits begin with their number.
pub fn run(commit: u64, numbers: &[(MetricId, f64)]) -> Outline {
    let number =
        |(metric, value): &(MetricId, f64)| Number { metric: *metric, scope: None, value: *value, range: None };
    let time_unix_ms = 1_700_000_000_000 + commit * 3_600_000;
    Outline {
        commit: format!("{commit:08}{commit:032x}").parse().unwrap(),
        branch: "main".into(),
        time_unix_ms,
        message: None,
        run: format!("run-{commit}"),
        started_unix_ms: time_unix_ms,
        device: "machine".into(),
        emulated: false,
        simulated_meters: false,
        cases: vec![CaseOutline {
            id: "case".into(),
            subject: subject(),
            conditions: Conditions(std::array::from_fn(|_| Some("the same".into()))),
            unmeasured: None,
            programs: [Some(format!("runner {commit}")), None],
            record_sha256: None,
            scopes: Vec::new(),
            numbers: numbers.iter().map(number).collect(),
        }],
    }
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

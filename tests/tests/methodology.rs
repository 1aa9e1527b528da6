//! METHODOLOGY.md says of every metric what the catalogue says.
#![cfg(test)]

use std::{fs, path::Path};

use pocketwatt_record::catalogue;
use pocketwatt_tests::Bench;

#[test]
fn the_tables_of_metrics_are_those_of_the_catalogue() {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../METHODOLOGY.md");
    let text = fs::read_to_string(document).unwrap();
    let bench = Bench::new();
    let copy = bench.write("METHODOLOGY.md", &text);
    bench.pocketwatt(&["list", "--metrics", "--write", &copy]).expect_code(0);
    assert_eq!(
        fs::read_to_string(copy).unwrap(),
        text,
        "the tables are not current: `cargo run --bin pocketwatt -- list --metrics --write METHODOLOGY.md` writes them"
    );
    let missing = catalogue().iter().filter(|metric| !text.contains(&format!("| `{}` |", metric.name())));
    assert_eq!(missing.map(|metric| metric.name()).collect::<Vec<_>>(), Vec::<&str>::new(), "no table has them");
}

#[test]
fn every_metric_is_listed() {
    let listed = Bench::new().pocketwatt(&["list", "--metrics"]).expect_code(0).stdout;
    for metric in catalogue() {
        let line = listed.lines().find(|line| line.trim_start().starts_with(&format!("{} (", metric.name())));
        assert!(line.is_some(), "{}: {listed}", metric.name());
        assert!(listed.contains(metric.definition().formula), "{}: {listed}", metric.name());
    }
}

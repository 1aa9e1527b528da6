//! `pocketwatt export`: stored results in the formats of other programs.
#![cfg(test)]

use std::fs;

use pocketwatt_record::stored_runs;
use pocketwatt_tests::Bench;
use serde_json::Value;

const JSON: [&str; 5] =
    ["github-action-benchmark-bigger", "github-action-benchmark-smaller", "bencher", "llama-bench-json", "trace"];

#[test]
fn each_format_is_written_to_standard_output_and_to_a_file() {
    let bench = Bench::new();
    bench.run("", &["--scenario", "prefill-4-decode-4", "--iterations", "2"]).expect_code(0);
    for format in JSON {
        let written = bench.pocketwatt(&["export", "latest", "--format", format]).expect_code(0).stdout;
        let document: Value = serde_json::from_str(&written).unwrap_or_else(|error| panic!("{format}: {error}"));
        assert!(document.as_array().is_none_or(|entries| !entries.is_empty()), "{format}");
        let file = bench.path(format);
        let to_file = ["export", "latest", "--format", format, "--output", file.to_str().unwrap()];
        bench.pocketwatt(&to_file).expect_code(0);
        assert_eq!(fs::read_to_string(&file).unwrap(), written, "{format}");
    }
    let metrics = bench.pocketwatt(&["export", "latest", "--format", "openmetrics"]).expect_code(0).stdout;
    assert!(metrics.ends_with("# EOF\n") && metrics.contains("model=\"tiny\""), "{metrics}");
    let sql = bench.pocketwatt(&["export", "latest", "--format", "llama-bench-sql"]).expect_code(0).stdout;
    assert!(sql.contains("CREATE TABLE") && sql.contains("INSERT INTO"), "{sql}");
}

#[test]
fn csv_of_several_runs_has_one_header() {
    let bench = Bench::new();
    let shown: Vec<String> = ["prefill-4-decode-4", "prefill-5-decode-4"]
        .map(|scenario| {
            bench.run("", &["--scenario", scenario, "--iterations", "1"]).expect_code(0);
            bench.pocketwatt(&["show", "--format", "csv"]).expect_code(0).stdout
        })
        .into();
    let runs = stored_runs(&bench.path("results")).unwrap().0;
    let runs: Vec<&str> = runs.iter().map(|folder| folder.path().to_str().unwrap()).collect();
    let exported = bench.pocketwatt(&[&["export", "--format", "csv"], &runs[..]].concat()).expect_code(0).stdout;
    let (header, _) = exported.split_once('\n').unwrap();
    assert_eq!(exported.matches(header).count(), 1);
    let lines = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(lines(&exported), lines(&format!("{}{}", shown[0], shown[1].split_once('\n').unwrap().1)));
}

#[test]
fn a_damaged_record_is_named_and_the_rest_is_written() {
    let bench = Bench::new();
    let shapes = "prefill-4-decode-4,prefill-5-decode-4";
    bench.run("", &["--scenario", shapes, "--iterations", "1"]).expect_code(0);
    let cases = bench.folder().path().join("cases");
    let record = fs::read_dir(cases).unwrap().map(|file| file.unwrap().path()).min().unwrap();
    fs::write(&record, "{").unwrap();
    let exported = bench.pocketwatt(&["export", "latest", "--format", "bencher"]).expect_code(4);
    assert!(exported.stderr.contains(record.file_name().unwrap().to_str().unwrap()), "{}", exported.stderr);
    assert!(exported.stdout.contains("prefill-5-decode-4"), "{}", exported.stdout);
    bench.pocketwatt(&["export", "no-such-run", "--format", "bencher"]).expect_code(3);
}

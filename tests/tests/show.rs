//! Stored results, shown again without measuring.
#![cfg(test)]

use std::{fs, path::Path};

use pocketwatt_tests::Bench;
use serde_json::Value;

fn fixture() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/records/1.0").to_str().unwrap().to_owned()
}

#[test]
fn results_of_an_older_version_are_shown() {
    let bench = Bench::new();
    let shown = bench.pocketwatt(&["show", &fixture()]).expect_code(0).stdout;
    for part in ["two-turns", "onnxruntime", "candle", "tract", "SIGSEGV", "there is no pocketwatt-tract"] {
        assert!(shown.contains(part), "{part} is not in {shown}");
    }
    for format in ["markdown", "csv", "json"] {
        let shown = bench.pocketwatt(&["show", &fixture(), "--format", format]).expect_code(0).stdout;
        assert!(shown.contains("onnxruntime"), "{format}: {shown}");
    }
}

#[test]
fn what_was_shown_after_measuring_is_shown_again() {
    let bench = Bench::new();
    let run = ["--scenario", "decode-3", "--iterations", "2"];
    let first = bench.run("", &run).expect_code(0).stdout;
    assert_eq!(bench.pocketwatt(&["show"]).expect_code(0).stdout, first);
    let name = bench.folder().run().unwrap().id;
    bench.run("", &run).expect_code(0);
    assert_eq!(bench.pocketwatt(&["show", &name]).expect_code(0).stdout, first);
    assert_ne!(bench.pocketwatt(&["show", "latest"]).expect_code(0).stdout, first);
}

#[test]
fn the_user_s_words_are_shown_as_they_were_after_measuring() {
    let bench = Bench::new();
    let run = ["--scenario", "chat", "--iterations", "1", "--turns", "--show-text"];
    let first = bench.run("", &run).expect_code(0).stdout;
    assert!(first.contains("user, turn 2:") && first.contains("light running shoes"), "{first}");
    assert_eq!(bench.pocketwatt(&["show", "--turns", "--show-text"]).expect_code(0).stdout, first);
}

#[test]
fn charts_are_drawn_where_they_are_wanted() {
    let bench = Bench::new();
    bench.pocketwatt(&["show", &fixture(), "--charts", "drawn"]).expect_code(0).expect_stderr(&["chart: drawn"]);
    let mut charts = 0;
    for chart in fs::read_dir(bench.path("drawn")).unwrap() {
        let text = fs::read_to_string(chart.unwrap().path()).unwrap();
        assert!(text.starts_with("<svg") && text.trim_end().ends_with("</svg>"), "{text}");
        charts += 1;
    }
    assert!(charts >= 3, "{charts}");
}

#[test]
fn nothing_to_show_says_what_to_do() {
    let bench = Bench::new();
    bench.pocketwatt(&["show"]).expect_code(3).expect_stderr(&["no runs in results", "`pocketwatt run`"]);
    bench.run("", &["--scenario", "decode-3", "--iterations", "1"]).expect_code(0);
    bench.pocketwatt(&["show", "20010101-000000"]).expect_code(3).expect_stderr(&["the nearest name is \"20"]);
}

#[test]
fn results_of_a_newer_version_are_refused_politely() {
    let bench = Bench::new();
    bench.run("", &["--scenario", "decode-3", "--iterations", "1"]).expect_code(0);
    let path = bench.folder().path().join("run.json");
    let mut run: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    run["format"]["major"] = 99.into();
    fs::write(&path, run.to_string()).unwrap();
    bench.pocketwatt(&["show"]).expect_code(3).expect_stderr(&["has format 99.", "use a newer pocketwatt"]);
    bench.resume("", &[]).expect_code(3).expect_stderr(&["has format 99."]);
}

//! `pocketwatt export`: stored results in the formats of other programs.
#![cfg(test)]

use std::{
    fs,
    os::unix::fs::{FileTypeExt, PermissionsExt, symlink},
    path::PathBuf,
    process::Command,
};

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

/// Without `run.json`, nothing says which device that was, and whether its meters were simulated.
#[test]
fn numbers_of_an_unknown_device_are_not_exported() {
    let bench = Bench::new();
    let simulated = ["--scenario", "prefill-4-decode-4", "--iterations", "1", "--sysfs-root", "."];
    bench.run("", &simulated).expect_code(0);
    let run = bench.folder().path().to_str().unwrap().to_owned();
    assert!(bench.pocketwatt(&["show", &run, "--format", "csv"]).expect_code(0).stdout.lines().count() > 1);
    fs::remove_file(bench.folder().path().join("run.json")).unwrap();
    for format in ["csv", "bencher", "openmetrics"] {
        let refused = bench.pocketwatt(&["export", &run, "--format", format, "--output", "out"]).expect_code(3);
        let refused = refused.expect_stderr(&["run.json is gone", "the device and its meters are not known"]);
        assert!(refused.stdout.is_empty() && !bench.path("out").exists());
    }
    let shown = bench.pocketwatt(&["show", &run, "--format", "csv"]).expect_code(4);
    let csv = shown.expect_stderr(&["on which device they were measured, nor whether meters were simulated"]).stdout;
    let (header, lines) = csv.split_once('\n').unwrap();
    let column = |name: &str| header.split(',').position(|column| column == name).unwrap();
    for line in lines.lines().filter(|line| !line.contains('"')) {
        let cells: Vec<&str> = line.split(',').collect();
        assert_eq!((cells[column("device")], cells[column("simulated")]), ("", "unknown"), "{line}");
    }
    bench.pocketwatt(&["report", &run, "--output", "page.html"]).expect_code(4);
    assert!(fs::read_to_string(bench.path("page.html")).unwrap().contains("nor whether the joules are its own"));
}

#[test]
fn what_is_written_goes_where_the_name_leads() {
    let bench = Bench::new();
    bench.run("", &["--scenario", "prefill-4-decode-4", "--iterations", "1"]).expect_code(0);
    let export = |place: &str| bench.pocketwatt(&["export", "--format", "csv", "--output", place]);
    let csv = export("-").expect_code(0).stdout;
    assert!(csv.starts_with("run,") && !bench.path("-").exists(), "{csv}");
    bench.pocketwatt(&["export", "--format", "parquet", "--output", "-"]).expect_code(3);

    // A pipe is written through, and stays.
    assert_eq!(bench.shell("mkfifo pipe").code, Some(0));
    let reader = bench.spawn(Command::new("cat").arg(bench.path("pipe")));
    export("pipe").expect_code(0);
    assert!(bench.path("pipe").symlink_metadata().unwrap().file_type().is_fifo());
    assert_eq!(reader.finish().stdout, csv);

    // A file behind a link is replaced, and keeps its permissions.
    let private = PathBuf::from(bench.write("private", "old"));
    fs::set_permissions(&private, fs::Permissions::from_mode(0o600)).unwrap();
    symlink("private", bench.path("link")).unwrap();
    export("link").expect_code(0);
    assert!(bench.path("link").is_symlink());
    assert_eq!(fs::read_to_string(&private).unwrap(), csv);
    assert_eq!(fs::metadata(&private).unwrap().permissions().mode() & 0o777, 0o600);
    bench.pocketwatt(&["report", "--output", "link"]).expect_code(0);
    assert!(fs::read_to_string(&private).unwrap().contains("<html"));
    let page = bench.pocketwatt(&["report", "--output", "-"]).expect_code(0).stdout;
    assert!(page.starts_with("<!") && page.trim_end().ends_with("</html>"), "nothing else is there: {page}");
    assert!(bench.path("link").is_symlink() && !bench.path("-").exists());
}

//! `pocketwatt export --format parquet`, as DuckDB reads it.
//!
//! Without `scripts/fetch-duckdb`, this is skipped, and says so, unless `POCKETWATT_DUCKDB_REQUIRED` is set.
#![cfg(test)]

use std::{
    env,
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
};

use pocketwatt_record::stored_runs;
use pocketwatt_tests::Bench;
use serde_json::Value;

/// Prints the rows of a query as a list of objects; columns of the partition are texts.
const QUERY: &str = "
import duckdb, json, os, sys
folder, query = sys.argv[1:]
for dataset in os.listdir(folder):
    duckdb.sql(f'''CREATE VIEW {dataset} AS FROM read_parquet('{folder}/{dataset}/**/*.parquet', hive_partitioning = true,
        union_by_name = true, hive_types = {{'device': VARCHAR, 'month': VARCHAR}})''')
rows = duckdb.sql(query)
print(json.dumps([dict(zip(rows.columns, row)) for row in rows.fetchall()]))
";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// A Python that has DuckDB; `None` where there is none.
fn duckdb() -> Option<PathBuf> {
    let printed = Command::new(root().join("scripts/fetch-duckdb")).arg("--print-path").output().unwrap();
    let folder = PathBuf::from(String::from_utf8(printed.stdout).unwrap().trim());
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(env::var_os("POCKETWATT_DUCKDB_REQUIRED").is_none(), "{} does not exist", folder.display());
    eprintln!("skipped: scripts/fetch-duckdb was not run");
    None
}

struct Database {
    python: PathBuf,
    folder: PathBuf,
}

impl Database {
    #[track_caller]
    fn rows(&self, query: &str) -> Vec<Value> {
        let mut command = Command::new("python3");
        command.env("PYTHONPATH", &self.python).arg("-c").arg(QUERY).arg(&self.folder).arg(query);
        let done = command.output().unwrap();
        assert!(done.status.success(), "{query}\n{}", String::from_utf8_lossy(&done.stderr));
        serde_json::from_slice(&done.stdout).unwrap()
    }
}

#[test]
fn duckdb_reads_the_numbers_of_the_report() {
    let bench = Bench::new();
    let scenarios = ["--scenario", "prefill-4-decode-4,chat", "--iterations", "3", "--precision", "f32,int4"];
    // The fake backend has no int4, so that these cases are skipped.
    bench.run("", &scenarios).expect_code(4);
    bench.run("", &["--scenario", "prefill-4", "--iterations", "2"]).expect_code(0);
    let (runs, _) = stored_runs(&bench.path("results")).unwrap();
    let runs: Vec<&str> = runs.iter().map(|folder| folder.path().to_str().unwrap()).collect();
    assert_eq!(runs.len(), 2);
    let lake = bench.path("lake");
    let lake_name = lake.to_str().unwrap();
    for run in runs.iter().copied() {
        // Once more changes nothing.
        for _ in 0..2 {
            bench.pocketwatt(&["export", run, "--format", "parquet", "--output", lake_name]).expect_code(0);
        }
    }
    let Some(python) = duckdb() else { return };
    let database = Database { python, folder: lake.clone() };
    let count = database.rows("SELECT count(DISTINCT run) AS runs, count(DISTINCT device) AS devices FROM metrics");
    assert_eq!((&count[0]["runs"], &count[0]["devices"]), (&2.into(), &1.into()));

    let mut skipped = 0;
    for run in runs.iter().copied() {
        let report = bench.pocketwatt(&["show", run, "--format", "json"]).expect_code(0).stdout;
        let report: Value = serde_json::from_str(&report).unwrap();
        let id = report["run"]["id"].as_str().unwrap();
        let (mut numbers, mut reasons) = (0, 0);
        for case in report["cases"].as_array().unwrap() {
            let case_name = case["case"]["id"].as_str().unwrap();
            let rows = database.rows(&format!(
                "SELECT metric, unit, direction, value, low, high, count, absent, reason, weights_sha256, threads, precision
                 FROM metrics WHERE run = '{id}' AND case_name = '{case_name}'"
            ));
            let metrics = case["metrics"].as_array().unwrap();
            if metrics.is_empty() {
                assert!(rows.len() > 10 && rows.iter().all(|row| row["value"].is_null() && row["reason"].is_string()));
                skipped += 1;
                continue;
            }
            assert_eq!(rows.len(), metrics.len(), "{case_name}");
            for metric in metrics {
                let row = rows.iter().find(|row| row["metric"] == metric["metric"]).unwrap();
                assert_eq!(row["value"], metric["measured"]["median"], "{metric}");
                assert_eq!(row["count"], metric["measured"]["count"], "{metric}");
                assert_eq!(row["direction"], metric["direction"], "{metric}");
                assert_eq!(row["reason"], metric["unavailable"], "{metric}");
                assert_eq!(row["absent"], metric["absent"]["kind"], "{metric}");
                assert_eq!(row["weights_sha256"], case["weights_sha256"]);
                assert_eq!(row["precision"], case["case"]["precision"]);
                numbers += usize::from(row["value"].is_number());
                reasons += usize::from(row["reason"].is_string());
            }
            let tokens = database.rows(&format!(
                "SELECT median(since_request_ns) FILTER (token = 1) AS first, count(*) AS tokens, count(gap_ns) AS gaps
                 FROM tokens WHERE run = '{id}' AND case_name = '{case_name}'"
            ));
            let metric = |name: &str| metrics.iter().find(|metric| metric["metric"] == name).unwrap();
            assert_eq!(tokens[0]["first"].as_f64(), metric("time_to_first_token")["measured"]["median"].as_f64());
            let gaps = &metric("inter_token_latency")["measured"]["count"];
            assert_eq!(tokens[0]["gaps"].as_u64().filter(|gaps| *gaps > 0), gaps.as_u64());
        }
        // How many there are depends on what the machine can measure.
        assert!(numbers >= 5 && reasons >= 5, "{numbers} numbers, {reasons} reasons");
    }
    assert_eq!(skipped, 2);
    documented_queries(&bench, &database, &runs);
    let metadata = database.rows(&format!(
        "SELECT DISTINCT decode(key) AS key, decode(value) AS value
         FROM parquet_kv_metadata('{lake_name}/metrics/**/*.parquet') ORDER BY key"
    ));
    assert_eq!(metadata[1]["key"], "pocketwatt.format");
    assert_eq!(metadata[1]["value"], "1.2");
}

/// Runs what docs/formats.md shows, in which capitals stand for names of the user.
fn documented_queries(bench: &Bench, database: &Database, runs: &[&str]) {
    for (place, run) in runs.iter().enumerate() {
        let commit = format!("{place:040x}");
        let time = format!("2026-11-0{}T12:00:00Z", place + 1);
        let add = ["history", "add", run, "--commit", &commit, "--branch", "main", "--time", &time];
        bench.pocketwatt(&add).expect_code(0);
    }
    bench.pocketwatt(&["history", "export", "--output", database.folder.to_str().unwrap()]).expect_code(0);
    // What a history keeps is what its runs have.
    let differing = database.rows(
        "SELECT kept.metric FROM history AS kept JOIN metrics AS stored
         ON (kept.run, kept.case_name, kept.metric) = (stored.run, stored.case_name, stored.metric)
             AND kept.scope IS NOT DISTINCT FROM stored.scope
         WHERE (kept.value, kept.low, kept.high, kept.count, kept.reason, kept.engine_version, kept.started) IS DISTINCT FROM
             (stored.value, stored.low, stored.high, stored.count, stored.reason, stored.engine_version, stored.started)",
    );
    assert_eq!(differing, [] as [Value; 0]);
    let merged =
        "SELECT run FROM metrics WHERE run <> measured_in UNION ALL SELECT run FROM tokens WHERE run <> measured_in";
    assert_eq!(database.rows(merged), [] as [Value; 0], "each run was measured by itself");
    let counts =
        database.rows("SELECT (SELECT count(*) FROM history) AS kept, (SELECT count(*) FROM metrics) AS stored");
    assert!(counts[0]["kept"] == counts[0]["stored"] && counts[0]["kept"].as_u64() > Some(100), "{counts:?}");
    let guide = fs::read_to_string(root().join("docs/formats.md")).unwrap();
    let device = bench.folder().run().unwrap().device.name;
    let month = database.rows("SELECT DISTINCT month FROM metrics")[0]["month"].as_str().unwrap().to_owned();
    let queries: Vec<Vec<Value>> = guide
        .split("```sql\n")
        .skip(1)
        .map(|rest| {
            let query = rest.split("```").next().unwrap();
            let query = query.replace("FOLDER", database.folder.to_str().unwrap());
            database.rows(&query.replace("'DEVICE'", &format!("'{device}'")).replace("2026-11", &month))
        })
        .collect();
    let [commits, gaps] = &queries[..] else { panic!("{} queries", queries.len()) };
    // The second run generated nothing that could be decoded.
    assert!(
        !commits.is_empty()
            && commits
                .iter()
                .all(|row| row["decode"].is_null() == row["scenario"].as_str().unwrap().ends_with("prefill-4"))
    );
    assert_eq!(commits.last().unwrap()["commit"], format!("{:040x}", 1));
    assert!(!gaps.is_empty() && gaps.iter().any(|row| row["gap_ms"].is_number()), "{gaps:?}");
}

#[test]
fn a_data_set_is_of_one_history() {
    let bench = Bench::new();
    let export = ["history", "export", "--output", "lake"];
    bench.pocketwatt(&export).expect_code(3).expect_stderr(&["is no history"]);
    bench.run("", &["--scenario", "prefill-4-decode-4", "--iterations", "1"]).expect_code(0);
    let add = ["history", "add", "--commit", "0123456789", "--branch", "main", "--time", "2026-11-27T12:00:00Z"];
    let entry = bench.path(bench.pocketwatt(&add).expect_code(0).stdout.trim());
    assert_eq!(bench.pocketwatt(&export).expect_code(0).stdout.trim(), "lake/history");
    bench.pocketwatt(&export).expect_code(0);
    fs::create_dir_all(bench.path("lake/history/device=other/month=2026-11")).unwrap();
    bench.write("lake/history/device=other/month=2026-11/runs.parquet", "");
    bench.pocketwatt(&export).expect_code(3).expect_stderr(&["device=other/month=2026-11/runs.parquet is of another"]);
    fs::remove_dir_all(bench.path("lake")).unwrap();
    // As long as before, and at the same time: the index does not notice.
    let modified = fs::metadata(&entry).unwrap().modified().unwrap();
    let damaged = fs::read_to_string(&entry).unwrap().replacen("measured", "measurex", 1);
    fs::write(&entry, damaged).unwrap();
    File::options().write(true).open(&entry).unwrap().set_modified(modified).unwrap();
    bench.pocketwatt(&export).expect_code(4).expect_stderr(&["passed over: "]);
}

#[test]
fn parquet_needs_a_folder() {
    let bench = Bench::new();
    bench.run("", &["--scenario", "prefill-4-decode-4", "--iterations", "1"]).expect_code(0);
    bench.pocketwatt(&["export", "latest", "--format", "parquet"]).expect_code(3).expect_stderr(&["--output"]);
    bench.write("file", "");
    let onto_a_file = ["export", "latest", "--format", "parquet", "--output", "file"];
    bench.pocketwatt(&onto_a_file).expect_code(1).expect_stderr(&["file/metrics"]);
}

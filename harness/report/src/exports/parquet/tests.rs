use std::{collections::BTreeMap, fs, path::Path};

use parquet::{
    file::reader::{FileReader, SerializedFileReader},
    record::Field,
    schema::printer::print_schema,
};
use pocketwatt_history::{Known, Outline, entry_of};
use pocketwatt_protocol::Stage;
use pocketwatt_record::{Damaged, Outcome, Record, Run, SpeedMetric, catalogue};
use tempfile::TempDir;

use super::{write, write_history};
use crate::fixture::{self, energy};

type Row = BTreeMap<String, Field>;

fn open(folder: &Path, dataset: &str, run: &Run) -> SerializedFileReader<fs::File> {
    let file = if dataset == "history" { "runs" } else { &run.id };
    let path = format!("{dataset}/device={}/month=2026-11/{file}.parquet", run.device.name);
    SerializedFileReader::new(fs::File::open(folder.join(path)).unwrap()).unwrap()
}

fn columns(file: &SerializedFileReader<fs::File>) -> String {
    let mut printed = Vec::new();
    print_schema(&mut printed, file.metadata().file_metadata().schema());
    String::from_utf8(printed).unwrap()
}

/// The rows of both data sets.
fn written(run: &Run, records: &[Record]) -> [Vec<Row>; 2] {
    let folder = TempDir::new().unwrap();
    let damaged: &[Damaged] = &[];
    write(&[(run, &(records, damaged))], folder.path()).unwrap();
    ["metrics", "tokens"].map(|dataset| {
        let file = open(folder.path(), dataset, run);
        let rows = file.get_row_iter(None).unwrap();
        rows.map(|row| row.unwrap().into_columns().into_iter().collect()).collect()
    })
}

fn text(row: &Row, column: &str) -> Option<String> {
    match &row[column] {
        Field::Str(text) => Some(text.clone()),
        Field::Null => None,
        other => panic!("{column}: {other:?}"),
    }
}

fn real(row: &Row, column: &str) -> Option<f64> {
    match row[column] {
        Field::Double(number) => Some(number),
        Field::Null => None,
        ref other => panic!("{column}: {other:?}"),
    }
}

fn whole(row: &Row, column: &str) -> Option<i64> {
    match row[column] {
        Field::Long(number) => Some(number),
        Field::Null => None,
        ref other => panic!("{column}: {other:?}"),
    }
}

/// Whoever reads the tables relies on these names and types: a change is a new version of the format.
#[test]
fn columns_and_metadata_stay_the_same() {
    let records = fixture::records();
    let (run, folder) = (fixture::run(&records), TempDir::new().unwrap());
    let damaged: &[Damaged] = &[];
    write(&[(&run, &(&records[..], damaged))], folder.path()).unwrap();
    let described = ["metrics", "tokens"].map(|dataset| {
        let file = open(folder.path(), dataset, &run);
        let metadata = file.metadata().file_metadata();
        let about = metadata.key_value_metadata().unwrap().iter();
        let about: String =
            about.map(|entry| format!("{} = {}\n", entry.key, entry.value.as_deref().unwrap())).collect();
        about + &columns(&file)
    });
    insta::assert_snapshot!(described.join("\n"), @r"
    pocketwatt.format = 1.2
    pocketwatt.dataset = metrics
    message metrics {
      OPTIONAL BYTE_ARRAY run (STRING);
      OPTIONAL BYTE_ARRAY device_name (STRING);
      OPTIONAL INT64 started (TIMESTAMP(MILLIS,true));
      OPTIONAL BYTE_ARRAY case_name (STRING);
      OPTIONAL BYTE_ARRAY scenario (STRING);
      OPTIONAL BYTE_ARRAY scenario_sha256 (STRING);
      OPTIONAL BYTE_ARRAY model (STRING);
      OPTIONAL BYTE_ARRAY weights_sha256 (STRING);
      OPTIONAL BYTE_ARRAY backend (STRING);
      OPTIONAL BYTE_ARRAY engine (STRING);
      OPTIONAL BYTE_ARRAY engine_version (STRING);
      OPTIONAL BYTE_ARRAY runner_sha256 (STRING);
      OPTIONAL BYTE_ARRAY pocketwatt (STRING);
      OPTIONAL BYTE_ARRAY graph (STRING);
      OPTIONAL BYTE_ARRAY precision (STRING);
      OPTIONAL INT64 threads;
      OPTIONAL BYTE_ARRAY cores (STRING);
      OPTIONAL BOOLEAN constrained;
      OPTIONAL BOOLEAN baseline;
      OPTIONAL BYTE_ARRAY emulated (STRING);
      OPTIONAL BYTE_ARRAY simulated (STRING);
      OPTIONAL BYTE_ARRAY beside (STRING);
      OPTIONAL BYTE_ARRAY measured_in (STRING);
      OPTIONAL BYTE_ARRAY outcome (STRING);
      OPTIONAL BYTE_ARRAY metric (STRING);
      OPTIONAL BYTE_ARRAY unit (STRING);
      OPTIONAL BYTE_ARRAY direction (STRING);
      OPTIONAL BYTE_ARRAY scope (STRING);
      OPTIONAL BYTE_ARRAY source (STRING);
      OPTIONAL BYTE_ARRAY part (STRING);
      OPTIONAL DOUBLE value;
      OPTIONAL DOUBLE low;
      OPTIONAL DOUBLE high;
      OPTIONAL INT64 count;
      OPTIONAL BYTE_ARRAY absent (STRING);
      OPTIONAL BYTE_ARRAY reason (STRING);
    }

    pocketwatt.format = 1.2
    pocketwatt.dataset = tokens
    message tokens {
      OPTIONAL BYTE_ARRAY run (STRING);
      OPTIONAL BYTE_ARRAY measured_in (STRING);
      OPTIONAL BYTE_ARRAY device_name (STRING);
      OPTIONAL BYTE_ARRAY case_name (STRING);
      OPTIONAL BYTE_ARRAY scenario (STRING);
      OPTIONAL BYTE_ARRAY model (STRING);
      OPTIONAL BYTE_ARRAY backend (STRING);
      OPTIONAL BYTE_ARRAY precision (STRING);
      OPTIONAL INT64 threads;
      OPTIONAL INT64 iteration;
      OPTIONAL INT64 conversation;
      OPTIONAL INT64 turn;
      OPTIONAL INT64 token;
      OPTIONAL INT64 position;
      OPTIONAL INT64 since_request_ns;
      OPTIONAL INT64 gap_ns;
    }
    ");
}

#[test]
fn a_history_has_the_columns_of_metrics_after_its_own() {
    let (run, records) = energy::metered();
    let pairs: Vec<(Record, Option<String>)> =
        records.iter().map(|record| (record.clone(), Some("ab".into()))).collect();
    let [commit, time] = ["0123456789", "2026-11-27T12:00:00Z"];
    let message = Some("faster\u{202e}\nor not");
    let entry = entry_of(commit.parse().unwrap(), "main", time.parse().unwrap(), message, &run, &pairs).unwrap();
    let outlines =
        vec![("here".to_owned(), Outline::from(entry.clone())), ("lost".to_owned(), Outline::from(entry.clone()))];
    let known = Known { entries: outlines, ..Known::default() };
    let folder = TempDir::new().unwrap();
    write_history(&known, &mut |file| (file == "here").then(|| entry.clone()), folder.path()).unwrap();
    let damaged: &[Damaged] = &[];
    write(&[(&run, &(&records[..], damaged))], folder.path()).unwrap();

    let [history, metrics] = ["history", "metrics"].map(|dataset| open(folder.path(), dataset, &run));
    let [of_history, of_metrics] = [&history, &metrics].map(columns);
    let (own, shared) = of_history.split_at(of_history.find("  OPTIONAL BYTE_ARRAY run ").unwrap());
    insta::assert_snapshot!(own, @r"
    message history {
      OPTIONAL BYTE_ARRAY commit (STRING);
      OPTIONAL BYTE_ARRAY branch (STRING);
      OPTIONAL INT64 committed (TIMESTAMP(MILLIS,true));
      OPTIONAL BYTE_ARRAY message (STRING);
      OPTIONAL BYTE_ARRAY record_sha256 (STRING);
    ");
    assert_eq!(Some(shared), of_metrics.strip_prefix("message metrics {\n"));
    let rows = |file: &SerializedFileReader<fs::File>| -> Vec<Row> {
        file.get_row_iter(None).unwrap().map(|row| row.unwrap().into_columns().into_iter().collect()).collect()
    };
    let (kept, stored) = (rows(&history), rows(&metrics));
    assert_eq!(kept.len(), stored.len());
    for (mut kept, stored) in kept.into_iter().zip(stored) {
        assert_eq!(text(&kept, "message").as_deref(), Some("faster\\u{202e}"));
        assert_eq!(text(&kept, "record_sha256").as_deref(), Some("ab"));
        kept.retain(|column, _| stored.contains_key(column));
        assert_eq!(kept, stored);
    }
}

#[test]
fn a_metric_is_a_row_with_its_number_or_the_reason() {
    let (run, mut records) = energy::metered();
    records[1].outcome = Outcome::Failed { stage: Stage::Decode, message: "\u{1b}[2Jout of\nmemory".into() };
    records[1].metrics.clear();
    let [metrics, _] = written(&run, &records);
    for record in &records {
        let rows: Vec<&Row> =
            metrics.iter().filter(|row| text(row, "case_name").as_ref() == Some(&record.case.id)).collect();
        let is_measured = record.outcome == Outcome::Measured;
        assert!(rows.len() >= catalogue().len());
        for row in rows {
            let (value, reason) = (real(row, "value"), text(row, "reason"));
            assert!(value.is_some() != reason.is_some(), "{row:?}");
            assert_eq!(text(row, "absent").is_some(), is_measured && value.is_none(), "{row:?}");
            assert!(is_measured || reason.as_deref() == Some("\\u{1b}[2Jout of memory"), "{row:?}");
            assert_eq!(text(row, "weights_sha256").as_ref(), Some(&record.passport.model.weights_sha256));
        }
    }
    let row = metrics.iter().find(|row| text(row, "metric").as_deref() == Some("decode_throughput")).unwrap();
    let median = records[0].summary(SpeedMetric::DecodeThroughput).unwrap().median;
    assert_eq!(real(row, "value"), Some(median));
    assert!(real(row, "low").unwrap() < median && median < real(row, "high").unwrap());
    let scopes = metrics.iter().filter(|row| text(row, "metric").as_deref() == Some("energy_per_output_token"));
    let scopes: Vec<_> = scopes.filter_map(|row| text(row, "scope")).collect();
    assert_eq!(scopes[..2], ["package", "dram"]);
}

#[test]
fn a_metric_that_a_record_has_twice_is_one_row() {
    let mut records = fixture::records();
    records.truncate(1);
    let [once, _] = written(&fixture::run(&records), &records);
    let twice = records[0].metrics.clone();
    records[0].metrics.extend(twice);
    let [metrics, _] = written(&fixture::run(&records), &records);
    assert_eq!(metrics.len(), once.len());
}

#[test]
fn a_token_is_a_row_with_its_times() {
    let mut records = fixture::records();
    records.truncate(2);
    records[1].outcome = Outcome::Skipped { reason: "no".into() };
    let [_, tokens] = written(&fixture::run(&records), &records);
    let counted: Vec<_> = records[0].samples.counted().collect();
    let turns = || counted.iter().flat_map(|iteration| &iteration.turns);
    assert_eq!(tokens.len(), turns().map(|turn| turn.token_times.len()).sum::<usize>(), "of the measured case alone");
    let mut rows = tokens.iter();
    for turn in turns() {
        let mut at = turn.start.0;
        for (place, time) in turn.token_times.iter().enumerate() {
            let row = rows.next().unwrap();
            assert_eq!(whole(row, "token"), Some(place as i64 + 1));
            assert_eq!(
                whole(row, "position"),
                Some(i64::from(turn.context_tokens + turn.prompt_tokens) + place as i64)
            );
            assert_eq!(whole(row, "since_request_ns"), Some((time.0 - turn.start.0) as i64));
            assert_eq!(whole(row, "gap_ns"), (place > 0).then_some((time.0 - at) as i64));
            at = time.0;
        }
    }
    assert_eq!(whole(tokens.last().unwrap(), "iteration"), Some(counted.len() as i64));
    assert_eq!(whole(&tokens[0], "turn"), Some(1));
}

use pocketwatt_protocol::{Precision, TokenId};
use pocketwatt_record::{Verdict, derive_metrics};
use serde_json::Value;

use super::*;
use crate::{
    Format, Style, fixture,
    tests::{in_turns, render},
};

/// `chat` on two backends in f32 and int4 with one thread, and in f32 with two. In int4, decoding takes half the time.
fn records() -> Vec<Record> {
    let mut records = Vec::new();
    for (precision, threads) in [(Precision::F32, 1), (Precision::F32, 2), (Precision::Int4, 1)] {
        for mut record in fixture::records().into_iter().take(2) {
            record.case.id = format!("{}-{}-{threads}", record.case.backend, precision.name());
            (record.case.precision, record.case.threads) = (precision, threads);
            if precision == Precision::Int4 {
                decode_in_half_the_time(&mut record);
            }
            record.metrics = derive_metrics(&record);
            records.push(record);
        }
    }
    in_turns(&records)
}

fn decode_in_half_the_time(record: &mut Record) {
    for turn in record.samples.iterations.iter_mut().flat_map(|iteration| &mut iteration.turns) {
        for time in &mut turn.token_times {
            time.0 = turn.prefill_end.0 + time.since(turn.prefill_end) / 2;
        }
    }
}

fn told(records: &[Record]) -> Vec<String> {
    Gains::of(records).told().into_iter().map(|line| line.text).collect()
}

#[test]
fn each_setting_is_told_beside_the_first_of_its_backend() {
    let lines = told(&records());
    assert_eq!(lines.len(), 4 * 4, "two backends, two settings, four metrics: {lines:?}");
    for line in [
        "onnxruntime, 1 thread, time to first token: int4 / f32 = 1.000 [1.000, 1.000], the same within 1 %",
        "onnxruntime, 1 thread, decode: int4 / f32 = 2.000 [2.000, 2.000], clear",
        "onnxruntime, 1 thread, peak memory: int4 / f32 = 1.000 [1.000, 1.000], the same within 1 %",
        "tract, f32, decode: 2 threads / 1 thread = 1.000 [1.000, 1.000], the same within 1 %",
    ] {
        assert!(lines.iter().any(|told| told == line), "{line:?} is none of {lines:#?}");
    }
}

#[test]
fn the_first_is_the_first_that_was_measured_and_one_backend_is_no_measure_of_another() {
    let mut records = records();
    records[0].outcome = fixture::troubled()[1].outcome.clone();
    let lines = told(&records);
    assert!(lines.iter().all(|line| line.starts_with("tract, ")), "int4 and 2 threads differ in both: {lines:?}");
    records.truncate(2);
    assert_eq!(told(&records), [""; 0]);
}

#[test]
fn requests_with_answers_of_other_lengths_are_not_compared() {
    let mut records: Vec<Record> = records().into_iter().filter(|record| record.case.threads == 1).collect();
    for turn in records[2].samples.iterations.iter_mut().flat_map(|iteration| &mut iteration.turns) {
        turn.tokens.push(TokenId(7));
    }
    let lines = told(&records);
    let of = |part: &str| lines.iter().filter(|line| line.contains(part)).cloned().collect::<Vec<_>>();
    assert_eq!(of("request latency").len(), 1, "that of tract: {lines:?}");
    assert_eq!(
        of("lengths"),
        ["onnxruntime: int4 and f32 gave answers of different lengths, so their requests are not compared"]
    );
    assert_eq!(of("onnxruntime, decode").len(), 1);
}

#[test]
fn what_was_measured_in_one_process_or_in_other_blocks_has_no_line() {
    let mut records = records();
    let later = |record: &mut Record| {
        for block in &mut record.samples.blocks {
            (block.span.start.0, block.span.end.0) = (block.span.start.0 + (1 << 50), block.span.end.0 + (1 << 50));
        }
    };
    records.iter_mut().skip(2).for_each(later);
    assert_eq!(told(&records), [""; 0]);
    assert!(Gains::of(&records).compared().iter().all(|one| one.verdict.is_none()));
    records.iter_mut().for_each(|record| record.samples.blocks.clear());
    assert!(Gains::of(&records).compared().is_empty());
}

#[test]
fn every_format_has_them_and_none_acts_on_hostile_names() {
    let mut records = records();
    for record in &mut records {
        record.case.backend = record.case.backend.replace("tract", "tr\u{1b}[31mact\n*x*");
    }
    let run = fixture::run(&records);
    let shown = |format| render(&run, &records, format, &Style { color: false, width: Some(120) }).unwrap();
    let table = shown(Format::Table);
    assert!(table.contains("gains: onnxruntime, f32, ") || table.contains("gains: onnxruntime, 1 thread, "), "{table}");
    assert!(!table.contains('\u{1b}'), "{table}");
    let markdown = shown(Format::Markdown);
    assert!(
        markdown.contains("\n- onnxruntime, 1 thread, decode: int4 / f32 = 2.000 \\[2.000, 2.000\\], clear\n"),
        "{markdown}"
    );
    assert!(!markdown.contains("*x*"), "{markdown}");

    let document: Value = serde_json::from_str(&shown(Format::Json)).unwrap();
    let comparisons = document["comparisons"].as_array().unwrap();
    let settings: Vec<&Value> = comparisons.iter().filter(|one| one["family"] == "settings").collect();
    assert_eq!(settings.len(), 16);
    let decode = |one: &&&Value| one["metric"] == "decode_throughput" && one["candidate"] == "onnxruntime-int4-1";
    let decode = settings.iter().find(decode).unwrap();
    assert_eq!(
        (&decode["baseline"], &decode["verdict"]),
        (&"onnxruntime-f32-1".into(), &Verdict::Better.name().into())
    );
    assert!(comparisons.iter().any(|one| one["family"] == "table"));
}

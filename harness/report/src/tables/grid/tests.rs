use pocketwatt_protocol::Precision;
use pocketwatt_record::{Outcome, Quality, QualityFigures, derive};

use super::*;
use crate::{Format, Style, fixture, table::CellContent, tests::render};

/// `chat` in two precisions and with two numbers of threads; one case failed, one was skipped.
fn spread() -> Vec<Record> {
    let mut records = Vec::new();
    for (precision, threads) in [(Precision::Int8, 1), (Precision::F32, 1), (Precision::F32, 2)] {
        for mut record in fixture::records().into_iter().take(3) {
            record.case.id = format!("chat-{}-{}-{threads}", record.case.backend, precision.name());
            (record.case.precision, record.case.threads) = (precision, threads);
            record.passport.model.seeded = false;
            let is_reference = record.case.backend == "candle" && precision == Precision::F32;
            if record.case.backend == "candle" && precision == Precision::Int8 {
                decode_in_half_the_time(&mut record);
                record.passport.model.weight_bytes_per_token /= 4;
            }
            record.quality = Some(Quality::Compared(figures(is_reference)));
            derive(&mut record);
            records.push(record);
        }
    }
    records[1].outcome = Outcome::Skipped { reason: "tract reads no blocks in 8 bits".into() };
    derive(&mut records[1]);
    records[7].outcome = fixture::troubled()[1].outcome.clone();
    derive(&mut records[7]);
    records
}

fn decode_in_half_the_time(record: &mut Record) {
    for turn in record.samples.iterations.iter_mut().flat_map(|iteration| &mut iteration.turns) {
        for time in &mut turn.token_times {
            time.0 = turn.prefill_end.0 + time.since(turn.prefill_end) / 2;
        }
    }
}

fn figures(is_reference: bool) -> QualityFigures {
    QualityFigures {
        text_sha256: "7a".repeat(32),
        positions: 256,
        reference: "candle f32".into(),
        is_reference,
        largest_difference: 0.0002,
        same_choices: 249,
        first_divergence: Some(30),
        kl_divergence: 0.004,
        perplexity: 17.25,
        reference_perplexity: 17.0,
    }
}

/// The text between the case groups and the legend.
fn shown(run: &Run, records: &[Record], format: Format) -> String {
    let style = Style { color: false, width: Some(118) };
    let output = render(run, records, format, &style).unwrap();
    let from = output.find("chat · mobilellm-125m · every").unwrap();
    output[from..output.find("Medians over").unwrap()].trim_end().to_owned()
}

#[test]
fn every_case_has_a_line() {
    let records = spread();
    insta::assert_snapshot!(shown(&fixture::run(&records), &records, Format::Table), @r#"
    chat · mobilellm-125m · every precision and number of threads
                                        decode   prefill  peak memory  agreement  perplexity  of bandwidth
                                      tokens/s  tokens/s          MiB          %                         %
    ──────────────────────────────────────────────────────────────────────────────────────────────────────
    f32   onnxruntime  1 thread   29.2 ±0.03    320 ±4          522       97.3        17.2     81.2 ±0.1
    f32   onnxruntime  2 threads  29.2 ±0.03    320 ±4          522       97.3        17.2     81.2 ±0.1
    f32   tract        1 thread   23.9 ±0.04    192 ±2          585       97.3        17.2     66.7 ±0.1
    f32   tract        2 threads    failed [1]
    f32   candle       1 thread   29.0 ±0.04    372 ±3          527        - [3]      17.2     80.8 ±0.1
    f32   candle       2 threads  29.0 ±0.04    372 ±3          527        - [3]      17.2     80.8 ±0.1
    int8  onnxruntime  1 thread   29.2 ±0.03    320 ±4          522       97.3        17.2     81.2 ±0.1
    int8  tract        1 thread    skipped [2]
    int8  candle       1 thread   58.0 ±0.1     372 ±3          527       97.3        17.2     42.4 ±0.1
    ──────────────────────────────────────────────────────────────────────────────────────────────────────
    [1] f32 tract 2 threads failed while loading the model: cannot read graph: node 12 "Gather"
        is\u{1b}[31m not supported
    [2] int8 tract 1 thread skipped: tract reads no blocks in 8 bits
    [3] it is the reference
    "#);
}

#[test]
fn markdown_has_the_same_lines() {
    let records = spread();
    insta::assert_snapshot!(shown(&fixture::run(&records), &records, Format::Markdown), @r#"
    chat · mobilellm-125m · every precision and number of threads

    | | decode, tokens/s | prefill, tokens/s | peak memory, MiB | agreement, % | perplexity | of bandwidth, % |
    |---|---:|---:|---:|---:|---:|---:|
    | f32   onnxruntime  1 thread | 29.2 ±0.03 | 320 ±4 | 522 | 97.3 | 17.2 | 81.2 ±0.1 |
    | f32   onnxruntime  2 threads | 29.2 ±0.03 | 320 ±4 | 522 | 97.3 | 17.2 | 81.2 ±0.1 |
    | f32   tract        1 thread | 23.9 ±0.04 | 192 ±2 | 585 | 97.3 | 17.2 | 66.7 ±0.1 |
    | f32   tract        2 threads | failed \[1\] |  |  |  |  |  |
    | f32   candle       1 thread | 29.0 ±0.04 | 372 ±3 | 527 | - \[3\] | 17.2 | 80.8 ±0.1 |
    | f32   candle       2 threads | 29.0 ±0.04 | 372 ±3 | 527 | - \[3\] | 17.2 | 80.8 ±0.1 |
    | int8  onnxruntime  1 thread | 29.2 ±0.03 | 320 ±4 | 522 | 97.3 | 17.2 | 81.2 ±0.1 |
    | int8  tract        1 thread | skipped \[2\] |  |  |  |  |  |
    | int8  candle       1 thread | 58.0 ±0.1 | 372 ±3 | 527 | 97.3 | 17.2 | 42.4 ±0.1 |

    - \[1\] f32 tract 2 threads failed while loading the model: cannot read graph: node 12 "Gather" is\\u{1b}\[31m not supported
    - \[2\] int8 tract 1 thread skipped: tract reads no blocks in 8 bits
    - \[3\] it is the reference
    "#);
}

#[test]
fn a_case_that_was_not_reached_is_not_forgotten() {
    let records = spread();
    let output = shown(&fixture::run(&records), &records[..8], Format::Table);
    let line = output.lines().find(|line| line.starts_with("f32   candle       2 threads")).unwrap();
    assert!(line.contains("not reached [4]"), "{output}");
    assert!(output.contains("[4] not measured yet: `--resume` of `pocketwatt run` goes on"), "{output}");
}

#[test]
fn seeded_weights_have_no_agreement() {
    let mut records = spread();
    for record in &mut records {
        record.passport.model.seeded = true;
        derive(record);
    }
    let table = grids(&fixture::run(&records), &records, &GainLines::new()).remove(0);
    let agreement = table.columns.iter().position(|column| column == "agreement").unwrap();
    assert_eq!(table.rows[0].cells[agreement].content, CellContent::Absent);
    assert!(table.footnotes.contains(&"not applicable to seeded weights".to_owned()));
    assert!(!table.columns.contains(&"perplexity".to_owned()), "{:?}", table.columns);
}

#[test]
fn joules_name_their_scope() {
    let (run, mut records) = fixture::energy::metered();
    let mut more = records.clone();
    for record in &mut more {
        record.case.threads = 2;
        record.case.id += "-2";
    }
    records.extend(more);
    let table = grids(&run, &records, &GainLines::new()).remove(0);
    assert!(table.columns.iter().any(|column| column.starts_with("energy/token\n")), "{:?}", table.columns);
    assert_eq!(table.notes, ["energy is that of the package (powercap), idle power included"]);
}

#[test]
fn one_setting_needs_no_grid() {
    let records = fixture::records();
    assert!(grids(&fixture::run(&records), &records, &GainLines::new()).is_empty());
}

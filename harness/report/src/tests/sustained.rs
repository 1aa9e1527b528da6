//! Rows of sustained cases, and the table of turns.

use pocketwatt_meter::{ContextReading, ContextSeries};
use pocketwatt_protocol::MonotonicNs;
use pocketwatt_record::derive_metrics;

use super::*;

/// `chat` on three backends; the second one becomes slower and the first one hot.
fn sustained() -> Vec<Record> {
    let mut records = fixture::records();
    records.truncate(3);
    for (index, record) in records.iter_mut().enumerate() {
        record.passport.sustain_ms = Some(600_000);
        for iteration in record.samples.iterations.iter_mut().skip(3).filter(|_| index == 1) {
            for turn in &mut iteration.turns {
                let (first, last) = (turn.token_times[0].0, turn.token_times.len());
                for (place, time) in turn.token_times.iter_mut().enumerate() {
                    // Later turns begin when this one ends at the latest, so only the gaps are stretched.
                    time.0 = first + (time.0 - first) * 3 / 2 + (place / last) as u64;
                }
            }
        }
        if index == 0 {
            let readings = (0..200).map(|second| ContextReading {
                at: MonotonicNs(second * 500_000_000),
                value: 45.0 + second as f64 * 0.2,
            });
            record.readings.temperatures = vec![ContextSeries { name: "cpu".into(), readings: readings.collect() }];
        }
        record.metrics = derive_metrics(record);
    }
    records
}

/// The rows from the one that begins with `from` on.
fn rows_from(output: &str, from: &str) -> String {
    output.lines().skip_while(|line| !line.trim_start().starts_with(from)).collect::<Vec<_>>().join("\n")
}

fn turns(records: &[Record], format: Format) -> String {
    render_turns(&fixture::run(records), records, format, &NARROW)
}

fn table(records: &[Record]) -> String {
    let output = rendered(records, Format::Table);
    rows_from(&output, "sustained for").split("\n\n").next().unwrap_or_default().to_owned()
}

#[test]
fn a_sustained_case_has_rows_of_its_beginning_and_its_end() {
    insta::assert_snapshot!(table(&sustained()), @r"
    sustained for 10 min:
    decode at first, tokens/s      29.2          23.9           29.0
    decode in the end, tokens/s    29.2          15.9           29.0
      of what it was at first, %  100.0          66.5          100.0
    power over time                   - [2]         - [2]          - [2]
    frequency over time               - [3]         - [3]          - [3]
    temperature at the start, °C   48.8             - [4]          - [4]
    highest temperature, °C        63.0             - [4]          - [4]
    temperature in the end, °C     63.0             - [4]          - [4]
    energy                         no meter [2]  no meter [2]   no meter [2]
    ────────────────────────────────────────────────────────────────────────
    [1] the engine loads in one call
    [2] virtual machine: no meter
    [3] the frequency cannot be read
    [4] no sensor of temperature can be read
    note: tract: 50.1 % between slowest and fastest decoding
    ");
}

#[test]
fn ordinary_cases_have_no_such_rows() {
    assert!(!rendered(&fixture::records(), Format::Table).contains("sustained"));
}

#[test]
fn what_keeps_a_sustained_case_from_being_told_is_said_once() {
    let mut records = sustained();
    for record in &mut records {
        record.samples.iterations.truncate(3);
        record.metrics = derive_metrics(record);
    }
    insta::assert_snapshot!(table(&records), @r"
    sustained for 10 min               - [2]         - [2]         - [2]
    energy                      no meter [3]  no meter [3]  no meter [3]
    ────────────────────────────────────────────────────────────────────
    [1] the engine loads in one call
    [2] too short: 2 of 3 rounds; sustain it for longer
    [3] virtual machine: no meter
    ");
}

#[test]
fn turns_stand_below_one_another() {
    insta::assert_snapshot!(turns(&fixture::records(), Format::Table), @r"
    turn by turn · chat · mobilellm-125m (seeded weights) · f32 · 1 thread
                    onnxruntime           tract         candle
    ──────────────────────────────────────────────────────────
    tokens in the context + tokens of the prompt
      turn 1        0 + 96         0 + 96          0 + 96
      turn 2      160 + 41       160 + 41        160 + 41
      turn 3      265 + 57       265 + 57        265 + 57
    time to first token
      turn 1, ms       297 ±4         500 ±8          258 ±5
      turn 2, ms       127 ±2         214 ±2          110 ±1
      turn 3, ms       180 ±4         297 ±4          153 ±1
    latency, to the last token
      turn 1, ms      2375 ±5        3045 ±11        2348 ±5
      turn 2, ms      2282 ±3        2843 ±8         2277 ±4
      turn 3, ms      2428 ±7        3015 ±5         2413 ±4
    energy               - [1]          - [1]           - [1]
    ──────────────────────────────────────────────────────────
    [1] virtual machine: no meter
    ");
}

#[test]
fn turns_in_markdown_have_the_same_numbers() {
    let markdown = turns(&fixture::records()[..1], Format::Markdown);
    insta::assert_snapshot!(markdown, @r"
    ### turn by turn · chat · mobilellm-125m (seeded weights) · f32 · 1 thread

    | | onnxruntime |
    |---|---:|
    | **tokens in the context + tokens of the prompt** |  |
    | &nbsp;&nbsp;turn 1 | 0 + 96 |
    | &nbsp;&nbsp;turn 2 | 160 + 41 |
    | &nbsp;&nbsp;turn 3 | 265 + 57 |
    | **time to first token** |  |
    | &nbsp;&nbsp;turn 1, ms | 297 ±4 |
    | &nbsp;&nbsp;turn 2, ms | 127 ±2 |
    | &nbsp;&nbsp;turn 3, ms | 180 ±4 |
    | **latency, to the last token** |  |
    | &nbsp;&nbsp;turn 1, ms | 2375 ±5 |
    | &nbsp;&nbsp;turn 2, ms | 2282 ±3 |
    | &nbsp;&nbsp;turn 3, ms | 2428 ±7 |
    | energy | - \[1\] |

    - \[1\] virtual machine: no meter
    ");
}

#[test]
fn a_case_that_failed_says_so_among_the_turns_too() {
    let output = turns(&fixture::troubled(), Format::Table);
    assert!(output.contains("failed [1]") && output.contains("skipped [2]"), "{output}");
    assert_eq!(turns(&fixture::prefill(), Format::Table), "", "single turns have no such table");
}

#[test]
fn the_document_has_the_turns_of_conversations() {
    let document: serde_json::Value = serde_json::from_str(&rendered(&fixture::records(), Format::Json)).unwrap();
    let turns = |case: usize| document["cases"][case]["turns"].as_array().map_or(0, Vec::len);
    assert_eq!((turns(0), turns(3)), (3, 0), "chat, and api-call with a single turn");
    let turn = &document["cases"][0]["turns"][1];
    assert_eq!((turn["turn"].as_u64(), turn["context_tokens"].as_f64()), (Some(2), Some(160.0)));
    assert!(turn["energy_joules"].is_null() && turn["energy_unavailable"] == "virtual machine: no meter", "{turn}");
}

#[test]
fn simulated_meters_are_named_wherever_their_numbers_are() {
    let (mut run, records) = fixture::energy::metered();
    run.energy.sysfs_root = Some("tree".into());
    let output = render_turns(&run, &records, Format::Table, &NARROW);
    // The readings of this fixture are made up without values.
    assert!(output.contains("energy of the package (powercap, simulated)"), "{output}");
    let sustained = sustained();
    let mut run = fixture::run(&sustained);
    run.energy.sysfs_root = Some("tree".into());
    let output = render(&run, &sustained, Format::Table, &NARROW).unwrap();
    assert!(output.contains("sustained for 10 min (simulated meters):"), "{output}");
}

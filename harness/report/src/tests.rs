mod charts_for_pages;
mod energy;
mod extremes;
mod inert;
mod pages;
mod study;
mod sustained;

use std::fs;

use pocketwatt_meter::{MemoryReading, TimeSpan};
use pocketwatt_protocol::{MonotonicNs, TokenId};
use pocketwatt_record::{Block, Disturbance, DisturbanceKind, Outcome, Record, Run, TurnSettings, derive_metrics};

use crate::{Format, Style, answers as text, charts, fixture, output::text_of, write, write_turns};

/// Records in memory, as a text.
pub fn render(run: &Run, records: &[Record], format: Format, style: &Style) -> anyhow::Result<String> {
    text_of(|output| write(run, &(records, &[][..]), format, style, output))
}

/// The tables of turns for records in memory, as a text.
pub fn render_turns(run: &Run, records: &[Record], format: Format, style: &Style) -> String {
    text_of(|output| write_turns(run, &(records, &[][..]), format, style, output)).unwrap()
}

const NARROW: Style = Style { color: false, width: Some(80) };

fn rendered(records: &[Record], format: Format) -> String {
    render(&fixture::run(records), records, format, &NARROW).unwrap()
}

/// The rows of a table without what stands below it.
fn first_table(output: &str) -> String {
    output.split("\n\n").next().unwrap_or_default().to_owned()
}

#[test]
fn three_backends_stand_side_by_side() {
    insta::assert_snapshot!(rendered(&fixture::records()[..3], Format::Table), @r"
    chat · mobilellm-125m (seeded weights) · f32 · 1 thread
                                 onnxruntime         tract        candle
    ────────────────────────────────────────────────────────────────────
    time to first token, ms      180 ±4        297 ±4        153 ±1
    prefill, tokens/s            320 ±4        192 ±2        372 ±3
    decode, tokens/s            29.2 ±0.03    23.9 ±0.04    29.0 ±0.04
    inter-token latency, ms     34.2 ±0.1     41.8 ±0.1     34.4 ±0.1
      90th percentile, ms       36.0 ±0.04    43.5 ±0.1     36.1 ±0.1
      99th percentile, ms       36.5 ±0.03    44.1 ±0.1     36.6 ±0.1
    token, undisturbed, ms      32.8 ±0.1     40.2 ±0.1     32.9 ±0.1
    request latency, ms         2375 ±5       3015 ±5       2348 ±5
    load time, ms                389          1420           252
      of which reading, ms         - [1]       310           231
      of which preparing, ms       - [1]      1110            21
    first token after load, ms   300           495           263
    peak memory, MiB             522           585           527
      of which own, MiB          498           561           503
    key-value cache, MiB        16.9          16.9          16.9
    of memory bandwidth, %      81.2 ±0.1     66.7 ±0.1     80.8 ±0.1
    same tokens as onnxruntime     reference     yes (192)     yes (192)
    energy                      no meter [2]  no meter [2]  no meter [2]
    ────────────────────────────────────────────────────────────────────
    [1] the engine loads in one call
    [2] virtual machine: no meter

    Medians over all iterations; ± is half of the 95 % interval, from 3 blocks or
    rounds on. * marks the best: it is better than each other by more than 1 %, and
    a table without a true difference has such a mark once in a hundred at most. It
    needs backends that took turns.

    device     Intel(R) Xeon(R) Processor @ 2.60GHz, 2 logical cores, 7.8 GiB,
               Debian GNU/Linux 13, kernel 6.12.8, x86_64, virtual machine (kvm)
    bandwidth  18.2 GB/s with 1 thread (median pass 17.6)
    engine     onnxruntime: ONNX Runtime 1.32.0, graph onnxruntime, on cpu
    engine     tract: tract 0.23.9, graph opset17, on cpu
    engine     candle: candle 0.11.1, own model, on cpu
    weights    mobilellm-125m: 124.6 M weights, f32, 475 MiB, sha256 0123456789ab,
               seeded weights (seed 42)
    run        20261123-124233-main, 2026-11-23 12:42 UTC, 1 warm-up and 5 counted
               iterations, pocketwatt 0.1.0
    energy     not measured (virtual machine: no meter): the host keeps its meters
               to itself; measure on the host, or on a device of one's own. Not read
               either: nvml (not supported). `pocketwatt doctor` says more
    sampler    300 rounds of reading took 0.04 % of a core
    ");
}

#[test]
fn what_went_wrong_is_a_column_with_its_reason() {
    insta::assert_snapshot!(first_table(&rendered(&fixture::troubled(), Format::Table)), @r#"
    chat · mobilellm-125m (seeded weights) · f32 · 1 thread
                                 onnxruntime       tract        candle         fake
    ───────────────────────────────────────────────────────────────────────────────
    time to first token, ms      180 ±4       failed [1]   153 ±1       skipped [2]
    prefill, tokens/s            320 ±4                    372 ±3
    decode, tokens/s            29.2 ±0.03                29.0 ±0.04
    inter-token latency, ms     34.2 ±0.1                 34.4 ±0.1
      90th percentile, ms       36.0 ±0.04                36.1 ±0.1
      99th percentile, ms       36.5 ±0.03                36.6 ±0.1
    token, undisturbed, ms      32.8 ±0.1                 32.9 ±0.1
    request latency, ms         2375 ±5                   2348 ±5
    load time, ms                389                       252
      of which reading, ms         - [3]                   231
      of which preparing, ms       - [3]                  21.0
    first token after load, ms   300                       263
    peak memory, MiB             522                       527
      of which own, MiB          498                       503
    key-value cache, MiB        16.9                      16.9
    of memory bandwidth, %      81.2 ±0.1                 80.8 ±0.1
    same tokens as onnxruntime     reference                    no [4]
    energy                      no meter [5]              no meter [5]
    ───────────────────────────────────────────────────────────────────────────────
    [1] tract failed while loading the model: cannot read graph: node 12 "Gather"
        is\u{1b}[31m not supported
    [2] fake skipped: the runner is not built: run `cargo build -p pocketwatt-fake`
    [3] the engine loads in one call
    [4] candle differs from token 17 of turn 2 on
    [5] virtual machine: no meter
    note: candle: 3.0 % of processor time stolen by the hypervisor
    "#);
}

#[test]
fn numbers_that_cannot_exist_are_absent_with_their_reason() {
    insta::assert_snapshot!(first_table(&rendered(&fixture::prefill(), Format::Table)), @r"
    prefill-512 · mobilellm-125m (seeded weights) · f32 · 1 thread
                               onnxruntime         tract        candle
    ──────────────────────────────────────────────────────────────────
    time to first token            - [1]         - [1]         - [1]
    prefill, tokens/s            320 ±2        192 ±2        367 ±8
    decode                         - [2]         - [2]         - [2]
    inter-token latency            - [2]         - [2]         - [2]
      90th percentile              - [2]         - [2]         - [2]
      99th percentile              - [2]         - [2]         - [2]
    request latency, ms         1602 ±11      2668 ±29      1395 ±30
    load time, ms                389          1420           252
      of which reading, ms         - [3]       310           231
      of which preparing, ms       - [3]      1110            21
    first token after load         - [1]         - [1]         - [1]
    peak memory, MiB             522           585           527
      of which own, MiB          498           561           503
    key-value cache, MiB        16.9          16.9          16.9
    of memory bandwidth            - [2]         - [2]         - [2]
    energy                    no meter [4]  no meter [4]  no meter [4]
    ──────────────────────────────────────────────────────────────────
    [1] nothing is generated
    [2] fewer than 2 output tokens
    [3] the engine loads in one call
    [4] virtual machine: no meter
    ");
}

#[test]
fn every_table_fits_80_columns() {
    for records in [fixture::records(), fixture::troubled(), fixture::prefill()] {
        let output = rendered(&records, Format::Table);
        let widest = output.lines().max_by_key(|line| line.chars().count()).unwrap();
        assert!(widest.chars().count() <= 80, "{widest}");
    }
}

#[test]
fn a_narrower_terminal_gets_the_columns_one_below_the_other() {
    let records = fixture::troubled();
    let style = Style { color: false, width: Some(60) };
    let output = render(&fixture::run(&records), &records, Format::Table, &style).unwrap();
    let headers: Vec<&str> = output.lines().filter(|line| line.starts_with("      ")).take(2).map(str::trim).collect();
    insta::assert_debug_snapshot!(headers, @r#"
    [
        "onnxruntime       tract",
        "candle         fake",
    ]
    "#);
    assert!(output.lines().all(|line| line.chars().count() <= 60));
}

#[test]
fn colour_adds_nothing_but_escape_sequences() {
    let records = in_turns(&fixture::troubled());
    let style = Style { color: true, width: Some(80) };
    let mut colored = render(&fixture::run(&records), &records, Format::Table, &style).unwrap();
    assert!(colored.contains("\x1b[1;32m"), "the best is green");
    for code in ["0", "1", "2", "31", "1;32"] {
        colored = colored.replace(&format!("\x1b[{code}m"), "");
    }
    assert_eq!(colored, rendered(&records, Format::Table));
}

#[test]
fn what_a_runner_says_cannot_steer_the_terminal() {
    let mut records = fixture::troubled();
    records[1].outcome = Outcome::Skipped { reason: "\x1b[2J\r\nwiped".into() };
    for format in [Format::Table, Format::Markdown] {
        let output = rendered(&records, format);
        assert!(!output.contains('\x1b') && !output.contains('\r'), "{output}");
        assert!(output.contains("wiped"));
    }
}

#[test]
fn markdown_has_the_content_of_the_table() {
    insta::assert_snapshot!(rendered(&fixture::troubled(), Format::Markdown), @r#"
    ### chat · mobilellm-125m (seeded weights) · f32 · 1 thread

    | | onnxruntime | tract | candle | fake |
    |---|---:|---:|---:|---:|
    | time to first token, ms | 180 ±4 | failed \[1\] | 153 ±1 | skipped \[2\] |
    | prefill, tokens/s | 320 ±4 |  | 372 ±3 |  |
    | decode, tokens/s | 29.2 ±0.03 |  | 29.0 ±0.04 |  |
    | inter-token latency, ms | 34.2 ±0.1 |  | 34.4 ±0.1 |  |
    | &nbsp;&nbsp;90th percentile, ms | 36.0 ±0.04 |  | 36.1 ±0.1 |  |
    | &nbsp;&nbsp;99th percentile, ms | 36.5 ±0.03 |  | 36.6 ±0.1 |  |
    | token, undisturbed, ms | 32.8 ±0.1 |  | 32.9 ±0.1 |  |
    | request latency, ms | 2375 ±5 |  | 2348 ±5 |  |
    | load time, ms | 389 |  | 252 |  |
    | &nbsp;&nbsp;of which reading, ms | - \[3\] |  | 231 |  |
    | &nbsp;&nbsp;of which preparing, ms | - \[3\] |  | 21.0 |  |
    | first token after load, ms | 300 |  | 263 |  |
    | peak memory, MiB | 522 |  | 527 |  |
    | &nbsp;&nbsp;of which own, MiB | 498 |  | 503 |  |
    | key-value cache, MiB | 16.9 |  | 16.9 |  |
    | of memory bandwidth, % | 81.2 ±0.1 |  | 80.8 ±0.1 |  |
    | same tokens as onnxruntime | reference |  | no \[4\] |  |
    | energy | no meter \[5\] |  | no meter \[5\] |  |

    - \[1\] tract failed while loading the model: cannot read graph: node 12 "Gather" is\\u{1b}\[31m not supported
    - \[2\] fake skipped: the runner is not built: run \`cargo build -p pocketwatt-fake\`
    - \[3\] the engine loads in one call
    - \[4\] candle differs from token 17 of turn 2 on
    - \[5\] virtual machine: no meter
    - note: candle: 3.0 % of processor time stolen by the hypervisor

    Medians over all iterations; ± is half of the 95 % interval, from 3 blocks or rounds on. \* marks the best: it is better than each other by more than 1 %, and a table without a true difference has such a mark once in a hundred at most. It needs backends that took turns.

    | | |
    |---|---|
    | device | Intel(R) Xeon(R) Processor @ 2.60GHz, 2 logical cores, 7.8 GiB, Debian GNU/Linux 13, kernel 6.12.8, x86_64, virtual machine (kvm) |
    | bandwidth | 18.2 GB/s with 1 thread (median pass 17.6) |
    | engine | onnxruntime: ONNX Runtime 1.32.0, graph onnxruntime, on cpu |
    | engine | tract: tract 0.23.9, graph opset17, on cpu |
    | engine | candle: candle 0.11.1, own model, on cpu |
    | weights | mobilellm-125m: 124.6 M weights, f32, 475 MiB, sha256 0123456789ab, seeded weights (seed 42) |
    | run | 20261123-124233-main, 2026-11-23 12:42 UTC, 1 warm-up and 5 counted iterations, pocketwatt 0.1.0 |
    | energy | not measured (virtual machine: no meter): the host keeps its meters to itself; measure on the host, or on a device of one's own. Not read either: nvml (not supported). \`pocketwatt doctor\` says more |
    | sampler | 200 rounds of reading took 0.04 % of a core |
    "#);
}

#[test]
fn csv_has_a_line_for_each_case_and_metric() {
    let output = rendered(&fixture::troubled(), Format::Csv);
    let shown: Vec<&str> =
        output.lines().filter(|line| line.starts_with("run,") || line.contains(",decode_throughput,")).collect();
    insta::assert_snapshot!(shown.join("\n"), @r#"
    run,device,scenario,model,backend,precision,graph,threads,metric,unit,count,median,mean,minimum,p10,p90,p99,maximum,standard_deviation,outcome,reason,weights_sha256,engine_version,scope,uncertainty,source,part,beside,absent,cores,emulated,simulated,measured_in
    20261123-124233-main,xeon-2,chat,mobilellm-125m,onnxruntime,f32,onnxruntime,1,decode_throughput,tokens-per-second,5,29.169751795562014,29.17716385948545,29.146843435155542,29.15128976093103,29.206328465070744,29.20883426851764,29.209112691122854,0.02733233053660958,measured,,0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef,1.32.0,,,,,,,,,,20261123-124233-main
    20261123-124233-main,xeon-2,chat,mobilellm-125m,tract,f32,opset17,1,decode_throughput,tokens-per-second,,,,,,,,,,failed,"cannot read graph: node 12 ""Gather"" is\u{1b}[31m not supported",0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef,0.23.9,,,,,,,,,,20261123-124233-main
    20261123-124233-main,xeon-2,chat,mobilellm-125m,candle,f32,,1,decode_throughput,tokens-per-second,5,29.023797114947957,29.006918901119825,28.973072517307347,28.974573648072063,29.031052309527404,29.03322147140159,29.03346248938761,0.02941780947229064,measured,,0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef,0.11.1,,,,,,,,,,20261123-124233-main
    20261123-124233-main,xeon-2,chat,mobilellm-125m,fake,f32,onnxruntime,1,decode_throughput,tokens-per-second,,,,,,,,,,skipped,the runner is not built: run `cargo build -p pocketwatt-fake`,0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef,,,,,,,,,,,20261123-124233-main
    "#);
    assert_eq!(output.lines().count(), 1 + 4 * pocketwatt_record::catalogue().len());
    // The reason for an absent number is given as text and, at the end, for programs.
    let in_one_call = output.lines().find(|line| line.contains(",load_read_time,")).unwrap();
    assert!(in_one_call.contains(",measured,the engine loads in one call,"), "{in_one_call}");
    assert!(in_one_call.ends_with(",loads-in-one-call,,,,20261123-124233-main"), "{in_one_call}");
}

#[test]
fn json_is_one_document_that_names_the_records() {
    let output = rendered(&fixture::troubled(), Format::Json);
    let report: serde_json::Value = serde_json::from_str(&output).unwrap();
    let cases = report["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 4);
    assert_eq!(report["format"]["major"], 1);
    assert_eq!(cases[0]["record"], "cases/chat-onnxruntime.json");
    assert_eq!(cases[1]["outcome"]["outcome"], "failed");
    assert!(!output.contains("token_times"), "raw samples stay in the records");
    insta::assert_snapshot!(serde_json::to_string_pretty(&cases[2]["tokens"]).unwrap(), @r#"
    {
      "reference": "onnxruntime",
      "same": false,
      "steady": true,
      "first_difference": {
        "turn": 2,
        "token": 17
      }
    }
    "#);
    let read = cases[0]["metrics"].as_array().unwrap().iter().find(|part| part["metric"] == "load_read_time").unwrap();
    assert_eq!(read["unavailable"], "the engine loads in one call");
    assert_eq!(read["absent"]["kind"], "loads-in-one-call");
    let decode = cases[0]["metrics"].as_array().unwrap().iter().find(|part| part["metric"] == "decode_throughput");
    insta::assert_snapshot!(serde_json::to_string_pretty(decode.unwrap()).unwrap(), @r#"
    {
      "metric": "decode_throughput",
      "unit": "tokens-per-second",
      "direction": "higher-is-better",
      "measured": {
        "count": 5,
        "minimum": 29.146843435155542,
        "p10": 29.15128976093103,
        "median": 29.169751795562014,
        "p90": 29.206328465070744,
        "p99": 29.20883426851764,
        "maximum": 29.209112691122854,
        "mean": 29.17716385948545,
        "standard_deviation": 0.02733233053660958
      }
    }
    "#);
}

#[test]
fn a_case_that_contradicts_itself_is_called_unsteady() {
    let mut records = fixture::records();
    records[1].samples.iterations[4].turns[0].tokens[2] = TokenId(1);
    let output = rendered(&records[..3], Format::Table);
    assert!(output.contains("tract gives other tokens in another iteration, from token 3 of turn 1 on"), "{output}");
    let agreement = output.lines().find(|line| line.starts_with("same tokens")).unwrap();
    assert!(agreement.contains("unsteady [") && agreement.contains("yes (192)"), "{agreement}");
}

#[test]
fn cases_that_were_not_reached_are_counted() {
    let records = fixture::records();
    let run: Run = fixture::run(&records);
    let output = render(&run, &records[..4], Format::Table, &NARROW).unwrap();
    assert!(output.contains("2 of 6 cases not"), "{output}");
}

#[test]
fn equal_answers_are_shown_once() {
    let records = fixture::troubled();
    let decode = |_: &Record, tokens: &[TokenId]| Some(format!("{} words\x07\nand more", tokens.len()));
    let prompt = |_: &Record, turn: usize| (turn == 0).then(|| "How far is the moon?".to_owned());
    let output = text::render(&records, Format::Table, &decode, &prompt);
    insta::assert_snapshot!(output, @r#"
    chat · mobilellm-125m (seeded weights) · f32 · 1 thread

    user, turn 1:
      How far is the moon?

    onnxruntime = candle, turn 1 (64 tokens, the same tokens):
      64 words\u{7}
      and more

    onnxruntime, turn 2 (64 tokens):
      64 words\u{7}
      and more

    candle, turn 2 (64 tokens):
      64 words\u{7}
      and more

    onnxruntime = candle, turn 3 (64 tokens, the same tokens):
      64 words\u{7}
      and more
    "#);
}

#[test]
fn without_a_tokenizer_the_answers_are_numbers() {
    let records = fixture::records();
    let output = text::render(&records[3..], Format::Table, &|_, _| None, &|_, _| None);
    assert!(output.contains("(no tokenizer; token numbers: 1000 1007 "), "{output}");
}

#[test]
fn charts_are_written_for_what_was_measured() {
    let folder = tempfile::tempdir().unwrap();
    let names = |records: &[Record]| -> Vec<String> {
        let files = charts::write(&fixture::run(records), records, &folder.path().join("charts")).unwrap();
        files.iter().map(|file| file.file_name().unwrap().to_string_lossy().into_owned()).collect()
    };
    let all = [
        "decode-throughput.svg",
        "time-to-first-token.svg",
        "peak-memory.svg",
        "inter-token-latency.svg",
        "turn-latency.svg",
    ];
    assert_eq!(names(&fixture::troubled()), all);
    let memory = fs::read_to_string(folder.path().join("charts/peak-memory.svg")).unwrap();
    for words in
        ["tract (failed)", "fake (skipped)", "522 MiB", "ONNX Runtime 1.32.0", "mobilellm-125m (seeded weights)"]
    {
        assert!(memory.contains(words), "{words}");
    }
    assert_eq!(names(&fixture::prefill()), ["peak-memory.svg"], "nothing was generated");
    let mut two = fixture::records();
    two[5].case.threads = 2;
    assert!(names(&two).contains(&"peak-memory-mobilellm-125m-f32-2t.svg".to_owned()));
}

#[test]
fn weights_in_other_precisions_say_what_they_were_made_from_and_whose_that_are() {
    let mut records = fixture::records()[..1].to_vec();
    records[0].passport.model.rounded_sha256 = Some("ab".repeat(32));
    let words = rendered(&records, Format::Table).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("sha256 abababababab, made from 0123456789ab, seeded weights (seed 42)"), "{words}");
}

/// The same as if each counted iteration had been measured in a block of its own, and the second one again.
pub fn in_turns(records: &[Record]) -> Vec<Record> {
    let at = |position: u32, ns: u64| MonotonicNs(u64::from(position) * 1_000_000_000_000 + ns);
    let block = |record: &Record, position: u32| Block {
        number: position,
        place: 1,
        span: TimeSpan { start: at(position, 0), end: at(position, 2) },
        loaded: record.samples.loaded.clone(),
        peak_resident_bytes: record.readings.peak_resident_bytes,
        peak_with_huge_pages_bytes: None,
        first_iteration: position,
        iterations: 1,
        disturbances: Vec::new(),
        repeated: false,
    };
    let mut records = records.to_vec();
    for record in records.iter_mut().filter(|record| record.outcome == Outcome::Measured) {
        record.samples.blocks = (1..6).map(|position| block(record, position)).collect();
        record.samples.blocks[1].repeated = true;
        let memory = record.readings.memory[0];
        record.readings.memory = (1..6).map(|position| MemoryReading { at: at(position, 1), ..memory }).collect();
        record.metrics = derive_metrics(record);
    }
    records
}

#[test]
fn a_star_is_a_verdict_of_the_blocks() {
    let mut records = in_turns(&fixture::records()[..3]);
    records[1].samples.blocks[1].disturbances = vec![Disturbance { kind: DisturbanceKind::Steal, share: 0.25 }];
    let mut run = fixture::run(&records);
    run.settings.turns = Some(TurnSettings { blocks: 4, seed: 7, short_warmup: true, target: None });
    let table = render(&run, &records, Format::Table, &NARROW).unwrap();
    insta::assert_snapshot!(first_table(&table), @r"
    chat · mobilellm-125m (seeded weights) · f32 · 1 thread
                                 onnxruntime         tract        candle
    ────────────────────────────────────────────────────────────────────
    time to first token, ms      180 ±5         297 ±1       153 ±1    *
    prefill, tokens/s            320 ±5         192 ±2       373 ±4    *
    decode, tokens/s            29.2 ±0.04     23.9 ±0.1    29.0 ±0.04
    inter-token latency, ms     34.2 ±0.1      41.7 ±0.1    34.4 ±0.1
      90th percentile, ms       36.0 ±0.1      43.5 ±0.2    36.1 ±0.1
      99th percentile, ms       36.5 ±0.04     44.1 ±0.2    36.6 ±0.1
    token, undisturbed, ms      32.8 ±0.1      40.2 ±0.1    33.0 ±0.1
    request latency, ms         2375 ±7        3016 ±7      2348 ±7
    load time, ms                389           1420          252       *
      of which reading, ms         - [1]        310          231
      of which preparing, ms       - [1]       1110           21
    first token after load, ms   298 ±5         499 ±10      257 ±7    *
    peak memory, MiB             522            585          527
      of which own, MiB          498       *    561          503
    key-value cache, MiB        16.9           16.9         16.9
    of memory bandwidth, %      81.2 ±0.1      66.7 ±0.2    80.8 ±0.1
    same tokens as onnxruntime     reference     yes (192)     yes (192)
    energy                      no meter [2]  no meter [2]  no meter [2]
    ────────────────────────────────────────────────────────────────────
    leads: time to first token: candle / onnxruntime = 0.861 [0.842, 0.880], clear
           decode: onnxruntime / candle = 1.005 [1.004, 1.007], the same within 1 %
           request latency: candle / onnxruntime = 0.988 [0.983, 0.994], undecided
           after 4 blocks; about 38 more would decide
    [1] the engine loads in one call
    [2] virtual machine: no meter
    note: onnxruntime, tract, candle: 1 of 5 blocks was measured again, since a case
          in it was disturbed
    ");
    assert!(
        table.replace("\n           ", " ").contains(
            "4 counted iterations in 4 blocks, each with a fresh process and a warm-up of one prompt and 192 tokens, in the order of --seed 7"
        ),
        "{table}"
    );
    let markdown = render(&run, &records, Format::Markdown, &NARROW).unwrap();
    assert!(markdown.contains("\n- decode: onnxruntime / candle = "), "{markdown}");
}

use std::fs;

use pocketwatt_protocol::{MonotonicNs, Stage};
use pocketwatt_record::{Outcome, Record, Run, derive_metrics};
use pocketwatt_scenario::Study;

use super::render;
use crate::{Format, Style, charts, fixture};

/// The first two backends of the made-up run, for a model whose tokens take `factor` times as long.
fn cases(model: &str, parameters: u64, factor: f64) -> Vec<Record> {
    let mut records = fixture::records()[..2].to_vec();
    for record in &mut records {
        record.case.model = model.into();
        record.case.id = format!("{model}-{}", record.case.backend);
        record.passport.model.name = model.into();
        record.passport.model.parameters = parameters;
        record.passport.model.weight_bytes = parameters * 4;
        for turn in record.samples.iterations.iter_mut().flat_map(|iteration| &mut iteration.turns) {
            let start = turn.start;
            let stretch = |at: MonotonicNs| MonotonicNs(start.0 + (at.since(start) as f64 * factor) as u64);
            turn.prefill_end = stretch(turn.prefill_end);
            turn.token_times.iter_mut().for_each(|at| *at = stretch(*at));
        }
        record.metrics = derive_metrics(record);
    }
    records
}

fn run(study: &str, records: &[Record]) -> Run {
    Run { study: Some(Study::find(study).unwrap().source()), ..fixture::run(records) }
}

fn table(study: &str, records: &[Record]) -> String {
    let style = Style { color: false, width: Some(110) };
    render(&run(study, records), records, Format::Table, &style).unwrap()
}

fn layer_sharing() -> Vec<Record> {
    // The plan's order differs from the study's.
    let mut records = cases("mobilellm-125m+layers60", 230_829_696, 1.9);
    records.extend(cases("mobilellm-125m", 124_635_456, 1.0));
    records.extend(cases("mobilellm-125m+repeats2", 124_635_456, 1.1));
    records
}

#[test]
fn the_cases_of_a_study_stand_side_by_side_with_what_others_published() {
    let output = table("layer-sharing", &layer_sharing());
    insta::assert_snapshot!(output.split("\n\n").next().unwrap(), @r"
    layer-sharing · onnxruntime · seeded weights · f32 · 1 thread · chat
                                               30 blocks  30 blocks, twice      60 blocks
    ─────────────────────────────────────────────────────────────────────────────────────
    weights, 10⁶                              125               125            231
    weights in memory, MiB                    475               475            881
    key-value cache of a token, KiB          33.8              33.8           33.8
    load time, ms                             389               389            389
      times the first                        1.00              1.00           1.00
      paper, load + init, ms               1400.9            1431.8         3416.3
      paper, load + init, times the first    1.00              1.02           2.44
      of which reading                          - [1]             - [1]          - [1]
      paper, load, ms                        39.2              43.6           68.6
      paper, load, times the first           1.00              1.11           1.75
      of which preparing                        - [1]             - [1]          - [1]
      paper, init, ms                      1361.7            1388.2         3347.7
      paper, init, times the first           1.00              1.02           2.46
    first token after load, ms                300               330            569
      times the first                        1.00              1.10           1.90
    inter-token latency, ms                  34.2 ±0.1         37.6 ±0.1      65.0 ±0.2
      times the first                        1.00              1.10           1.90
      paper, execute, ms                     15.6              16.0           29.0
      paper, execute, times the first        1.00              1.03           1.86
    prefill, tokens/s                         320 ±4            291 ±3         169 ±2
      times the first                        1.00              0.91           0.53
    peak memory, MiB                          522               522            522
      times the first                        1.00              1.00           1.00
    key-value cache, MiB                     16.9              16.9           16.9
      times the first                        1.00              1.00           1.00
    energy per output token                     - [2]             - [2]          - [2]
    ─────────────────────────────────────────────────────────────────────────────────────
    [1] the engine loads in one call
    [2] virtual machine: no meter
    ");
    assert!(output.contains("study      layer-sharing: What does running each block twice cost"), "{output}");
    assert!(output.contains("remark     the paper's rows are its own on an iPhone 13"), "{output}");
}

#[test]
fn a_case_without_numbers_says_why_and_the_others_stay() {
    let mut records = layer_sharing();
    let message = "out of memory".to_owned();
    records[0].outcome = Outcome::Failed { stage: Stage::Load, message };
    records[2].readings.other_busy_ns = records[2].readings.system_cpu_ns.map(|whole| whole / 2);
    let output = table("layer-sharing", &records);
    assert!(output.contains("note: 30 blocks: 50.0 % of the processors busy with other processes"), "{output}");
    assert!(output.contains("60 blocks failed while loading the model: out of memory"), "{output}");
    let latency = output.lines().skip_while(|line| !line.starts_with("inter-token latency")).nth(1).unwrap();
    assert_eq!(latency.split_whitespace().collect::<Vec<_>>(), ["times", "the", "first", "1.00", "1.10"]);
}

#[test]
fn a_line_goes_through_the_sizes_and_stands_beside_the_paper() {
    let mut records = cases("mobilellm-125m", 125_000_000, 1.0);
    records.extend(cases("mobilellm-350m", 350_000_000, 2.8));
    let two = table("model-size", &records);
    assert!(two.contains("a line through 2 points has no interval"), "{two}");
    records.extend(cases("mobilellm-600m", 600_000_000, 4.9));
    let output = table("model-size", &records);
    let slopes = output.split("\n\n").find(|part| part.contains("slopes")).unwrap();
    insta::assert_snapshot!(slopes, @r"
    model-size · slopes by least squares, ± half of their 95 % interval
                                                  onnxruntime        tract
    ──────────────────────────────────────────────────────────────────────
    inter-token latency for 10⁹ more weights, ms    281 ±50      343 ±61
      where the line begins, at 0, ms             -1.48        -1.81
    energy per output token for 10⁹ more weights      - [1]        - [1]
      paper assumes, J                              0.1          0.1
    peak memory for 10⁹ more weights, MiB             0            0
      where the line begins, at 0, MiB              522          585
    ──────────────────────────────────────────────────────────────────────
    [1] virtual machine: no meter
    ");
}

#[test]
fn a_study_is_one_chart_and_its_cases_can_still_be_seen() {
    let records = layer_sharing();
    let folder = tempfile::tempdir().unwrap();
    let files = charts::write(&run("layer-sharing", &records), &records, folder.path()).unwrap();
    assert_eq!(files, [folder.path().join("layer-sharing.svg")]);
    let svg = fs::read_to_string(&files[0]).unwrap();
    for words in
        ["What does running each block twice cost", "30 blocks, twice", "Not measured here: energy per output token."]
    {
        assert!(svg.contains(words), "{words}");
    }
    let mut records = cases("mobilellm-125m", 125_000_000, 1.0);
    records.extend(cases("mobilellm-350m", 350_000_000, 2.8));
    let files = charts::write(&run("model-size", &records), &records, folder.path()).unwrap();
    let svg = fs::read_to_string(&files[0]).unwrap();
    assert!(svg.contains("weights, 10⁹") && svg.contains("Dashed: the straight line"), "{svg}");
    let whole = charts::write(&fixture::run(&records), &records, folder.path()).unwrap();
    assert!(whole.len() > 1, "{whole:?}");
}

#[test]
fn markdown_has_the_same_rows() {
    let records = layer_sharing();
    let output = render(&run("layer-sharing", &records), &records, Format::Markdown, &Style::default()).unwrap();
    assert!(output.contains("### layer-sharing · onnxruntime · seeded weights · f32 · 1 thread · chat\n"), "{output}");
    assert!(output.contains("| &nbsp;&nbsp;paper, execute, ms | 15.6 | 16.0 | 29.0 |"), "{output}");
}

#[test]
fn the_reference_model_stands_beside_what_the_paper_assumes_of_each() {
    let mut records = cases("llama-2-7b", 6_738_415_616, 20.0);
    records.extend(cases("mobilellm-125m", 124_635_456, 1.0));
    let output = table("reference", &records);
    let numbers = |label: &str| {
        let row = output.lines().find_map(|line| line.trim_start().strip_prefix(label));
        row.unwrap_or_else(|| panic!("{label}: {output}")).split_whitespace().collect::<Vec<_>>()
    };
    assert_eq!(numbers("paper assumes, J"), ["0.0125", "0.674"]);
    assert_eq!(numbers("paper assumes, times the first"), ["1.00", "54.06"]);
    let columns = output.lines().nth(1).unwrap();
    assert!(columns.find("MobileLLM 125M").unwrap() < columns.find("Llama 2 7B").unwrap(), "{columns}");
}

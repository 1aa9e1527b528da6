//! Charts as a page gets them: in their order, with exact values, in known colours.

use std::{collections::BTreeSet, fs};

use pocketwatt_record::{Record, Run};

use crate::{
    charts::{self, COLOURS, NamedChart, Palette},
    fixture,
};

fn all(run: &Run, records: &[Record]) -> Vec<NamedChart> {
    charts::all(run, &(records, &[][..]), &Palette::default()).unwrap()
}

#[test]
fn a_picture_for_a_page_is_the_file_with_marks_at_its_end() {
    let records = fixture::records();
    let run = fixture::run(&records);
    let folder = tempfile::tempdir().unwrap();
    let drawn = all(&run, &records);
    for file in charts::write(&run, &records, folder.path()).unwrap() {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let chart = drawn.iter().find(|chart| chart.name == name).unwrap();
        let (picture, marks) = chart.svg.split_once("<g class=\"marks\"").unwrap();
        assert_eq!(format!("{picture}</svg>\n"), fs::read_to_string(file).unwrap());
        assert!(marks.contains("tabindex=\"0\" role=\"img\" aria-label=\"candle, chat: "), "{marks}");
    }
}

#[test]
fn every_bar_says_its_exact_value_or_why_it_has_none() {
    let records = fixture::troubled();
    let drawn = all(&fixture::run(&records), &records);
    let chart = &drawn[0];
    assert_eq!((chart.name.as_str(), chart.kind.as_str()), ("decode-throughput", "decode-throughput"));
    assert_eq!(chart.title, "Decode throughput (more is better)");
    assert_eq!(chart.about, "mobilellm-125m (seeded weights) · f32 · 1 thread");
    assert_eq!(chart.description, "chat: onnxruntime 29.17 tokens/s, candle 29.02 tokens/s.");
    insta::assert_snapshot!(texts(chart).join("\n"), @r#"
    onnxruntime, chat: 29.170 tokens/s ±0.034 (95 % interval 29.136 to 29.204 tokens/s; 5 observations, an iteration each: 29.158, 29.209, 29.202, 29.147, 29.170); lowest 29.15 tokens/s, highest 29.21 tokens/s
    tract, chat: failed while loading the model: cannot read graph: node 12 &quot;Gather&quot; is\u{1b}[31m not supported
    candle, chat: 29.024 tokens/s ±0.037 (95 % interval 28.987 to 29.060 tokens/s; 5 observations, an iteration each: 29.024, 28.977, 29.027, 28.973, 29.033); lowest 28.97 tokens/s, highest 29.03 tokens/s
    fake, chat: skipped: the runner is not built: run `cargo build -p pocketwatt-fake`
    "#);
}

#[test]
fn charts_have_the_colours_that_a_page_knows() {
    let known: BTreeSet<&str> = COLOURS.iter().map(|(_, colour)| *colour).collect();
    let (run, metered) = fixture::energy::metered();
    let records = fixture::troubled();
    let (swept, sweep) = fixture::sweep::sweep();
    let charts =
        all(&run, &metered).into_iter().chain(all(&fixture::run(&records), &records)).chain(all(&swept, &sweep));
    for chart in charts {
        for colour in chart.svg.split("=\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(known.contains(format!("#{colour}").as_str()), "{}: #{colour}", chart.name);
        }
    }
}

fn texts(chart: &NamedChart) -> Vec<&str> {
    chart.svg.split("aria-label=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[test]
fn a_sweep_has_charts_over_its_precisions() {
    let (run, records) = fixture::sweep::sweep();
    let drawn = all(&run, &records);
    let mut kinds: Vec<&str> = drawn.iter().map(|chart| chart.kind.as_str()).collect();
    kinds.dedup();
    let expected = [
        "decode-throughput",
        "time-to-first-token",
        "peak-memory",
        "inter-token-latency",
        "inter-token-latency-distribution",
        "energy-split",
        "speed-against-energy",
        "quality-against-speed",
        "quality-against-memory",
        "right-calls",
        "roofline",
        "turn-latency",
    ];
    assert_eq!(kinds, expected);
    let bytes: usize = drawn.iter().map(|chart| chart.svg.len()).sum();
    assert!(bytes / drawn.len() < 30_000, "{bytes} bytes of {} charts", drawn.len());
    let of_chat = |kind: &str| drawn.iter().find(|chart| chart.kind == kind).unwrap();

    let energy = of_chat("speed-against-energy");
    assert_eq!(energy.about, "chat · mobilellm-125m · 1 thread");
    insta::assert_snapshot!(energy.description, @"decode and energy per output token. No other case is better in both than onnxruntime int4. Not drawn, because a number is missing: candle f32, candle int8, candle int4. onnxruntime f32 29.17 tokens/s and 449.0 mJ. tract f32 23.94 tokens/s and 526.4 mJ. onnxruntime int8 71.15 tokens/s and 184.1 mJ. tract int8 51.54 tokens/s and 244.5 mJ. onnxruntime int4 100.6 tokens/s and 130.2 mJ. tract int4 69.41 tokens/s and 181.5 mJ.");
    assert!(energy.svg.contains("Energy of the package (powercap), idle power included."), "{}", energy.svg);
    insta::assert_snapshot!(texts(energy)[2], @"onnxruntime int8: decode 71.146 tokens/s ±0.083 (95 % interval 71.063 to 71.229 tokens/s); energy per output token 184.1 mJ ±2.2 (95 % interval 181.9 to 186.3 mJ)");

    let quality = of_chat("quality-against-speed");
    assert!(quality.description.contains("candle f32 29.02 tokens/s and 0 nats, it is the reference."));
    assert!(quality.svg.contains("Grey line: no case is better in both numbers than those on it"));
    assert_eq!(texts(quality).iter().filter(|text| text.ends_with("no other is better in both")).count(), 4);

    let roofline = of_chat("roofline");
    insta::assert_snapshot!(texts(roofline)[..2].join("\n"), @r#"
    measured memory bandwidth with 1 thread: 18.2 GB/s; at most 32.07 tokens/s with 541.3 MiB for each token
    onnxruntime f32: bytes read per token 483.3 MiB; decode 29.170 tokens/s ±0.034 (95 % interval 29.136 to 29.204 tokens/s); 81.2 % of the memory bandwidth
    "#);

    let split = of_chat("energy-split");
    insta::assert_snapshot!(texts(split)[..3].join("\n"), @r#"
    onnxruntime, chat: 31.78 J ±0.38 (95 % interval 31.40 to 32.17 J) for a request; prefill 3.249 J ±0.049 (95 % interval 3.200 to 3.298 J), 10 %; decode 28.54 J ±0.43 (95 % interval 28.11 to 28.96 J), 90 %
    tract, chat: 38.28 J ±0.46 (95 % interval 37.82 to 38.74 J) for a request; prefill 5.216 J ±0.078 (95 % interval 5.138 to 5.294 J), 14 %; decode 33.07 J ±0.50 (95 % interval 32.57 to 33.56 J), 86 %
    candle, chat: no number: meter vanished
    "#);

    let calls = of_chat("right-calls");
    insta::assert_snapshot!(texts(calls)[0], @"onnxruntime, api-call: right function 85.00 % (95 % interval 63.96 to 94.76 %; 17 of 20 questions)");

    let gaps = of_chat("inter-token-latency-distribution");
    insta::assert_snapshot!(texts(gaps)[0], @"onnxruntime, chat: median 34.21 ms, 10th to 90th percentile 32.62 ms to 35.97 ms, 99th 36.49 ms, shortest 32.01 ms, longest 36.61 ms, of 945 gaps");
}

#[test]
fn what_cannot_be_compared_has_no_chart() {
    let (run, mut records) = fixture::sweep::sweep();
    records.truncate(1);
    let kinds: Vec<String> = all(&run, &records).into_iter().map(|chart| chart.kind).collect();
    assert!(!kinds.iter().any(|kind| kind.contains("against") || kind == "roofline"), "{kinds:?}");
    let records = fixture::records();
    let kinds: Vec<String> = all(&fixture::run(&records), &records).into_iter().map(|chart| chart.kind).collect();
    let without = ["energy-split", "speed-against-energy", "quality-against-speed", "right-calls"];
    assert!(!kinds.iter().any(|kind| without.contains(&kind.as_str())), "seeded weights, no meter: {kinds:?}");
}

#[test]
fn names_are_never_the_same() {
    let mut records = fixture::records();
    records[0].case.model = "a/b".into();
    records[1].case.model = "a b".into();
    records[2].case.model = "a b".into();
    let drawn = all(&fixture::run(&records), &records);
    let names: BTreeSet<&str> = drawn.iter().map(|chart| chart.name.as_str()).collect();
    assert_eq!(names.len(), drawn.len());
    let kinds: Vec<&str> = drawn.iter().map(|chart| chart.kind.as_str()).collect();
    assert!(kinds.is_sorted_by_key(|kind| drawn.iter().position(|chart| chart.kind == *kind)), "{kinds:?}");
}

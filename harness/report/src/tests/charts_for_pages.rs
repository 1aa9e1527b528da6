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
    let texts: Vec<&str> = chart.svg.split("aria-label=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    insta::assert_snapshot!(texts.join("\n"), @r#"
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
    let charts = all(&run, &metered).into_iter().chain(all(&fixture::run(&records), &records));
    for chart in charts {
        for colour in chart.svg.split("=\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(known.contains(format!("#{colour}").as_str()), "{}: #{colour}", chart.name);
        }
    }
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

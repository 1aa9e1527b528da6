use pocketwatt_record::{Calibration, MetricId, Origin, Record, Run, StoredPair, derive, judge};
use pocketwatt_report::{COMPARED_METRICS, CalibrationUse, ComparisonFormat, PlannedBlocks, StoredComparison, Style};
use serde_json::{Value, json};

use super::records;
use crate::{mutation::Form, scratch, target::Target};

/// Separates a calibration, a run and its records.
const BETWEEN: &str = "\n@@@@\n";

pub const TARGET: Target = Target {
    name: "comparison",
    form: Form::Json(BETWEEN),
    seeds,
    words: &[],
    short_runs: 100,
    run: |input| compare(input).is_some(),
};

/// The noise of every metric, before each run of the fixtures.
fn seeds() -> Vec<Vec<u8>> {
    let noise = |metric: &MetricId| json!({"backend": "fake", "precision": "f32", "metric": metric.name(), "deviation": 0.03, "pairs": 20, "block_deviation": 0.02});
    let calibration = json!({
        "format": {"major": 1, "minor": 1},
        "pocketwatt": "0.1.0",
        "created_unix_ms": 1_795_437_753_000_u64,
        "device": {"name": "device", "processor": null, "cores": 2, "kernel": "6.1"},
        "noise": COMPARED_METRICS.iter().map(noise).collect::<Vec<_>>(),
    });
    let calibration = calibration.to_string() + BETWEEN;
    records::seeds().iter().map(|run| [calibration.as_bytes(), run].concat()).collect()
}

/// Compares the first record with the last one as stored, and as they follow from their samples.
fn compare(input: &[u8]) -> Option<()> {
    let end = input.windows(BETWEEN.len()).position(|window| window == BETWEEN.as_bytes())?;
    let calibration = Calibration::read(&scratch::file("calibration.json", &input[..end])).ok();
    let (run, mut stored, _) = records::read(&input[end + BETWEEN.len()..])?;
    write(&run, &stored, calibration.as_ref());
    stored.iter_mut().for_each(derive);
    write(&run, &stored, calibration.as_ref());
    calibration.map(drop)
}

fn write(run: &Run, records: &[Record], calibration: Option<&Calibration>) {
    let (Some(baseline), Some(candidate)) = (records.first(), records.last()) else { return };
    let metrics = COMPARED_METRICS.map(|metric| (metric, 0.01));
    let pair = |one, other| {
        StoredPair::of(Origin { record: one, run: Some(run) }, Origin { record: other, run: None }, &metrics)
    };
    let mut pairs = vec![pair(baseline, candidate), pair(candidate, baseline), pair(baseline, baseline)];
    judge(&mut pairs, calibration);
    if let Some(calibration) = calibration {
        let planned = PlannedBlocks { cases: &[baseline.case.clone(), candidate.case.clone()], blocks: 5, pairs: 1 };
        records::inert("what the blocks will show", &planned.text(calibration));
    }
    let comparison = StoredComparison {
        baseline: run.id.clone(),
        candidate: baseline.case.id.clone(),
        pairs,
        only_in_baseline: vec![candidate.case.id.clone()],
        only_in_candidate: Vec::new(),
        damaged: Vec::new(),
        calibration: CalibrationUse::NotNeeded,
    };
    let text = |format| comparison.text(format, &Style::default()).expect("it can be written");
    records::inert("the comparison", &text(ComparisonFormat::Table));
    records::inert("the comparison in Markdown", &text(ComparisonFormat::Markdown));
    serde_json::from_str::<Value>(&text(ComparisonFormat::Json)).expect("the JSON document is one");
}

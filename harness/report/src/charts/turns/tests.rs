use pocketwatt_record::{Absent, Record, Value};

use crate::{charts, fixture};

fn svg(records: &[Record]) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let files = charts::write(&fixture::run(records), records, folder.path()).unwrap();
    files.iter().find(|file| file.ends_with("turn-latency.svg")).map(|file| std::fs::read_to_string(file).unwrap())
}

#[test]
fn every_turn_of_every_case_has_a_mark_in_each_panel() {
    // `chat` has three turns, `api-call` one.
    let chart = svg(&fixture::records()).unwrap();
    assert!(!chart.contains("NaN") && !chart.contains("inf"), "every coordinate is a number");
    for words in [
        "Turns over the growing context",
        "time to first token, ms",
        "turn latency, to the last token, ms",
        "turn 1 (+96)",
        "turn 2 (+41)",
        "turn 3 (+57)",
        "No energy of turns: virtual machine: no meter.",
        "tokens in the context, the turn's prompt included",
    ] {
        assert!(chart.replace("&apos;", "'").contains(words), "{words}\n{chart}");
    }
    assert!(!chart.contains("api-call"), "a single turn is no course");
    for ink in ["#0072B2", "#E69F00", "#009E73"] {
        let marks = chart.lines().filter(|line| line.starts_with("<circle") && line.contains(ink)).count();
        assert_eq!(marks, 2 * 3, "{ink}");
    }
}

#[test]
fn a_mark_stands_at_the_context_that_its_turn_found() {
    let records = fixture::records();
    let chart = svg(&records[..1]).unwrap();
    let positions: Vec<f64> = chart
        .lines()
        .filter(|line| line.starts_with("<circle"))
        .filter_map(|line| line.split("cx=\"").nth(1)?.split('"').next()?.parse().ok())
        .collect();
    // Contexts of 96, 201 and 322 tokens: the distances are as 105 to 121, to a pixel.
    let share = (positions[1] - positions[0]) / (positions[2] - positions[1]);
    assert!((share - 105.0 / 121.0).abs() < 0.02, "{positions:?}");
}

#[test]
fn several_conversations_are_a_cloud_without_lines() {
    let mut record = fixture::records().remove(0);
    for (index, iteration) in record.samples.iterations.iter_mut().enumerate() {
        iteration.conversation = index.saturating_sub(1) as u32;
    }
    let chart = svg(std::slice::from_ref(&record)).unwrap();
    assert_eq!(chart.matches("<circle").count(), 2 * 3 * 5, "five conversations of three turns in two panels");
    assert!(!chart.contains("turn 1 (+96)"), "turns of several conversations stand at many places");
}

#[test]
fn single_turns_and_withheld_ones_have_no_such_chart() {
    assert_eq!(svg(&fixture::prefill()), None);
    let mut records = fixture::records();
    for value in records.iter_mut().flat_map(|record| &mut record.metrics) {
        value.value = Value::Absent(Absent::withheld("conformance", "it cannot be true"));
    }
    assert_eq!(svg(&records), None);
}

use pocketwatt_record::{CallMetric, Share, SpeedMetric, derive, share};

use super::*;
use crate::{fixture, tests::render as report};

/// Two backends answer 24 questions of two categories: the first 20 and 5 of them right.
fn judged() -> Vec<Record> {
    let mut records: Vec<Record> = fixture::records().into_iter().skip(3).take(2).collect();
    for (record, right) in records.iter_mut().zip([20, 5]) {
        record.passport.model.seeded = false;
        record.calls = (0..24).map(|number| answer(number, number < right)).collect();
        derive(record);
    }
    records
}

fn answer(number: u32, right: bool) -> CallAnswer {
    let category = if number.is_multiple_of(3) { "no call fits" } else { "time" };
    let worth = AnswerWorth::Call {
        intent: right || number == 22,
        structure: right,
        bfcl: None,
        complete_token: right.then_some(9),
    };
    CallAnswer { iteration: 0, turn: 0, question: format!("q-{number}"), category: category.into(), worth }
}

fn shown(records: &[Record], format: Format) -> String {
    shown_within(records, format, 80)
}

fn shown_within(records: &[Record], format: Format, width: usize) -> String {
    let answers = Answers {
        decode: &|_, tokens| Some(format!("{}\x1b[31m words", tokens.len())),
        expected: &|_, answer| (answer.question != "q-21").then(|| "no_call()".to_owned()),
        first: 2,
    };
    render(records, &answers, format, &Style { color: false, width: Some(width) })
}

#[test]
fn categories_and_wrong_answers_are_traced() {
    insta::assert_snapshot!(shown(&judged(), Format::Table), @r"
    api-call · mobilellm-125m · right calls by category
                                              EM_intent           EM_structure
                                                      %                      %
    ──────────────────────────────────────────────────────────────────────────
    all
      f32  onnxruntime  1 thread  87.5 [69, 96] of 24    83.3 [64, 93] of 24
      f32  tract        1 thread  25.0 [12, 45] of 24    20.8 [9, 40] of 24
    no call fits
      f32  onnxruntime  1 thread  87.5 [53, 98] of 8     87.5 [53, 98] of 8
      f32  tract        1 thread  25.0 [7, 59] of 8      25.0 [7, 59] of 8
    time
      f32  onnxruntime  1 thread  87.5 [64, 97] of 16    81.2 [57, 93] of 16
      f32  tract        1 thread  25.0 [10, 49] of 16    18.8 [7, 43] of 16
    ──────────────────────────────────────────────────────────────────────────
    note: [ ] is the 95 % Wilson interval; few questions say little

    f32 onnxruntime 1 thread: 4 of 24 answers are wrong, the first 2
      q-20, turn 1 (time): no call
        expected  no_call()
        answered  48\u{1b}[31m words
      q-21, turn 1 (no call fits): no call
        expected  (not stored with the run)
        answered  48\u{1b}[31m words

    f32 tract 1 thread: 19 of 24 answers are wrong, the first 2
      q-5, turn 1 (time): no call
        expected  no_call()
        answered  48\u{1b}[31m words
      q-6, turn 1 (no call fits): no call
        expected  no_call()
        answered  48\u{1b}[31m words
    ");
}

#[test]
fn markdown_has_the_same_tables() {
    let output = shown(&judged(), Format::Markdown);
    assert!(output.starts_with("### api-call · mobilellm-125m · right calls by category\n"), "{output}");
    assert!(output.contains("| &nbsp;&nbsp;f32  tract        1 thread | 25.0 \\[12, 45\\] of 24 |"), "{output}");
    assert_eq!(output.matches("```").count(), 2);
}

#[test]
fn without_calls_there_is_a_line_that_says_so() {
    assert!(shown(&fixture::records(), Format::Table).starts_with("No calls were judged"));
}

#[test]
fn shares_have_their_interval_and_no_star() {
    let style = Style { color: false, width: Some(100) };
    let records = judged();
    let output = report(&fixture::run(&records), &records, Format::Table, &style).unwrap();
    assert!(output.contains("[ ] is the 95 % Wilson interval"), "{output}");
    let line = output.lines().find(|line| line.starts_with("right call (EM_structure)")).unwrap().trim_end();
    assert_eq!(line, "right call (EM_structure), %   83.3 [64, 93] of 24    20.8 [9, 40] of 24");
}

#[test]
fn the_rule_of_bfcl_stands_beside_ours_where_it_was_asked() {
    let mut records = judged();
    let output = |records: &[Record]| shown_within(records, Format::Table, 120);
    let header = |records: &[Record]| output(records).lines().nth(1).unwrap().trim().to_owned();
    assert!(!header(&records).contains("BFCL"));
    for answer in records.iter_mut().flat_map(|record| &mut record.calls) {
        if let AnswerWorth::Call { bfcl, structure, .. } = &mut answer.worth {
            *bfcl = Some(*structure || answer.question == "q-20");
        }
    }
    records.iter_mut().for_each(derive);
    assert!(header(&records).ends_with("EM_structure                   BFCL"), "{}", header(&records));
    let output = output(&records);
    assert!(output.contains("83.3 [64, 93] of 24    87.5 [69, 96] of 24"), "{output}");
    assert!(output.contains("q-20, turn 1 (time): right by BFCL's rule, not by ours"), "{output}");
    let table = report(&fixture::run(&records), &records, Format::Table, &Style { color: false, width: Some(100) });
    assert!(table.unwrap().contains("right call (BFCL), %"));
}

#[test]
fn the_document_says_what_a_share_was_counted_from() {
    let records = judged();
    let document = report(&fixture::run(&records), &records, Format::Json, &Style::default()).unwrap();
    let document: serde_json::Value = serde_json::from_str(&document).unwrap();
    let metrics = document["cases"][1]["metrics"].as_array().unwrap();
    let share = |name: &str| metrics.iter().find(|metric| metric["metric"] == name).unwrap()["share"].clone();
    let structure = share("call_structure");
    assert_eq!((&structure["right"], &structure["questions"]), (&5.into(), &24.into()));
    assert!(structure["low"].as_f64().unwrap() < 5.0 / 24.0 && structure["high"].as_f64().unwrap() > 5.0 / 24.0);
    assert!(share("decode_throughput").is_null());
}

#[test]
fn a_question_asked_again_is_no_further_evidence() {
    let mut record = judged().remove(0);
    record.calls.extend(record.calls.clone());
    assert_eq!(share(&record.calls, CallMetric::CallStructure.into()), Some(Share { right: 20, questions: 24 }));
    assert_eq!(share(&record.calls, SpeedMetric::DecodeThroughput.into()), None);
}

use pocketwatt_record::{Outcome, Record, StoredPair, judge};

use super::*;
use crate::{CalibrationUse, StoredComparison, cases::Results, fixture};

/// Two builds of one case, as they ended.
fn comparison(base: &Record, head: &Record) -> StoredComparison {
    let origin = |record| pocketwatt_record::Origin { record, run: None };
    let mut pairs = vec![StoredPair::of(origin(base), origin(head), &[])];
    judge(&mut pairs, None);
    StoredComparison {
        baseline: "base".into(),
        candidate: "head".into(),
        pairs,
        only_in_baseline: Vec::new(),
        only_in_candidate: Vec::new(),
        damaged: Vec::new(),
        calibration: CalibrationUse::NotNeeded,
    }
}

const HOSTILE: &str = "<script>alert(1)</script> | `x` @everyone https://a.b [l](x) \u{202e}\u{1b}[2J\n# x -->";

fn texts(base: &Record, head: &Record) -> [String; 3] {
    let records = [base.clone(), head.clone()];
    let run = fixture::run(&records);
    let comparison = comparison(base, head);
    let results: (&[Record], &[pocketwatt_record::Damaged]) = (&records, &[]);
    let review = Review {
        key: "board",
        commit: Some(HOSTILE),
        base_commit: Some("0123456789abcdef"),
        run: &run,
        results: &results as &dyn Results,
        comparison: &comparison,
        rule: "--fail-on worse",
        fails: true,
    };
    [review.comment().unwrap(), review.summary().unwrap(), review.document().unwrap()]
}

fn builds() -> (Record, Record) {
    let head = fixture::records().swap_remove(0);
    let mut base = head.clone();
    base.case.baseline = true;
    base.case.id += "_baseline";
    (base, head)
}

#[test]
fn a_head_that_fails_is_worse_and_stands_first() {
    let (base, mut head) = builds();
    head.outcome = Outcome::Failed { stage: pocketwatt_protocol::Stage::Decode, message: "out of memory".into() };
    let [comment, summary, document] = texts(&base, &head);
    let mut lines = comment.lines();
    assert_eq!(lines.next(), Some("<!-- pocketwatt-ci board -->"));
    assert_eq!(lines.next(), Some("## PocketWatt: worse in 1 of 1 comparison"));
    assert!(comment.contains("failed while generating: out of memory"), "{comment}");
    assert!(comment.contains("beside base 0123456789ab:"), "{comment}");
    assert!(!summary.contains("<!--") && !summary.contains("<details>"), "{summary}");
    let document: serde_json::Value = serde_json::from_str(&document).unwrap();
    assert_eq!((&document["verdict"], &document["fails"]), (&"worse".into(), &true.into()));
}

#[test]
fn what_was_not_measured_is_told_and_undecided() {
    let (mut base, mut head) = builds();
    for record in [&mut base, &mut head] {
        record.outcome = Outcome::Skipped { reason: "no f16".into() };
    }
    let [comment, ..] = texts(&base, &head);
    assert!(comment.contains("## PocketWatt: nothing could be compared"), "{comment}");
    assert!(comment.contains("skipped in the base: no f16; skipped in the head: no f16"), "{comment}");
}

#[test]
fn hostile_names_are_text() {
    let (mut base, mut head) = builds();
    for record in [&mut base, &mut head] {
        record.case.scenario = HOSTILE.into();
        record.case.model = HOSTILE.into();
        record.passport.model.name = HOSTILE.into();
    }
    head.outcome = Outcome::Failed { stage: pocketwatt_protocol::Stage::Load, message: HOSTILE.into() };
    for text in texts(&base, &head).iter().take(2) {
        for active in ["<script>", " @everyone", "https://a", "\n# x", "\u{202e}", "\u{1b}", "[l](x)", " `x`"] {
            assert!(!text.contains(active), "{active:?} in {text}");
        }
        let ends = text.matches("-->").count();
        assert_eq!(ends, text.matches("<!--").count(), "{text}");
    }
}

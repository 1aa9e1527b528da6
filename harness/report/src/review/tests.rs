use pocketwatt_record::{MARGIN, MetricId, Outcome, Record, Run, SpeedMetric, StoredPair, judge};

use super::*;
use crate::{CalibrationUse, StoredComparison, cases::Results, fixture};

const METRICS: [(MetricId, f64); 2] =
    [(MetricId::Speed(SpeedMetric::DecodeThroughput), MARGIN), (MetricId::Speed(SpeedMetric::RequestLatency), MARGIN)];

/// Two builds of one case, as they ended.
fn comparison(base: &Record, head: &Record) -> StoredComparison {
    let origin = |record| pocketwatt_record::Origin { record, run: None };
    let mut pairs = vec![StoredPair::of(origin(base), origin(head), &METRICS).of_the_same_work()];
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

const HOSTILE: &str =
    "<script>alert(1)</script> | `x` @everyone #123 GH-45 a/b#6 fedcba98 https://a.b [l](x) \u{202e}\u{1b}[2J\n# x -->";

fn texts(base: &Record, head: &Record) -> [String; 3] {
    texts_of(base, head, &[], |_| {})
}

fn texts_of(base: &Record, head: &Record, unreached: &[String], change: impl Fn(&mut Run)) -> [String; 3] {
    written(base, head, [unreached, &[]], Consequence::FailsByRule(10), change)
}

fn written(
    base: &Record,
    head: &Record,
    [unreached, interrupted]: [&[String]; 2],
    consequence: Consequence,
    change: impl Fn(&mut Run),
) -> [String; 3] {
    let records = [base.clone(), head.clone()];
    let mut run = fixture::run(&records);
    change(&mut run);
    let builds =
        Builds { comparison: comparison(base, head), unreached: unreached.to_vec(), interrupted: interrupted.to_vec() };
    let results: (&[Record], &[pocketwatt_record::Damaged]) = (&records, &[]);
    let review = Review {
        key: "board",
        commit: Some(HOSTILE),
        merge_of: Some("abcdef0123456789"),
        base_commit: Some("0123456789abcdef"),
        run: &run,
        folder: std::path::Path::new("results/laptop/20261127-200000"),
        results: &results as &dyn Results,
        builds: &builds,
        rule: "--fail-on worse",
        consequence,
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
    assert!(comment.contains(" (the merge of abcdef012345) beside base 0123456789ab:"), "{comment}");
    assert!(!summary.contains("<!--") && !summary.contains("<details>"), "{summary}");
    // A job looks for this line.
    assert!(document.contains("\n  \"folder\": \"results/laptop/20261127-200000\",\n"), "{document}");
    let document: serde_json::Value = serde_json::from_str(&document).unwrap();
    assert_eq!((&document["verdict"], &document["fails"]), (&"worse".into(), &true.into()));
    assert_eq!(document["merge_of"], "abcdef0123456789");
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
        for active in [
            "<script>",
            "@everyone",
            "#123",
            "GH-45",
            "b#6",
            "fedcba98",
            "https://a",
            "\n# x",
            "\u{202e}",
            "\u{1b}",
            "[l](x)",
            " `x`",
        ] {
            assert!(!text.contains(active), "{active:?} in {text}");
        }
        let ends = text.matches("-->").count();
        assert_eq!(ends, text.matches("<!--").count(), "{text}");
    }
}

#[test]
fn imitated_numbers_say_so_before_any_number() {
    let (base, mut head) = builds();
    head.passport.emulated = Some("qemu".into());
    let texts = texts_of(&base, &head, &[], |run| run.energy.sysfs_root = Some("/tree".into()));
    for text in texts.iter().take(2) {
        let place = |words: &str| text.find(words).unwrap_or_else(|| panic!("{words:?} is not in {text}"));
        let first = place("Head ");
        assert!(place("emulated: the numbers say nothing") < first && place("Energy meters were simulated") < first);
    }
    let document: serde_json::Value = serde_json::from_str(&texts[2]).unwrap();
    assert_eq!(document["imitations"].as_array().unwrap().len(), 2);
    let plain = texts_of(&base, &base, &[], |_| {}).concat();
    assert!(!plain.contains("emulated:") && !plain.contains("simulated"), "{plain}");
}

#[test]
fn what_a_build_did_not_do_is_not_the_same() {
    let (base, head) = builds();
    let [comment, _, document] = texts_of(&base, &head, &["chat_tiny: the head has no record".into()], |_| {});
    assert!(comment.contains("- not measured: chat_tiny: the head has no record"), "{comment}");
    assert!(comment.contains("; cases that are in none of these: 1"), "{comment}");
    assert!(document.contains("\"verdict\": \"undecided\""), "{document}");
}

#[test]
fn what_was_stopped_is_named_before_any_number_and_the_job_says_how_it_ends() {
    let (base, head) = builds();
    let case = "chat_tiny: 3 of 30 blocks in the base, 2 of 30 in the head".to_owned();
    let texts = written(&base, &head, [&[], &[case]], Consequence::FailsIncomplete(4), |_| {});
    for text in texts.iter().take(2) {
        let place = |words: &str| text.find(words).unwrap_or_else(|| panic!("{words:?} is not in {text}"));
        assert!(place("**The run was interrupted: 1 case was stopped") < place("Head "));
        assert!(text.contains("- interrupted: chat_tiny: 3 of 30 blocks in the base, 2 of 30 in the head"), "{text}");
        assert!(text.contains("The job fails with status 4: not everything was measured and compared."), "{text}");
    }
    let document: serde_json::Value = serde_json::from_str(&texts[2]).unwrap();
    assert_eq!((&document["fails"], &document["status"]), (&true.into(), &4.into()));
    assert_eq!(document["interrupted"].as_array().unwrap().len(), 1);
    assert_ne!(document["verdict"], "same");
}

#[test]
fn the_status_that_is_written_is_the_one_of_the_job() {
    let (base, head) = builds();
    for (consequence, words, status) in [
        (Consequence::Passes, "The job does not fail, by ", 0),
        (Consequence::FailsByRule(10), "The job fails with status 10, by ", 10),
        (Consequence::FailsIncomplete(4), "The job fails with status 4: ", 4),
    ] {
        let [comment, _, document] = written(&base, &head, [&[], &[]], consequence, |_| {});
        assert!(comment.contains(words), "{comment}");
        let document: serde_json::Value = serde_json::from_str(&document).unwrap();
        assert_eq!((&document["fails"], &document["status"]), (&(status != 0).into(), &status.into()));
    }
}

#[test]
fn what_has_no_ratio_is_no_comparison() {
    let (mut base, mut head) = builds();
    for record in [&mut base, &mut head] {
        record.samples.iterations.truncate(2);
        pocketwatt_record::derive(record);
    }
    let [comment, ..] = texts(&base, &head);
    assert!(
        comment.contains("## PocketWatt: nothing could be compared") && comment.contains(" without a ratio"),
        "{comment}"
    );
}

#[test]
fn other_work_is_not_judged() {
    let (base, mut head) = builds();
    head.passport.model.weights_sha256 = "0".repeat(64);
    let [comment, _, document] = texts(&base, &head);
    assert!(comment.contains("## PocketWatt: nothing could be compared"), "{comment}");
    assert!(
        comment.contains(": not the same work: weights: ") && comment.contains("000000000000 in the head"),
        "{comment}"
    );
    assert!(document.contains("\"verdict\": \"undecided\""), "{document}");
}

#[test]
fn however_many_cases_there_are_the_answer_is_there() {
    let (base, mut head) = builds();
    head.outcome = Outcome::Failed { stage: pocketwatt_protocol::Stage::Load, message: "no memory ".repeat(20) };
    let mut comparison = comparison(&base, &head);
    comparison.pairs = vec![comparison.pairs[0].clone(); 3_000];
    for (place, pair) in comparison.pairs.iter_mut().enumerate() {
        if place < 4 {
            pair.candidate.model = "m".repeat(70_000);
        }
        if place % 2 == 1 {
            pair.baseline_outcome = pair.candidate_outcome.clone();
        }
    }
    let builds = Builds { comparison, unreached: vec!["chat: the base has no record".into()], interrupted: Vec::new() };
    let records = [base, head];
    let run = fixture::run(&records);
    let results: (&[Record], &[pocketwatt_record::Damaged]) = (&records, &[]);
    let review = Review {
        key: "board",
        commit: None,
        merge_of: None,
        base_commit: None,
        run: &run,
        folder: std::path::Path::new("results"),
        results: &results as &dyn Results,
        builds: &builds,
        rule: "--fail-on worse",
        consequence: Consequence::FailsByRule(10),
    };
    for (text, most) in [(review.comment().unwrap(), 60_000), (review.summary().unwrap(), 900_000)] {
        assert!(text.len() <= most, "{}", text.len());
        let rows = text.lines().filter(|line| line.starts_with("| ") && line.contains("failed")).count();
        assert!(rows >= 15, "{rows}");
        for part in [
            "## PocketWatt: worse in 1500 of 1500",
            "cases more: the verdict (JSON)",
            "**Not decided**",
            "- not measured: chat: the base has no record",
            "How sure this is",
            "| device |",
        ] {
            assert!(text.contains(part), "{part:?} is not in {}", &text[..3_000]);
        }
    }
}

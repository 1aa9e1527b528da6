use pocketwatt_protocol::{Iteration, IterationKind, MonotonicNs, StopReason, TokenId};

use super::*;
use crate::{CallAnswer, Record, energy::simulation::record};

fn answer(question: &str, turn: u32, worth: AnswerWorth) -> CallAnswer {
    CallAnswer { iteration: 0, turn, question: question.into(), category: "time".into(), worth }
}

fn call(intent: bool, structure: bool, complete_token: Option<u32>) -> AnswerWorth {
    AnswerWorth::Call { intent, structure, bfcl: None, complete_token }
}

fn judged(calls: Vec<CallAnswer>) -> Record {
    let mut record = record();
    let turn = TurnTrace {
        context_tokens: 0,
        prompt_tokens: 1,
        start: MonotonicNs(100),
        prefill_end: MonotonicNs(200),
        token_times: vec![MonotonicNs(201), MonotonicNs(300)],
        tokens: vec![TokenId(1), TokenId(2)],
        stop: StopReason::Length,
        grammar_ns: None,
    };
    record.samples.iterations = vec![Iteration {
        kind: IterationKind::Measured,
        conversation: 0,
        turns: vec![turn],
        cpu_ns: 1,
        kv_cache_bytes: 1,
    }];
    record.passport.model.seeded = false;
    record.calls = calls;
    record
}

fn observed(metric: CallMetric, record: &Record) -> Result<Vec<f64>, Absent> {
    let Case(observe) = metric.definition().observe else { panic!("{metric:?}") };
    observe(&Evidence::from(record))
}

#[test]
fn shares_count_each_question_once() {
    let record = judged(vec![
        answer("a", 0, call(true, true, Some(2))),
        answer("a", 1, call(true, false, Some(1))),
        answer("b", 0, call(false, false, None)),
        answer("a", 0, call(true, true, Some(2))),
        answer("b", 1, AnswerWorth::Words { rouge_1: 0.5, rouge_l: 0.25 }),
    ]);
    assert_eq!(observed(CallMetric::CallIntent, &record), Ok(vec![2.0 / 3.0]));
    assert_eq!(observed(CallMetric::CallStructure, &record), Ok(vec![1.0 / 3.0]));
    assert_eq!(observed(CallMetric::RougeL, &record), Ok(vec![0.25]));
    assert_eq!(
        call_counts(&Evidence::from(&record)),
        Ok(CallCounts { complete: 3, right: 2 }),
        "energy was spent on every one of them"
    );
}

#[test]
fn the_rule_of_bfcl_has_a_share_of_its_own() {
    let of_bfcl = |question: &str, right| {
        let worth = AnswerWorth::Call { intent: true, structure: false, bfcl: Some(right), complete_token: None };
        answer(question, 0, worth)
    };
    let record = judged(vec![of_bfcl("a", true), of_bfcl("b", true), of_bfcl("c", false), of_bfcl("d", true)]);
    assert_eq!(observed(CallMetric::CallBfcl, &record), Ok(vec![0.75]));
    assert_eq!(observed(CallMetric::CallStructure, &record), Ok(vec![0.0]));
    let own = judged(vec![answer("a", 0, call(true, true, None))]);
    assert_eq!(observed(CallMetric::CallBfcl, &own), Err(NotOfBfcl.into()));
    assert_eq!(observed(CallMetric::CallBfcl, &judged(Vec::new())), Err(NotAsked.into()));
}

#[test]
fn times_run_to_the_token_that_completes_the_call() {
    let record = judged(vec![answer("a", 0, call(true, true, Some(2)))]);
    assert_eq!(observed(CallMetric::TimeToCall, &record), Ok(vec![200.0]));
    assert_eq!(observed(CallMetric::TokensPerCall, &record), Ok(vec![2.0]));
}

#[test]
fn what_was_not_asked_or_means_nothing_has_no_number() {
    let none = judged(Vec::new());
    assert_eq!(observed(CallMetric::CallIntent, &none), Err(NotAsked.into()));
    assert_eq!(observed(CallMetric::TimeToCall, &none), Err(NotAsked.into()));
    assert_eq!(call_counts(&Evidence::from(&none)), Err(NotAsked.into()));
    let mut seeded = judged(vec![answer("a", 0, call(true, true, Some(1)))]);
    seeded.passport.model.seeded = true;
    assert_eq!(observed(CallMetric::CallStructure, &seeded), Err(SeededWeights.into()));
    assert!(observed(CallMetric::TimeToCall, &seeded).is_ok(), "time passes all the same");
}

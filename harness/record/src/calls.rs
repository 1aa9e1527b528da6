//! Answers that were asked to be calls of functions, each against what would have been right.

use std::{collections::BTreeSet, fmt};

use pocketwatt_protocol::{Iteration, IterationKind, TurnTrace};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Record;

/// One answer of a case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CallAnswer {
    /// The counted iteration in which it was given, from 0.
    pub iteration: u32,
    /// The turn of that iteration, from 0.
    pub turn: u32,
    /// Name of the question in its file.
    pub question: String,
    /// What the question is about.
    pub category: String,
    /// What it was worth.
    pub worth: AnswerWorth,
}

/// What an answer was worth.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "asked", rename_all = "kebab-case")]
pub enum AnswerWorth {
    /// A call was asked for.
    Call {
        /// Whether the right function was called, or rightly none.
        intent: bool,
        /// Whether function and all arguments are right.
        structure: bool,
        /// Whether the answer is right by the rule of BFCL's own checker; absent where the question is not of BFCL, and
        /// before format 1.5, where that rule stood in place of ours.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bfcl: Option<bool>,
        /// The output token, from 1, with which the call was complete; absent if there was none.
        complete_token: Option<u32>,
    },
    /// Words were asked for, and compared with a text.
    Words {
        /// F-measure of ROUGE-1.
        rouge_1: f64,
        /// F-measure of ROUGE-L.
        rouge_l: f64,
    },
}

/// Why answers are not judged. It is never because they are wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "why", rename_all = "kebab-case")]
pub enum Unjudged {
    /// A case is stored as soon as it is measured, and PocketWatt ended before it came to judging.
    NotYet,
    /// It was tried.
    Failed {
        /// The error in one line.
        reason: String,
    },
}

impl fmt::Display for Unjudged {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotYet => formatter.write_str("answers are not judged yet: `pocketwatt run --resume` judges them"),
            Self::Failed { reason } => write!(formatter, "answers are not judged: {reason}"),
        }
    }
}

const NOT_ASKED: &str = "no calls were asked for";

/// The observations of a metric of calls; nothing for a metric of something else.
pub(crate) fn observe(name: &str, record: &Record) -> Option<Result<Vec<f64>, String>> {
    let share = |right: fn(&AnswerWorth) -> Option<bool>| {
        let judged: Vec<f64> = once(record).filter_map(right).map(|right| f64::from(u8::from(right))).collect();
        if judged.is_empty() { Err(none(record)) } else { Ok(vec![judged.iter().sum::<f64>() / judged.len() as f64]) }
    };
    let values = |value: fn(&AnswerWorth) -> Option<f64>| {
        let values: Vec<f64> = once(record).filter_map(value).collect();
        match &record.unjudged {
            Some(unjudged) => Err(unjudged.to_string()),
            None if values.is_empty() => Err("no words were asked for".to_owned()),
            None => Ok(values),
        }
    };
    let observed = match name {
        "call_intent" => share(|worth| match worth {
            AnswerWorth::Call { intent, .. } => Some(*intent),
            AnswerWorth::Words { .. } => None,
        }),
        "call_structure" => share(|worth| match worth {
            AnswerWorth::Call { structure, .. } => Some(*structure),
            AnswerWorth::Words { .. } => None,
        }),
        "call_bfcl" => match share(|worth| match worth {
            AnswerWorth::Call { bfcl, .. } => *bfcl,
            AnswerWorth::Words { .. } => None,
        }) {
            Err(_) if !record.calls.is_empty() => Err("no question is of BFCL".into()),
            observed => observed,
        },
        "rouge_1" => values(|worth| match worth {
            AnswerWorth::Words { rouge_1, .. } => Some(*rouge_1),
            AnswerWorth::Call { .. } => None,
        }),
        "rouge_l" => values(|worth| match worth {
            AnswerWorth::Words { rouge_l, .. } => Some(*rouge_l),
            AnswerWorth::Call { .. } => None,
        }),
        "time_to_call" => {
            complete(record, |turn, token| Some(turn.token_times.get(token as usize - 1)?.since(turn.start) as f64))
        }
        "tokens_per_call" => complete(record, |_, token| Some(f64::from(token))),
        "grammar_time" => grammar_times(record),
        _ => return None,
    };
    const OF_TRAINED: [&str; 5] = ["call_intent", "call_structure", "call_bfcl", "rouge_1", "rouge_l"];
    let means_nothing = record.passport.model.seeded && OF_TRAINED.contains(&name);
    Some(if means_nothing && observed.is_ok() { Err("not applicable to seeded weights".into()) } else { observed })
}

/// For each answer that was kept to a grammar, nanoseconds of a token.
fn grammar_times(record: &Record) -> Result<Vec<f64>, String> {
    let counted = record.samples.iterations.iter().filter(|iteration| iteration.kind == IterationKind::Measured);
    let times: Vec<f64> = counted
        .flat_map(|iteration| &iteration.turns)
        .filter_map(|turn| Some(turn.grammar_ns? as f64 / turn.tokens.len().max(1) as f64))
        .collect();
    if times.is_empty() { Err("answers are not kept to a grammar".into()) } else { Ok(times) }
}

/// Calls that were complete, and those that were right, in all counted iterations; or why nobody knows.
pub(crate) fn counts(record: &Record) -> Result<(u64, u64), String> {
    if record.calls.is_empty() {
        return Err(none(record));
    }
    let mut counts = (0, 0);
    for answer in &record.calls {
        if let AnswerWorth::Call { structure, complete_token, .. } = answer.worth {
            counts.0 += u64::from(complete_token.is_some());
            counts.1 += u64::from(structure);
        }
    }
    Ok(counts)
}

/// Why a record has no judged calls.
fn none(record: &Record) -> String {
    record.unjudged.as_ref().map_or_else(|| NOT_ASKED.to_owned(), Unjudged::to_string)
}

/// Each question's answer once: the same question asked again is answered the same, and is no further evidence.
pub fn distinct_answers(record: &Record) -> impl Iterator<Item = &CallAnswer> {
    let mut known = BTreeSet::new();
    record.calls.iter().filter(move |answer| known.insert((answer.question.as_str(), answer.turn)))
}

fn once(record: &Record) -> impl Iterator<Item = &AnswerWorth> {
    distinct_answers(record).map(|answer| &answer.worth)
}

fn complete(record: &Record, value: impl Fn(&TurnTrace, u32) -> Option<f64>) -> Result<Vec<f64>, String> {
    if record.calls.is_empty() {
        return Err(none(record));
    }
    let measured: Vec<&Iteration> =
        record.samples.iterations.iter().filter(|iteration| iteration.kind == IterationKind::Measured).collect();
    let values: Vec<f64> = record
        .calls
        .iter()
        .filter_map(|answer| {
            let AnswerWorth::Call { complete_token: Some(token @ 1..), .. } = answer.worth else { return None };
            value(measured.get(answer.iteration as usize)?.turns.get(answer.turn as usize)?, token)
        })
        .collect();
    if values.is_empty() { Err("no call was complete".into()) } else { Ok(values) }
}

#[cfg(test)]
mod tests {
    use pocketwatt_protocol::{MonotonicNs, StopReason, TokenId};

    use super::*;
    use crate::energy::simulation::record;

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

    fn observed(name: &str, record: &Record) -> Result<Vec<f64>, String> {
        observe(name, record).unwrap()
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
        assert_eq!(observed("call_intent", &record), Ok(vec![2.0 / 3.0]));
        assert_eq!(observed("call_structure", &record), Ok(vec![1.0 / 3.0]));
        assert_eq!(observed("rouge_l", &record), Ok(vec![0.25]));
        assert_eq!(counts(&record), Ok((3, 2)), "energy was spent on every one of them");
    }

    #[test]
    fn the_rule_of_bfcl_has_a_share_of_its_own() {
        let of_bfcl = |question: &str, right| {
            let worth = AnswerWorth::Call { intent: true, structure: false, bfcl: Some(right), complete_token: None };
            answer(question, 0, worth)
        };
        let record = judged(vec![of_bfcl("a", true), of_bfcl("b", true), of_bfcl("c", false), of_bfcl("d", true)]);
        assert_eq!(observed("call_bfcl", &record), Ok(vec![0.75]));
        assert_eq!(observed("call_structure", &record), Ok(vec![0.0]));
        let own = judged(vec![answer("a", 0, call(true, true, None))]);
        assert_eq!(observed("call_bfcl", &own), Err("no question is of BFCL".into()));
        assert_eq!(observed("call_bfcl", &judged(Vec::new())), Err(NOT_ASKED.into()));
    }

    #[test]
    fn times_run_to_the_token_that_completes_the_call() {
        let record = judged(vec![answer("a", 0, call(true, true, Some(2)))]);
        assert_eq!(observed("time_to_call", &record), Ok(vec![200.0]));
        assert_eq!(observed("tokens_per_call", &record), Ok(vec![2.0]));
    }

    #[test]
    fn what_was_not_asked_or_means_nothing_has_no_number() {
        let none = judged(Vec::new());
        assert_eq!(observed("call_intent", &none), Err(NOT_ASKED.into()));
        assert_eq!(observed("time_to_call", &none), Err(NOT_ASKED.into()));
        assert_eq!(counts(&none), Err(NOT_ASKED.into()));
        let mut seeded = judged(vec![answer("a", 0, call(true, true, Some(1)))]);
        seeded.passport.model.seeded = true;
        assert_eq!(observed("call_structure", &seeded), Err("not applicable to seeded weights".into()));
        assert!(observed("time_to_call", &seeded).is_ok(), "time passes all the same");
        assert!(observe("decode_throughput", &seeded).is_none());
    }
}

//! Answers that were asked to be calls of functions, each against what would have been right.

use std::collections::BTreeSet;

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

const NOT_ASKED: &str = "no calls were asked for";

/// The observations of a metric of calls; nothing for a metric of something else.
pub(crate) fn observe(name: &str, record: &Record) -> Option<Result<Vec<f64>, String>> {
    let share = |right: fn(&AnswerWorth) -> Option<bool>| {
        let judged: Vec<f64> = once(record).filter_map(right).map(|right| f64::from(u8::from(right))).collect();
        if judged.is_empty() {
            Err(NOT_ASKED.to_owned())
        } else {
            Ok(vec![judged.iter().sum::<f64>() / judged.len() as f64])
        }
    };
    let values = |value: fn(&AnswerWorth) -> Option<f64>| {
        let values: Vec<f64> = once(record).filter_map(value).collect();
        if values.is_empty() { Err("no words were asked for".to_owned()) } else { Ok(values) }
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
        _ => return None,
    };
    let means_nothing =
        record.passport.model.seeded && ["call_intent", "call_structure", "rouge_1", "rouge_l"].contains(&name);
    Some(if means_nothing && observed.is_ok() { Err("not applicable to seeded weights".into()) } else { observed })
}

/// Calls that were complete, and those that were right, in all counted iterations.
pub(crate) fn counts(record: &Record) -> Option<(u64, u64)> {
    if record.calls.is_empty() {
        return None;
    }
    let mut counts = (0, 0);
    for answer in &record.calls {
        if let AnswerWorth::Call { structure, complete_token, .. } = answer.worth {
            counts.0 += u64::from(complete_token.is_some());
            counts.1 += u64::from(structure);
        }
    }
    Some(counts)
}

/// Each question's answer once: the same question asked again is answered the same, and is no further evidence.
fn once(record: &Record) -> impl Iterator<Item = &AnswerWorth> {
    let mut known = BTreeSet::new();
    record
        .calls
        .iter()
        .filter(move |answer| known.insert((answer.question.as_str(), answer.turn)))
        .map(|answer| &answer.worth)
}

fn complete(record: &Record, value: impl Fn(&TurnTrace, u32) -> Option<f64>) -> Result<Vec<f64>, String> {
    if record.calls.is_empty() {
        return Err(NOT_ASKED.into());
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

//! Whether answers are right, and what a function call costs.

use pocketwatt_protocol::{Iteration, TurnTrace};

use super::{
    definition::{
        Observations,
        Observe::{Case, Iterations},
        metrics,
    },
    observations::some,
};
use crate::{
    Absent,
    AbsentKind::{self, NoCompleteCall, NoWordsAsked, NotAsked, NotConstrained, NotJudged, NotOfBfcl, SeededWeights},
    AnswerWorth, Evidence, Passport, distinct_answers,
};

metrics! {
    /// Whether answers are right calls of functions, and what a call costs.
    CallMetric {
        CallIntent = "call_intent" {
            label: "right function (EM_intent)",
            unit: Fraction,
            direction: HigherIsBetter,
            observation: "all questions",
            formula: "answers that call the right function, or rightly none / questions for a call",
            observe: Case(|case| share(case, AnswerWorth::intent)),
        }
        CallStructure = "call_structure" {
            label: "right call (EM_structure)",
            unit: Fraction,
            direction: HigherIsBetter,
            observation: "all questions",
            formula: "answers whose function and arguments are all right / questions for a call",
            observe: Case(|case| share(case, AnswerWorth::structure)),
        }
        CallBfcl = "call_bfcl" {
            label: "right call (BFCL)",
            unit: Fraction,
            direction: HigherIsBetter,
            observation: "all questions",
            formula: "answers that are right by the rule of BFCL's own checker / questions of BFCL",
            observe: Case(share_of_bfcl),
        }
        Rouge1 = "rouge_1" {
            label: "ROUGE-1 of the words",
            unit: One,
            direction: HigherIsBetter,
            observation: "a question for words",
            formula: "F-measure of ROUGE-1 (Lin 2004) against the text that would be right",
            observe: Case(|case| words(case, AnswerWorth::rouge_1)),
        }
        RougeL = "rouge_l" {
            label: "ROUGE-L of the words",
            unit: One,
            direction: HigherIsBetter,
            observation: "a question for words",
            formula: "F-measure of ROUGE-L (Lin 2004) against the text that would be right",
            observe: Case(|case| words(case, AnswerWorth::rouge_l)),
        }
        TimeToCall = "time_to_call" {
            label: "time to a complete call",
            unit: Nanoseconds,
            direction: LowerIsBetter,
            observation: "a complete call",
            formula: "token_times[the token that completes the call] - start",
            observe: Case(|case| complete(case, time_to_token)),
        }
        TokensPerCall = "tokens_per_call" {
            label: "tokens of a call",
            unit: One,
            direction: LowerIsBetter,
            observation: "a complete call",
            formula: "output tokens up to the one that completes the call",
            observe: Case(|case| complete(case, |_, token| Some(f64::from(token)))),
        }
        GrammarTime = "grammar_time" {
            label: "keeping to the grammar",
            unit: Nanoseconds,
            direction: LowerIsBetter,
            observation: "an answer that is kept to a grammar",
            formula: "grammar_ns / output tokens: part of their latency",
            observe: Iterations(grammar_times),
        }
    }
}

/// The share of right answers. The text of seeded weights means nothing.
fn share(case: &Evidence<'_>, right: fn(&AnswerWorth) -> Option<bool>) -> Observations {
    let judged: Vec<f64> = once(case).filter_map(right).map(|right| f64::from(u8::from(right))).collect();
    if judged.is_empty() {
        return Err(not_judged(case, NotAsked));
    }
    of_trained(case, vec![judged.iter().sum::<f64>() / judged.len() as f64])
}

fn share_of_bfcl(case: &Evidence<'_>) -> Observations {
    let is_of_bfcl = once(case).any(|worth| worth.bfcl().is_some());
    if !case.calls.is_empty() && !is_of_bfcl { Err(NotOfBfcl.into()) } else { share(case, AnswerWorth::bfcl) }
}

fn words(case: &Evidence<'_>, value: fn(&AnswerWorth) -> Option<f64>) -> Observations {
    let values: Vec<f64> = once(case).filter_map(value).collect();
    if case.unjudged.is_some() || values.is_empty() {
        return Err(not_judged(case, NoWordsAsked));
    }
    of_trained(case, values)
}

fn of_trained(case: &Evidence<'_>, values: Vec<f64>) -> Observations {
    if case.passport.model.seeded { Err(SeededWeights.into()) } else { Ok(values) }
}

/// Each question's answer once.
fn once<'a>(case: &Evidence<'a>) -> impl Iterator<Item = &'a AnswerWorth> {
    distinct_answers(case.calls).map(|answer| &answer.worth)
}

/// Why there are no judged answers: either they were not judged, or none were requested.
fn not_judged(case: &Evidence<'_>, not_asked: AbsentKind) -> Absent {
    case.unjudged.map_or_else(|| not_asked.into(), |unjudged| Absent::new(NotJudged, unjudged.to_string()))
}

fn time_to_token(turn: &TurnTrace, token: u32) -> Option<f64> {
    Some(turn.token_times.get(token as usize - 1)?.since(turn.start) as f64)
}

/// A value for each complete call, from its turn and the token that completes it, counted from 1.
fn complete(case: &Evidence<'_>, value: fn(&TurnTrace, u32) -> Option<f64>) -> Observations {
    if case.calls.is_empty() {
        return Err(not_judged(case, NotAsked));
    }
    let counted: Vec<&Iteration> = case.samples.counted().collect();
    let values = case.calls.iter().filter_map(|answer| {
        let AnswerWorth::Call { complete_token: Some(token @ 1..), .. } = answer.worth else { return None };
        value(counted.get(answer.iteration as usize)?.turns.get(answer.turn as usize)?, token)
    });
    some(values, NoCompleteCall)
}

/// Nanoseconds of grammar work for each token, for each constrained answer.
fn grammar_times(_: &Passport, iterations: &[&Iteration]) -> Observations {
    let turns = iterations.iter().flat_map(|iteration| &iteration.turns);
    let times = turns.filter_map(|turn| Some(turn.grammar_ns? as f64 / turn.tokens.len().max(1) as f64));
    some(times, NotConstrained)
}

/// Calls in all counted iterations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CallCounts {
    /// The complete ones.
    pub complete: u64,
    /// The right ones.
    pub right: u64,
}

/// # Errors
/// Why it is unknown.
pub(crate) fn call_counts(case: &Evidence<'_>) -> Result<CallCounts, Absent> {
    if case.calls.is_empty() {
        return Err(not_judged(case, NotAsked));
    }
    let mut counts = CallCounts { complete: 0, right: 0 };
    for answer in case.calls {
        if let AnswerWorth::Call { structure, complete_token, .. } = answer.worth {
            counts.complete += u64::from(complete_token.is_some());
            counts.right += u64::from(structure);
        }
    }
    Ok(counts)
}

#[cfg(test)]
mod tests;

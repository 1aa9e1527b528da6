//! What the answers of a case were worth, where they should have been calls.

use pocketwatt_dataset::{
    CallCase, CallMessage, ExpectedAnswer, Reply, intent_matches, parse_call, rouge_l, rouge_n, structure_matches,
};
use pocketwatt_model::TextTokenizer;
use pocketwatt_protocol::{Iteration, IterationKind, TokenId, TurnTrace};
use pocketwatt_record::{AnswerWorth, CallAnswer, Record};

use crate::plan::{Items, Prepared, Scenario};

/// Judges every answer of a record's counted iterations; none where the scenario does not ask for calls.
pub fn judge(record: &Record, scenario: &Scenario, prepared: &Prepared, tokenizer: &TextTokenizer) -> Vec<CallAnswer> {
    let Some(Items::Calls(cases)) = scenario.data().map(|data| &data.items) else { return Vec::new() };
    let measured = record.samples.iterations.iter().filter(|iteration| iteration.kind == IterationKind::Measured);
    let judged = measured.enumerate().filter_map(|(number, iteration)| {
        let source = *prepared.sources.get(iteration.conversation as usize)?;
        let (_, case) = cases.get(source)?;
        Some(answers(number as u32, case, iteration, tokenizer))
    });
    judged.flatten().collect()
}

fn answers(number: u32, case: &CallCase, iteration: &Iteration, tokenizer: &TextTokenizer) -> Vec<CallAnswer> {
    case.messages()
        .iter()
        .zip(&iteration.turns)
        .enumerate()
        .filter_map(|(turn, (message, trace))| {
            Some(CallAnswer {
                iteration: number,
                turn: turn as u32,
                question: case.id.clone(),
                category: case.category.clone(),
                worth: worth(case, message, trace, tokenizer)?,
            })
        })
        .collect()
}

fn worth(case: &CallCase, message: &CallMessage, trace: &TurnTrace, tokenizer: &TextTokenizer) -> Option<AnswerWorth> {
    let turn = case.turns.get(message.turn)?;
    let text = tokenizer.decode(&trace.tokens).unwrap_or_default();
    match message.reply {
        Reply::Call => Some(call(&turn.expected, &text, &trace.tokens, tokenizer)),
        Reply::Words => {
            let right = turn.agent.as_deref()?;
            Some(AnswerWorth::Words {
                rouge_1: rouge_n(right, &text, 1).f_measure,
                rouge_l: rouge_l(right, &text).f_measure,
            })
        }
    }
}

fn call(expected: &ExpectedAnswer, text: &str, tokens: &[TokenId], tokenizer: &TextTokenizer) -> AnswerWorth {
    let parsed = parse_call(text).ok();
    let complete_token = parsed.as_ref().and_then(|parsed| {
        // The first token with which the call stands there as it does in the end: before, it may end early, as in `f(x=1`.
        (1..=tokens.len()).find(|&count| {
            let so_far = tokenizer.decode(&tokens[..count]).ok();
            so_far.and_then(|text| parse_call(&text).ok()).is_some_and(|found| found.call == parsed.call)
        })
    });
    AnswerWorth::Call {
        intent: intent_matches(expected, parsed.as_ref()),
        structure: structure_matches(expected, parsed.as_ref()),
        complete_token: complete_token.map(|count| count as u32),
    }
}

//! Judges the answers of a case that should have been calls.

use pocketwatt_dataset::{
    CallCase, CallMessage, ExpectedAnswer, Reply, bfcl_matches, intent_matches, parse_call, rouge_l, rouge_n,
    structure_matches,
};
use pocketwatt_model::{ModelError, TextTokenizer};
use pocketwatt_protocol::{Iteration, TokenId, TurnTrace};
use pocketwatt_record::{AnswerWorth, CallAnswer, Record};
use pocketwatt_scenario::{Items, Scenario};

use crate::plan::PreparedScenario;

/// Judges every answer of a record's counted iterations; none where the scenario does not ask for calls.
///
/// # Errors
/// When the tokenizer cannot decode an answer; such an answer does not count as wrong.
pub fn judge(
    record: &Record,
    scenario: &Scenario,
    prepared: &PreparedScenario,
    tokenizer: &TextTokenizer,
) -> Result<Vec<CallAnswer>, ModelError> {
    let Some(Items::Calls(cases)) = scenario.data().map(|data| &data.items) else { return Ok(Vec::new()) };
    let judged = record.samples.counted().enumerate().filter_map(|(number, iteration)| {
        let source = *prepared.sources.get(iteration.conversation as usize)?;
        let (_, case) = cases.get(source)?;
        Some(answers(number as u32, case, iteration, tokenizer))
    });
    Ok(judged.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

fn answers(
    number: u32,
    case: &CallCase,
    iteration: &Iteration,
    tokenizer: &TextTokenizer,
) -> Result<Vec<CallAnswer>, ModelError> {
    let mut answers = Vec::new();
    for (turn, (message, trace)) in case.messages().iter().zip(&iteration.turns).enumerate() {
        let Some(worth) = worth(case, message, trace, tokenizer)? else { continue };
        answers.push(CallAnswer {
            iteration: number,
            turn: turn as u32,
            question: case.id.clone(),
            category: case.category.clone(),
            worth,
        });
    }
    Ok(answers)
}

/// `None` where the right answer is unknown.
fn worth(
    case: &CallCase,
    message: &CallMessage,
    trace: &TurnTrace,
    tokenizer: &TextTokenizer,
) -> Result<Option<AnswerWorth>, ModelError> {
    let Some(turn) = case.turns.get(message.turn) else { return Ok(None) };
    let text = tokenizer.decode(&trace.tokens)?;
    Ok(match message.reply {
        Reply::Call => Some(call(&turn.expected, &text, &trace.tokens, tokenizer)?),
        Reply::Words => turn.agent.as_deref().map(|right| AnswerWorth::Words {
            rouge_1: rouge_n(right, &text, 1).f_measure,
            rouge_l: rouge_l(right, &text).f_measure,
        }),
    })
}

fn call(
    expected: &ExpectedAnswer,
    text: &str,
    tokens: &[TokenId],
    tokenizer: &TextTokenizer,
) -> Result<AnswerWorth, ModelError> {
    let parsed = parse_call(text).ok();
    let mut complete_token = None;
    if let Some(parsed) = &parsed {
        // The first token at which the call is parsed as in the whole answer: before that, it may be cut, as in `f(x=1`.
        for (before, so_far) in tokenizer.decode_prefixes(tokens).enumerate() {
            if parse_call(&so_far?).is_ok_and(|found| found.call == parsed.call) {
                complete_token = Some(before as u32 + 1);
                break;
            }
        }
    }
    Ok(AnswerWorth::Call {
        intent: intent_matches(expected, parsed.as_ref()),
        structure: structure_matches(expected, parsed.as_ref()),
        bfcl: bfcl_matches(expected, parsed.as_ref()),
        complete_token,
    })
}

//! `question.jsonl` of MT-Bench and of the benchmarks that adopted its format. Categories and reference answers are
//! dropped.

use serde_json::Value;

use super::{
    UserTurn,
    dialogue::Dialogue,
    field::{Object, identifier, list, required, text},
    message,
    row::Draft,
};

pub(super) fn read(row: &Object) -> Result<Draft, String> {
    let id = identifier(required(row, "question_id")?, "question_id")?;
    let turns = list(required(row, "turns")?, "turns")?;
    // Benchmarks that adopted the format have messages there.
    if turns.iter().all(Value::is_object) {
        let (system, turns) = message::transcript(row, "turns", Dialogue::default())?;
        return Ok(Draft { id: Some(id), system, turns });
    }
    let turns = turns.iter().enumerate();
    let turns = turns
        .map(|(index, value)| Ok(UserTurn { user: text(value, &format!("turns[{index}]"))?, output_tokens: None }));
    Ok(Draft { id: Some(id), system: None, turns: turns.collect::<Result<_, String>>()? })
}

//! Our own format.

use serde_json::Value;

use super::{
    UserTurn,
    field::{Object, list, not_blank, object, present, required, shown, string, text, tokens},
    row::Draft,
};

const KEYS: [&str; 5] = ["id", "summary", "system", "output-tokens", "turns"];
const TURN_KEYS: [&str; 2] = ["user", "output-tokens"];

pub(super) fn read(row: &Object) -> Result<Draft, String> {
    known_keys(row, &KEYS)?;
    let optional_text = |key| row.get(key).map(|value| text(value, key)).transpose();
    let id = text(required(row, "id")?, "id")?;
    // Meant for readers of the file.
    optional_text("summary")?;
    let system = present(row, "system").map(|system| string(system, "system")).transpose()?;
    let system = not_blank(system).map(str::to_owned);
    let output_tokens = output_tokens(row)?;
    let turns = list(required(row, "turns")?, "turns")?.iter().enumerate();
    let turns = turns.map(|(index, value)| turn(value, &format!("turns[{index}]"), output_tokens));
    Ok(Draft { id: Some(id), system, turns: turns.collect::<Result<_, _>>()? })
}

fn turn(value: &Value, name: &str, usual: Option<u32>) -> Result<UserTurn, String> {
    if value.is_string() {
        return Ok(UserTurn { user: text(value, name)?, output_tokens: usual });
    }
    let within = |reason: String| format!("{name}: {reason}");
    let turn = object(value, name).map_err(|reason| format!("{reason} or text"))?;
    known_keys(turn, &TURN_KEYS).map_err(within)?;
    let user = required(turn, "user").and_then(|user| text(user, "user")).map_err(within)?;
    Ok(UserTurn { user, output_tokens: output_tokens(turn).map_err(within)?.or(usual) })
}

fn output_tokens(object: &Object) -> Result<Option<u32>, String> {
    object.get("output-tokens").map(|value| tokens(value, "output-tokens")).transpose()
}

fn known_keys(object: &Object, known: &[&str]) -> Result<(), String> {
    match object.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(format!("{} is not one of its keys, which are `{}`", shown(key), known.join("`, `"))),
        None => Ok(()),
    }
}

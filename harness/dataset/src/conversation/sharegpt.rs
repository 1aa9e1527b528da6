//! Conversations in the format of ShareGPT, which many data sets have adopted.

use serde_json::Value;

use super::{
    dialogue::{CALLS, Dialogue, Message, no_calls},
    field::{Object, identifier, not_blank, present, required, shown, string, text},
    message,
    row::Draft,
};

pub(super) fn read(row: &Object) -> Result<Draft, String> {
    no_calls(row, &["tools"])?;
    if let Some(key) = ["image", "images"].into_iter().find(|key| present(row, key).is_some()) {
        return Err(format!("it has `{key}`: only text is supported"));
    }
    let id = present(row, "id").map(|id| identifier(id, "id")).transpose()?;
    // In most rows of files with this key it is empty.
    let system = present(row, "system").map(|system| string(system, "system")).transpose()?;
    let system = not_blank(system).map(str::to_owned);
    let (system, turns) = message::transcript(row, "conversations", Dialogue::new(system))?;
    Ok(Draft { id, system, turns })
}

pub(super) fn read_message(message: &Object) -> Result<Message, String> {
    let from = string(required(message, "from")?, "from")?;
    let value = required(message, "value")?;
    match (from, value) {
        ("system", Value::Null) => return Ok(Message::System(String::new())),
        ("system", value) => return Ok(Message::System(string(value, "value")?.to_owned())),
        _ => {}
    }
    // An empty answer indicates a transcript that was cut.
    let value = text(value, "value")?;
    match from {
        "human" | "user" => Ok(Message::User(value)),
        // Published files also contain ends of conversations, which begin with an answer.
        "gpt" | "chatgpt" | "assistant" | "bing" | "bard" => Ok(Message::Assistant),
        from @ ("function_call" | "observation" | "tool") => Err(format!("`from` is {from:?}: {CALLS}")),
        from => {
            Err(format!("`from` is {}, not human, user, gpt, chatgpt, assistant, bing, bard or system", shown(from)))
        }
    }
}

//! Chat messages as in OpenAI's interface and in files for fine-tuning chat models.

use serde_json::Value;

use super::{
    dialogue::{CALLS, Dialogue, Message, no_calls},
    field::{Object, identifier, list, object, present, required, shown, string, text},
    message,
    row::Draft,
};

/// Separates the parts of one message.
const BETWEEN_PARTS: &str = "\n";

pub(super) fn read(row: &Object) -> Result<Draft, String> {
    no_calls(row, &["tools", "functions"])?;
    let id = present(row, "id").map(|id| identifier(id, "id")).transpose()?;
    let (system, turns) = message::transcript(row, "messages", Dialogue::default())?;
    Ok(Draft { id, system, turns })
}

pub(super) fn read_message(message: &Object) -> Result<Message, String> {
    no_calls(message, &["tool_calls", "function_call"])?;
    match string(required(message, "role")?, "role")? {
        // Newer models of OpenAI use this name.
        "system" | "developer" => {
            Ok(Message::System(if says_nothing(message) { String::new() } else { content(message)? }))
        }
        "user" => Ok(Message::User(content(message)?)),
        "assistant" => Ok(Message::Assistant),
        role @ ("tool" | "function") => Err(format!("`role` is {role:?}: {CALLS}")),
        role => Err(format!("`role` is {}, not system, developer, user or assistant", shown(role))),
    }
}

fn says_nothing(message: &Object) -> bool {
    match message.get("content") {
        Some(Value::Array(parts)) => parts.iter().all(|part| {
            part.get("type").and_then(Value::as_str) == Some("text") && part.get("text").is_some_and(is_empty)
        }),
        Some(content) => is_empty(content),
        None => false,
    }
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty())
}

/// Text, or a list of parts.
fn content(message: &Object) -> Result<String, String> {
    let content = required(message, "content")?;
    if content.is_string() {
        return text(content, "content");
    }
    let parts = list(content, "content").map_err(|reason| match content {
        Value::Array(_) => reason,
        _ => format!("{reason} or text"),
    })?;
    let parts = parts.iter().enumerate().map(|(index, part)| {
        let name = format!("content[{index}]");
        let part = object(part, &name)?;
        match required(part, "type").and_then(|kind| string(kind, "type")) {
            Ok("text") => required(part, "text").and_then(|value| text(value, "text")),
            Ok(kind) => Err(format!("`type` is {}: only text is supported, no images, sound or files", shown(kind))),
            Err(reason) => Err(reason),
        }
        .map_err(|reason| format!("{name}: {reason}"))
    });
    Ok(parts.collect::<Result<Vec<_>, _>>()?.join(BETWEEN_PARTS))
}

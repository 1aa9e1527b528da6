//! Reduces a transcript to what the user says.

use serde_json::Value;

use super::{
    UserTurn,
    field::{Object, present},
};

/// Functions are refused, because their descriptions are a part of the prompt, and a function's answer does not come from the
/// user.
pub(super) const CALLS: &str = "function calls are not supported in a conversation";

/// Separates messages that a user sent one after the other.
const BETWEEN_MESSAGES: &str = "\n\n";

/// One message of a transcript.
pub(super) enum Message {
    /// The system prompt; many files have an empty one, which counts as none.
    System(String),
    User(String),
    /// A greeting or an answer of another model; it is dropped.
    Assistant,
}

/// The user's side of a transcript.
#[derive(Default)]
pub(super) struct Dialogue {
    pub(super) system: Option<String>,
    turns: Vec<UserTurn>,
    user_spoke_last: bool,
    is_begun: bool,
}

impl Dialogue {
    /// A dialogue whose system prompt is given separately.
    pub(super) fn new(system: Option<String>) -> Self {
        Self { system, ..Self::default() }
    }

    /// Adds the next message. An error does not name the message.
    pub(super) fn add(&mut self, message: Message) -> Result<(), String> {
        if matches!(&message, Message::System(text) if text.trim().is_empty()) {
            return Ok(());
        }
        let user_spoke_last = matches!(message, Message::User(_));
        match message {
            Message::System(_) if self.is_begun => {
                return Err("a system message that is not the first is not supported: remove it".to_owned());
            }
            Message::System(_) if self.system.is_some() => {
                return Err("a second system message, beside the key `system`: remove one".to_owned());
            }
            Message::System(text) => self.system = Some(text),
            // The model answers once, after all of the user's messages.
            Message::User(text) => match self.turns.last_mut() {
                Some(turn) if self.user_spoke_last => {
                    turn.user.push_str(BETWEEN_MESSAGES);
                    turn.user.push_str(&text);
                }
                _ => self.turns.push(UserTurn { user: text, output_tokens: None }),
            },
            Message::Assistant => {}
        }
        self.is_begun = true;
        self.user_spoke_last = user_spoke_last;
        Ok(())
    }

    /// The system prompt and the user's turns.
    pub(super) fn finish(self, key: &str) -> Result<(Option<String>, Vec<UserTurn>), String> {
        if self.turns.is_empty() {
            return Err(format!("`{key}` has no message of a user"));
        }
        Ok((self.system, self.turns))
    }
}

/// Refuses objects in which one of these keys is not empty.
pub(super) fn no_calls(object: &Object, keys: &[&str]) -> Result<(), String> {
    let is_empty = |value: &Value| match value {
        Value::Array(list) => list.is_empty(),
        // Some data sets store their lists as text.
        Value::String(text) => matches!(text.trim(), "" | "[]"),
        _ => false,
    };
    match keys.iter().find(|key| present(object, key).is_some_and(|value| !is_empty(value))) {
        Some(key) => Err(format!("it has `{key}`: {CALLS}")),
        None => Ok(()),
    }
}

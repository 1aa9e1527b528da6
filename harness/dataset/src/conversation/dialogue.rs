//! From what everybody said to what the user says.

use serde_json::Value;

use super::{
    UserTurn,
    field::{Object, present},
};

/// Why functions are refused: their descriptions are a part of the prompt, and what a function answers is not said by a
/// user.
pub(super) const CALLS: &str = "calls of functions cannot be fed as a conversation";

/// Stands between messages that a user sent one after the other.
const BETWEEN_MESSAGES: &str = "\n\n";

/// One message of a transcript.
pub(super) enum Message {
    /// What a model is told before everything else; many files have an empty one, which says nothing.
    System(String),
    User(String),
    /// What another model answered, or how it greeted: dropped.
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
    /// One whose system prompt stands elsewhere.
    pub(super) fn new(system: Option<String>) -> Self {
        Self { system, ..Self::default() }
    }

    /// Adds the next message. What is wrong with it does not name it.
    pub(super) fn add(&mut self, message: Message) -> Result<(), String> {
        if matches!(&message, Message::System(text) if text.trim().is_empty()) {
            return Ok(());
        }
        let user_spoke_last = matches!(message, Message::User(_));
        match message {
            Message::System(_) if self.is_begun => {
                return Err("a system message that is not the first cannot be fed: remove it".to_owned());
            }
            Message::System(_) if self.system.is_some() => {
                return Err("a second system message, beside the key `system`: remove one".to_owned());
            }
            Message::System(text) => self.system = Some(text),
            // The model answers once, when the user has said everything.
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

    /// The system prompt, and what the user says.
    pub(super) fn finish(self, key: &str) -> Result<(Option<String>, Vec<UserTurn>), String> {
        if self.turns.is_empty() {
            return Err(format!("`{key}` has no message of a user"));
        }
        Ok((self.system, self.turns))
    }
}

/// Refuses what has one of these keys, unless it is empty.
pub(super) fn no_calls(object: &Object, keys: &[&str]) -> Result<(), String> {
    let is_empty = |value: &Value| match value {
        Value::Array(list) => list.is_empty(),
        // Some data sets hold their lists as text.
        Value::String(text) => matches!(text.trim(), "" | "[]"),
        _ => false,
    };
    match keys.iter().find(|key| present(object, key).is_some_and(|value| !is_empty(value))) {
        Some(key) => Err(format!("it has `{key}`: {CALLS}")),
        None => Ok(()),
    }
}

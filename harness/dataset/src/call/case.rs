use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ExpectedAnswer, FunctionSchema, Written, prompt::system_prompt};

/// Prefix of a function's result in a message to the model.
const RESULT: &str = "RESULT: ";

/// A conversation in which a model is asked for calls.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallCase {
    /// Its name in the file.
    pub id: String,
    /// The topic or the kind of task; results are also shown for each category.
    pub category: String,
    /// Further instructions to the model, beside the task and the functions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// What may be called.
    pub functions: Vec<FunctionSchema>,
    /// What the user asks, one request after the other; at least one.
    pub turns: Vec<CallTurn>,
}

/// One request of the user.
///
/// The roles are those of MobileLLM (arXiv 2402.14905, the section on API calling): USER asks, PARSER writes the call,
/// AGENT speaks to the user once the function has returned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallTurn {
    /// What USER says.
    pub user: String,
    /// The answer expected from PARSER.
    pub expected: ExpectedAnswer,
    /// What the function returns after the right call.
    pub result: Option<Value>,
    /// What AGENT may then say to the user.
    pub agent: Option<String>,
}

/// A message to the model, and the kind of answer that follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallMessage {
    /// The turn to which it belongs.
    pub turn: usize,
    /// The text, which is sent in the role of the user.
    pub text: String,
    /// The kind of answer.
    pub reply: Reply,
}

/// The kind of answer to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// A call, as PARSER: compared with [`CallTurn::expected`].
    Call,
    /// Text for the user, as AGENT: compared with [`CallTurn::agent`].
    Words,
}

impl CallCase {
    /// The system prompt: the task and the functions on offer, then the case's own system message, in
    /// the same order as BFCL.
    pub fn system_prompt(&self) -> String {
        let offer = system_prompt(&self.functions);
        self.system.as_ref().map_or_else(|| offer.clone(), |system| format!("{offer}\n\n{system}"))
    }

    /// The messages to the model, in order.
    ///
    /// Each turn is a message that is answered by a call. When the function returns something, the next message begins
    /// with `RESULT: ` and its JSON: where AGENT speaks, that is a message of its own, which is answered in text;
    /// otherwise it is on the line before the next request. The result is always that of the right call, whatever
    /// the model called, so that all models get the same messages. A result that nothing follows is not shown.
    pub fn messages(&self) -> Vec<CallMessage> {
        let mut messages = Vec::new();
        let mut before = String::new();
        for (turn, CallTurn { user, result, agent, .. }) in self.turns.iter().enumerate() {
            messages.push(CallMessage { turn, text: format!("{before}{user}"), reply: Reply::Call });
            before.clear();
            let result = result.as_ref().map(|result| format!("{RESULT}{}", Written(result)));
            match (result, agent) {
                (Some(text), Some(_)) => messages.push(CallMessage { turn, text, reply: Reply::Words }),
                (Some(result), None) => before = format!("{result}\n"),
                (None, _) => {}
            }
        }
        messages
    }

    /// The function of this name.
    pub fn function(&self, name: &str) -> Option<&FunctionSchema> {
        self.functions.iter().find(|function| function.name == name)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn results_come_before_what_follows_them() {
        let turn = |user: &str, result: Option<Value>, agent: Option<&str>| CallTurn {
            user: user.into(),
            expected: ExpectedAnswer::NoCall,
            result,
            agent: agent.map(Into::into),
        };
        let case = CallCase {
            id: "a".into(),
            category: "b".into(),
            system: None,
            functions: Vec::new(),
            turns: vec![
                turn("one", Some(json!({"n": [1, 2]})), Some("It is one.")),
                turn("two", Some(json!("ok")), None),
                turn("three", None, None),
                turn("four", Some(json!(4)), None),
            ],
        };
        let messages = case.messages();
        let shown: Vec<_> = messages.iter().map(|message| (message.turn, &*message.text, message.reply)).collect();
        assert_eq!(
            shown,
            [
                (0, "one", Reply::Call),
                (0, "RESULT: {\"n\": [1, 2]}", Reply::Words),
                (1, "two", Reply::Call),
                (2, "RESULT: \"ok\"\nthree", Reply::Call),
                (3, "four", Reply::Call),
            ]
        );
    }
}

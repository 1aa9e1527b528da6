//! The TOML file of a scenario.

use std::path::Path;

use pocketwatt_files::check_name;
use serde::Deserialize;

use super::{data::Data, shape::Shape, talk::Talk};
use crate::{error::ScenarioError, limits::MOST_TOKENS};

/// Longest answers for a data file that is named on the command line, in tokens.
const CALL_TOKENS: u32 = 64;
const CONVERSATION_TOKENS: u32 = 128;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Document {
    pub name: String,
    #[serde(default)]
    pub summary: String,
    system: Option<String>,
    pub output_tokens: Option<u32>,
    #[serde(default)]
    turns: Vec<DocumentTurn>,
    synthetic: Option<DocumentShape>,
    /// A file of conversations.
    conversations: Option<String>,
    /// A file of calls, and one of their right answers if they are separate.
    calls: Option<String>,
    answers: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct DocumentTurn {
    user: String,
    output_tokens: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct DocumentShape {
    prompt_tokens: u32,
    output_tokens: u32,
}

impl Document {
    pub fn parse(definition: &str) -> Result<Self, ScenarioError> {
        let document: Self = toml::from_str(definition).map_err(|error| ScenarioError::malformed(&error))?;
        let allowed = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
        if document.name.is_empty() || !document.name.chars().all(allowed) {
            return document.refuse("the name may only contain lower-case letters, digits and -");
        }
        if let Err(error) = check_name(&document.name) {
            return document.refuse(&error.to_string());
        }
        let longest = document.turns.iter().filter_map(|turn| turn.output_tokens).chain(document.output_tokens).max();
        let synthetic = document.synthetic.as_ref().map(|shape| shape.prompt_tokens.max(shape.output_tokens));
        if let Some(tokens) = longest.max(synthetic).filter(|tokens| *tokens > MOST_TOKENS) {
            return document.refuse(&format!("{tokens} tokens are more than {MOST_TOKENS}"));
        }
        Ok(document)
    }

    pub fn shape(&self, folder: Option<&Path>) -> Result<Shape, ScenarioError> {
        let kinds = [
            self.synthetic.is_some(),
            !self.turns.is_empty() || self.system.is_some(),
            self.conversations.is_some(),
            self.calls.is_some(),
        ];
        if kinds.iter().filter(|is_there| **is_there).count() > 1 {
            return self.refuse("it has more than one of synthetic shape, texts, conversations and calls: keep one");
        }
        if let Some(DocumentShape { prompt_tokens, output_tokens }) = self.synthetic {
            if prompt_tokens == 0 {
                return self.refuse("a prompt has at least 1 token");
            }
            return Ok(Shape::Synthetic { prompt_tokens, output_tokens });
        }
        let data = match (&self.conversations, &self.calls) {
            (Some(file), _) => Some(Data::conversations(folder, file)?),
            (None, Some(file)) => Some(Data::calls(folder, file, self.answers.as_deref())?),
            (None, None) => None,
        };
        match (data, self.output_tokens) {
            (Some(data), Some(output_tokens @ 1..)) => Ok(Shape::Data { data, output_tokens }),
            (Some(_), _) => self.refuse("it has no output-tokens, or 0 of them"),
            (None, _) => self.conversation(),
        }
    }

    fn conversation(&self) -> Result<Shape, ScenarioError> {
        if self.turns.is_empty() {
            return self.refuse("it has no turns: add a [[turns]] table");
        }
        let mut turns = Vec::new();
        for (index, turn) in self.turns.iter().enumerate() {
            match turn.output_tokens.or(self.output_tokens) {
                Some(output_tokens @ 1..) => turns.push((turn.user.clone(), output_tokens)),
                _ => return self.refuse(&format!("turn {} has no output-tokens, or 0 of them", index + 1)),
            }
        }
        Ok(Shape::Conversation(Talk {
            name: String::new(),
            system: self.system.clone(),
            examples: Vec::new(),
            turns,
            grammars: Vec::new(),
        }))
    }

    fn refuse<T>(&self, reason: &str) -> Result<T, ScenarioError> {
        Err(ScenarioError::Refused(format!("scenario {:?}: {reason}", self.name)))
    }
}

/// The definition of a scenario that consists of a data file.
pub(super) fn of_data_file(path: &Path) -> Result<String, ScenarioError> {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
    let name: String = stem.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' }).collect();
    let quoted = toml::Value::String(path.to_string_lossy().into_owned());
    let mut definition = format!("name = \"{name}\"\nsummary = \"the file {}\"\n", name);
    if let Some(answers) = Data::answers_of(path)? {
        let answers = answers.map(|answers| toml::Value::String(answers.to_string_lossy().into_owned()));
        definition += &format!("calls = {quoted}\noutput-tokens = {CALL_TOKENS}\n");
        if let Some(answers) = answers {
            definition += &format!("answers = {answers}\n");
        }
    } else {
        definition += &format!("conversations = {quoted}\noutput-tokens = {CONVERSATION_TOKENS}\n");
    }
    Ok(definition)
}

//! Scenarios: the input of a model, turn by turn.

mod data;
mod document;
mod shape;
mod talk;
#[cfg(test)]
mod tests;

use std::path::Path;

use pocketwatt_files::{hexadecimal, read_text_bounded};
use pocketwatt_record::ScenarioSource;
use sha2::{Digest, Sha256};

pub use data::{Data, Items};
use document::Document;
pub use shape::Shape;
pub use talk::Talk;

use crate::{
    error::ScenarioError,
    limits::{MOST_DOCUMENT_BYTES, MOST_STORED_BYTES},
    synthetic,
    unknown::UnknownName,
};

/// The scenarios that ship with the program.
const SHIPPED: &[&str] = &[
    include_str!("../../../scenarios/chat.toml"),
    include_str!("../../../scenarios/api-call.toml"),
    include_str!("../../../scenarios/conversations.toml"),
];
/// Names of those that are run unasked, one a line.
const DEFAULT: &str = include_str!("../../../scenarios/default.txt");

/// The input of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// Its name in tables and records.
    pub name: String,
    /// One line for people.
    pub summary: String,
    /// Its contents.
    pub shape: Shape,
    definition: String,
}

impl Scenario {
    /// What the name of a file ends with that has a scenario as it was stored with a run: so it is sent to a phone.
    pub const STORED_ENDING: &str = ".scenario.json";

    /// The scenarios that ship with the program.
    ///
    /// # Errors
    /// None in a build whose tests passed.
    pub fn shipped() -> Result<Vec<Self>, ScenarioError> {
        SHIPPED.iter().map(|definition| Self::parse(definition, None)).collect()
    }

    /// Names of the scenarios that ship with the program; no file is read for them.
    pub fn shipped_names() -> Vec<String> {
        SHIPPED.iter().filter_map(|definition| Some(Document::parse(definition).ok()?.name)).collect()
    }

    /// Names of the scenarios that are run unasked.
    pub fn default_names() -> impl Iterator<Item = &'static str> {
        DEFAULT.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
    }

    /// The scenarios that run by default.
    ///
    /// # Errors
    /// None in a build whose tests passed.
    pub fn unasked() -> Result<Vec<Self>, ScenarioError> {
        Self::default_names().map(Self::find).collect()
    }

    /// A shipped scenario by its name, a synthetic one by its shape (`prefill-128`), or any by its file: a scenario's own
    /// (`.toml`), or one of conversations or calls (`.jsonl`, `.json`).
    ///
    /// # Errors
    /// When it does not exist, or its file is not a scenario.
    pub fn find(wanted: &str) -> Result<Self, ScenarioError> {
        let shipped = Self::shipped()?;
        if let Some(scenario) = shipped.iter().find(|scenario| scenario.name == wanted) {
            return Ok(scenario.clone());
        }
        if let Some(definition) = synthetic::definition(wanted)? {
            return Self::parse(&definition, None);
        }
        if [".toml", ".jsonl", ".json"].iter().any(|ending| wanted.ends_with(ending)) || wanted.contains('/') {
            return Self::read(wanted);
        }
        let known = shipped.iter().map(|scenario| scenario.name.as_str()).chain(synthetic::FORMS);
        Err(UnknownName::new("scenario", wanted, known, ", or the path of a .toml, .jsonl or .json file").into())
    }

    /// A scenario's own file, or one of conversations or calls (`.jsonl`, `.json`).
    ///
    /// # Errors
    /// When it cannot be read, or is not a scenario.
    pub fn read(file: &str) -> Result<Self, ScenarioError> {
        let path = Path::new(file);
        if file.ends_with(Self::STORED_ENDING) {
            return Self::read_stored(path);
        }
        if [".jsonl", ".json"].iter().any(|ending| file.ends_with(ending)) {
            let definition = document::of_data_file(path)?;
            return Self::parse(&definition, Some(Path::new("")))
                .map_err(|error| error.at(format_args!("the scenario {file}")));
        }
        let text = read_text_bounded(path, MOST_DOCUMENT_BYTES).map_err(|reason| ScenarioError::Unreadable {
            thing: "scenario",
            file: file.to_owned(),
            reason,
        })?;
        Self::parse(&text, path.parent()).map_err(|error| error.at(format_args!("{file} is not a scenario")))
    }

    /// The file of a scenario as it was stored with a run: everything that its own file names is in it.
    fn read_stored(path: &Path) -> Result<Self, ScenarioError> {
        let text = read_text_bounded(path, MOST_STORED_BYTES).map_err(|reason| ScenarioError::Unreadable {
            thing: "scenario",
            file: path.display().to_string(),
            reason,
        })?;
        Self::stored(&serde_json::from_str(&text)?)
    }

    /// A scenario as it was stored with a run.
    ///
    /// # Errors
    /// When the text is not a scenario.
    pub fn stored(source: &ScenarioSource) -> Result<Self, ScenarioError> {
        let stored = || {
            let document = Document::parse(&source.definition)?;
            let shape = match &source.data {
                Some(data) => {
                    let data = serde_json::from_value(data.clone())?;
                    Shape::Data { data, output_tokens: document.output_tokens.unwrap_or(0) }
                }
                None => document.shape(None)?,
            };
            Ok(Self { name: document.name, summary: document.summary, shape, definition: source.definition.clone() })
        };
        stored().map_err(|error: ScenarioError| error.at(format_args!("the stored scenario {:?}", source.name)))
    }

    /// What is stored with a run: everything, so that a resumed run measures what was planned.
    pub fn source(&self) -> ScenarioSource {
        ScenarioSource {
            name: self.name.clone(),
            sha256: self.sha256(),
            definition: self.definition.clone(),
            data: self.data().and_then(|data| serde_json::to_value(data).ok()),
        }
    }

    /// SHA-256 of its definition, and of the file that it names and the items chosen from it.
    pub fn sha256(&self) -> String {
        let mut hasher = Sha256::new();
        hasher.update(self.definition.as_bytes());
        if let Some(data) = self.data() {
            hasher.update(data.sha256.as_bytes());
            for id in data.ids() {
                hasher.update(id.as_bytes());
                hasher.update([0]);
            }
        }
        hexadecimal(hasher.finalize())
    }

    /// The file that it names, if any.
    pub fn data(&self) -> Option<&Data> {
        match &self.shape {
            Shape::Data { data, .. } => Some(data),
            _ => None,
        }
    }

    /// Whether it asks for function calls.
    pub fn asks_for_calls(&self) -> bool {
        self.data().is_some_and(|data| matches!(data.items, Items::Calls(_)))
    }

    /// Keeps `count` items of its file, evenly spread; all of them if there are no more. No effect on a scenario
    /// without a file.
    pub fn keep(&mut self, count: usize) {
        if let Shape::Data { data, .. } = &mut self.shape {
            data.keep(count);
        }
    }

    /// The user's text, conversation by conversation; empty for random tokens.
    pub fn talks(&self) -> Vec<Talk> {
        match &self.shape {
            Shape::Conversation(talk) => vec![talk.clone()],
            Shape::Data { data, output_tokens } => data.talks(*output_tokens),
            Shape::Synthetic { .. } => Vec::new(),
        }
    }

    /// `folder` is searched for the files that it names; `None` for a scenario that ships with the program.
    fn parse(definition: &str, folder: Option<&Path>) -> Result<Self, ScenarioError> {
        let document = Document::parse(definition)?;
        let shape = document.shape(folder)?;
        Ok(Self { name: document.name, summary: document.summary, shape, definition: definition.to_owned() })
    }
}

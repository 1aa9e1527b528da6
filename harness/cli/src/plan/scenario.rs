//! Scenarios: what is fed to a model, turn by turn.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use pocketwatt_record::ScenarioSource;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::synthetic;
use crate::refusal::Refusal;

/// What ships with the program.
const SHIPPED: &[&str] =
    &[include_str!("../../../../scenarios/chat.toml"), include_str!("../../../../scenarios/api-call.toml")];

/// What is fed to a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// Names it in tables and records.
    pub name: String,
    /// One line for people.
    pub summary: String,
    /// What it consists of.
    pub shape: Shape,
    definition: String,
}

/// What a scenario consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Text, in the model's chat template.
    Conversation {
        /// The system prompt.
        system: Option<String>,
        /// What the user says, and the longest answer in tokens.
        turns: Vec<(String, u32)>,
    },
    /// Random tokens.
    Synthetic {
        /// Tokens that are processed at once.
        prompt_tokens: u32,
        /// Tokens that are then generated.
        output_tokens: u32,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Document {
    name: String,
    #[serde(default)]
    summary: String,
    system: Option<String>,
    output_tokens: Option<u32>,
    #[serde(default)]
    turns: Vec<DocumentTurn>,
    synthetic: Option<DocumentShape>,
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

impl Scenario {
    /// The scenarios that are run unasked.
    ///
    /// # Errors
    /// None in a build whose tests passed.
    pub fn shipped() -> Result<Vec<Self>> {
        SHIPPED.iter().map(|definition| Self::parse(definition)).collect()
    }

    /// A shipped scenario by its name, a synthetic one by its shape (`prefill-128`), or any by its file.
    ///
    /// # Errors
    /// When there is none, or its file is not a scenario.
    pub fn find(wanted: &str) -> Result<Self> {
        let shipped = Self::shipped()?;
        if let Some(scenario) = shipped.iter().find(|scenario| scenario.name == wanted) {
            return Ok(scenario.clone());
        }
        if let Some(definition) = synthetic::definition(wanted)? {
            return Self::parse(&definition);
        }
        if wanted.ends_with(".toml") || wanted.contains('/') {
            let text = fs::read_to_string(Path::new(wanted))
                .map_err(|error| Refusal::error(format!("cannot read the scenario {wanted}: {error}")))?;
            return Self::parse(&text).with_context(|| format!("{wanted} is not a scenario"));
        }
        let known = shipped.iter().map(|scenario| scenario.name.as_str()).chain(synthetic::FORMS);
        Err(Refusal::unknown("scenario", wanted, known, ", or the path of a .toml file"))
    }

    /// As it was stored with a run.
    ///
    /// # Errors
    /// When the text is not a scenario.
    pub fn stored(source: &ScenarioSource) -> Result<Self> {
        Self::parse(&source.definition).with_context(|| format!("the stored scenario {:?}", source.name))
    }

    /// What is stored with a run.
    pub fn source(&self) -> ScenarioSource {
        ScenarioSource { name: self.name.clone(), sha256: self.sha256(), definition: self.definition.clone() }
    }

    /// SHA-256 of its definition.
    pub fn sha256(&self) -> String {
        Sha256::digest(self.definition.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn parse(definition: &str) -> Result<Self> {
        let document: Document =
            toml::from_str(definition).map_err(|error| Refusal::error(error.to_string().trim_end().to_owned()))?;
        let refuse = |reason: String| Err(Refusal::error(format!("scenario {:?}: {reason}", document.name)));
        let allowed = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
        if document.name.is_empty() || !document.name.chars().all(allowed) {
            return refuse("the name may hold lower-case letters, digits and - only".into());
        }
        let shape = match &document.synthetic {
            Some(_) if !document.turns.is_empty() || document.system.is_some() => {
                return refuse("it has both a synthetic shape and texts: remove one".into());
            }
            Some(shape) if shape.prompt_tokens == 0 => return refuse("a prompt has at least 1 token".into()),
            Some(shape) => Shape::Synthetic { prompt_tokens: shape.prompt_tokens, output_tokens: shape.output_tokens },
            None if document.turns.is_empty() => return refuse("it has no turns: add a [[turns]] table".into()),
            None => {
                let mut turns = Vec::new();
                for (index, turn) in document.turns.iter().enumerate() {
                    match turn.output_tokens.or(document.output_tokens) {
                        Some(output_tokens) if output_tokens > 0 => turns.push((turn.user.clone(), output_tokens)),
                        _ => return refuse(format!("turn {} has no output-tokens, or 0 of them", index + 1)),
                    }
                }
                Shape::Conversation { system: document.system.clone(), turns }
            }
        };
        Ok(Self { name: document.name, summary: document.summary, shape, definition: definition.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        format!("{:#}", Scenario::parse(text).unwrap_err())
    }

    #[test]
    fn every_file_of_the_folder_ships() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
        let mut files = 0;
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                let text = fs::read_to_string(&path).unwrap();
                assert!(SHIPPED.contains(&text.as_str()), "{} is not in SHIPPED", path.display());
                let scenario = Scenario::parse(&text).unwrap();
                assert_eq!(path.file_stem().unwrap().to_string_lossy(), scenario.name);
                files += 1;
            }
        }
        assert_eq!(files, SHIPPED.len());
    }

    #[test]
    fn shapes_are_known_by_name_and_survive_storage() {
        for name in ["chat", "api-call", "prefill-128", "decode-32", "prefill-128-decode-32"] {
            let scenario = Scenario::find(name).unwrap();
            assert_eq!(scenario.name, name);
            assert_eq!(Scenario::stored(&scenario.source()).unwrap(), scenario);
        }
        let shape = |name: &str| Scenario::find(name).unwrap().shape;
        assert_eq!(shape("prefill-128"), Shape::Synthetic { prompt_tokens: 128, output_tokens: 0 });
        assert_eq!(shape("decode-32"), Shape::Synthetic { prompt_tokens: 1, output_tokens: 32 });
        assert_eq!(shape("prefill-9-decode-2"), Shape::Synthetic { prompt_tokens: 9, output_tokens: 2 });
    }

    #[test]
    fn unknown_and_senseless_scenarios_are_refused() {
        let unknown = Scenario::find("chatt").unwrap_err().to_string();
        assert!(unknown.contains("did you mean \"chat\"?") && unknown.contains("prefill-N"), "{unknown}");
        assert!(
            Scenario::find("nowhere.toml").unwrap_err().to_string().contains("cannot read the scenario nowhere.toml")
        );
        assert!(Scenario::find("prefill-0").unwrap_err().to_string().contains("at least 1"));
        assert!(refused("name = \"A b\"\n[[turns]]\nuser = \"x\"").contains("lower-case"));
        assert!(refused("name = \"a\"").contains("no turns"));
        assert!(refused("name = \"a\"\n[[turns]]\nuser = \"x\"").contains("turn 1 has no output-tokens"));
        assert!(refused("name = \"a\"\nprompt = \"x\"").contains("prompt"));
        assert!(
            refused("name = \"a\"\nsystem = \"x\"\nsynthetic = { prompt-tokens = 1, output-tokens = 1 }")
                .contains("both")
        );
    }
}

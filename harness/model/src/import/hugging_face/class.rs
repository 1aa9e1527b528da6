//! The class in transformers of a folder's tokenizer: its defaults apply where the files are silent.

use std::path::Path;

use pocketwatt_files::read_text_bounded;
use serde_json::{Map, Value};

use super::{TOKENIZER_CONFIGURATION, parse};
use crate::{ModelError, folder::MOST_TEXT_BYTES};

const KEY: &str = "tokenizer_class";
/// The classes of the supported models, by their `model_type` (`TOKENIZER_MAPPING_NAMES` in transformers'
/// `tokenization_auto.py`). MobileLLM's own files name their class.
const BY_MODEL: [(&str, &str); 3] =
    [("llama", "LlamaTokenizer"), ("llama4_text", "LlamaTokenizer"), ("mobilellm", "LlamaTokenizer")];

/// `tokenizer_config.json`, with the class that transformers' `AutoTokenizer` uses where the file names none.
#[derive(Debug, Default)]
pub(super) struct TokenizerConfiguration {
    keys: Map<String, Value>,
    /// Which class was used, and why.
    pub note: Option<String>,
}

impl TokenizerConfiguration {
    /// Reads it, and the keys of `config.json`.
    ///
    /// # Errors
    /// When a file cannot be read or is malformed.
    pub fn read(folder: &Path) -> Result<Self, ModelError> {
        let mut keys = object(folder, TOKENIZER_CONFIGURATION)?;
        if !matches!(keys.get(KEY), None | Some(Value::Null)) {
            return Ok(Self { keys, note: None });
        }
        let model = object(folder, "config.json")?;
        let text = |key: &str| model.get(key).and_then(Value::as_str);
        let by_model = |kind: &str| BY_MODEL.iter().find(|(known, _)| *known == kind).map(|(_, class)| *class);
        let (class, by) = match (text(KEY), text("model_type")) {
            (Some(class), _) => (class, format!("{KEY} of config.json")),
            (None, Some(kind)) if by_model(kind).is_some() => {
                (by_model(kind).unwrap_or_default(), format!("model_type {kind}"))
            }
            _ => return Ok(Self { keys, note: None }),
        };
        let note = format!("{TOKENIZER_CONFIGURATION} names no {KEY}: {class} is taken by {by}");
        keys.insert(KEY.to_owned(), Value::from(class));
        Ok(Self { keys, note: Some(note) })
    }

    /// Its text for the imported folder; `None` where it has no keys.
    pub fn text(&self) -> Option<String> {
        (!self.keys.is_empty()).then(|| Value::Object(self.keys.clone()).to_string())
    }

    /// Its keys.
    pub fn value(&self) -> Value {
        Value::Object(self.keys.clone())
    }

    /// Whether transformers converts the sentencepiece model although there is a `tokenizer.json`: Llama's
    /// class does so when the configuration says where spaces are added (`LlamaTokenizerFast.__init__`).
    pub fn asks_for_conversion(&self) -> bool {
        let class = self.keys.get(KEY).and_then(Value::as_str).unwrap_or_default();
        let says = |key: &str| !matches!(self.keys.get(key), None | Some(Value::Null));
        ["LlamaTokenizer", "LlamaTokenizerFast"].contains(&class) && says("add_prefix_space")
    }
}

/// A file's keys; empty where it does not exist.
fn object(folder: &Path, name: &str) -> Result<Map<String, Value>, ModelError> {
    let path = folder.join(name);
    if !path.exists() {
        return Ok(Map::new());
    }
    parse(&path, &read_text_bounded(&path, MOST_TEXT_BYTES).map_err(ModelError::io("read", &path))?)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn read(tokenizer: Option<&str>, model: &str) -> TokenizerConfiguration {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("config.json"), model).unwrap();
        if let Some(tokenizer) = tokenizer {
            fs::write(folder.path().join(TOKENIZER_CONFIGURATION), tokenizer).unwrap();
        }
        TokenizerConfiguration::read(folder.path()).unwrap()
    }

    #[test]
    fn the_class_is_that_of_the_files_or_of_the_kind_of_model() {
        let named = read(Some(r#"{"tokenizer_class": "GPT2Tokenizer"}"#), r#"{"model_type": "llama"}"#);
        assert_eq!((named.value()[KEY].as_str(), named.note), (Some("GPT2Tokenizer"), None));
        let by_type = read(None, r#"{"model_type": "llama"}"#);
        assert_eq!(by_type.text().unwrap(), r#"{"tokenizer_class":"LlamaTokenizer"}"#);
        assert!(by_type.note.unwrap().ends_with("LlamaTokenizer is taken by model_type llama"));
        let model = r#"{"model_type": "llama", "tokenizer_class": "PreTrainedTokenizerFast"}"#;
        let by_model = read(Some(r#"{"tokenizer_class": null, "limit": Infinity}"#), model);
        assert_eq!(by_model.value()[KEY], "PreTrainedTokenizerFast");
        assert_eq!(read(None, r#"{"model_type": "own"}"#).text(), None);
    }

    #[test]
    fn llamas_class_is_converted_where_the_prefix_space_is_said() {
        let asks = |tokenizer| read(Some(tokenizer), r#"{"model_type": "llama"}"#).asks_for_conversion();
        assert!(asks(r#"{"add_prefix_space": true}"#) && asks(r#"{"add_prefix_space": false}"#));
        assert!(!asks(r#"{"add_prefix_space": null}"#) && !asks(r#"{"legacy": false}"#));
        assert!(!asks(r#"{"add_prefix_space": true, "tokenizer_class": "GemmaTokenizer"}"#));
    }
}

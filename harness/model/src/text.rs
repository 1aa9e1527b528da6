//! Text and tokens: what the harness needs to talk to a model. Runners see tokens only.

mod chat;
mod tokenizer;
mod watched;

pub use chat::ChatTemplate;
pub use tokenizer::TextTokenizer;

use std::{fs, io::ErrorKind};

use serde_json::Value;

use crate::{ModelError, ModelFolder};

/// `tokenizer_config.json` as a JSON object; empty where there is none.
fn tokenizer_config(folder: &ModelFolder) -> Result<Value, ModelError> {
    let path = folder.path().join("tokenizer_config.json");
    match fs::read_to_string(&path) {
        Ok(text) => serde_json::from_str(&text).map_err(|error| ModelError::invalid(&path, error.to_string())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Value::Object(serde_json::Map::new())),
        Err(error) => Err(ModelError::io("read", &path)(error)),
    }
}

/// A special token's text: Hugging Face writes it as a string, or as an object with a `content`.
fn special_token(config: &Value, key: &str) -> Option<String> {
    let token = config.get(key)?;
    token.as_str().or_else(|| token.get("content")?.as_str()).map(ToOwned::to_owned)
}

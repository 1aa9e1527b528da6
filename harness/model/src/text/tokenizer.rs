use std::path::PathBuf;

use pocketwatt_protocol::TokenId;
use tokenizers::Tokenizer;

use crate::{ModelError, ModelFolder};

/// A model's `tokenizer.json`.
#[derive(Debug)]
pub struct TextTokenizer {
    tokenizer: Tokenizer,
    path: PathBuf,
}

impl TextTokenizer {
    /// Opens the tokenizer of a model.
    ///
    /// # Errors
    /// When it is missing or malformed, or knows tokens that the model has no embedding for.
    pub fn open(folder: &ModelFolder) -> Result<Self, ModelError> {
        let path = folder.path().join("tokenizer.json");
        // The crate's error for a missing file does not name it.
        std::fs::metadata(&path).map_err(ModelError::io("read", &path))?;
        let mut tokenizer =
            Tokenizer::from_file(&path).map_err(|error| ModelError::invalid(&path, one_line(&error.to_string())))?;
        // What a scenario says is what is fed: files that pad or cut would change that.
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None).map_err(|error| ModelError::invalid(&path, one_line(&error.to_string())))?;
        let vocabulary = folder.config().vocabulary;
        let highest = tokenizer.get_vocab(true).into_values().max();
        if let Some(highest) = highest.filter(|&highest| highest as usize >= vocabulary) {
            return Err(ModelError::invalid(
                &path,
                format!(
                    "its highest token is {highest}, the model has a vocabulary of {vocabulary} (vocab_size): it belongs to another model"
                ),
            ));
        }
        Ok(Self { tokenizer, path })
    }

    /// The tokens of a text. Special tokens that are written in it are recognised; none are added.
    ///
    /// # Errors
    /// When the tokenizer has no token for a part of the text.
    pub fn encode(&self, text: &str) -> Result<Vec<TokenId>, ModelError> {
        let encoding = self.tokenizer.encode(text, false).map_err(|error| {
            ModelError::invalid(&self.path, format!("it cannot encode text: {}", one_line(&error.to_string())))
        })?;
        Ok(encoding.get_ids().iter().copied().map(TokenId).collect())
    }

    /// The text of tokens, without the special ones. Bytes that are no UTF-8 become U+FFFD.
    ///
    /// # Errors
    /// When the tokenizer's decoder fails.
    pub fn decode(&self, tokens: &[TokenId]) -> Result<String, ModelError> {
        let ids: Vec<u32> = tokens.iter().map(|token| token.0).collect();
        self.tokenizer.decode(&ids, true).map_err(|error| {
            ModelError::invalid(&self.path, format!("it cannot decode tokens: {}", one_line(&error.to_string())))
        })
    }

    /// Number of tokens that it knows.
    pub fn vocabulary(&self) -> usize {
        self.tokenizer.get_vocab_size(true)
    }

    /// The token with exactly this text.
    pub fn token(&self, text: &str) -> Option<TokenId> {
        self.tokenizer.token_to_id(text).map(TokenId)
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::{Preset, generate_seeded};

    fn tiny() -> (tempfile::TempDir, ModelFolder) {
        let root = tempfile::tempdir().unwrap();
        let config = Preset::find("tiny").unwrap().config();
        let folder = generate_seeded(&config, "tiny", 42, &root.path().join("tiny")).unwrap();
        (root, folder)
    }

    #[test]
    fn text_survives_and_special_tokens_are_recognised_but_not_shown() {
        let (_root, folder) = tiny();
        let tokenizer = TextTokenizer::open(&folder).unwrap();
        let text = "Grüße, 世界! 3 × 7 = 21\n";
        let tokens = tokenizer.encode(text).unwrap();
        assert_eq!(tokenizer.decode(&tokens).unwrap(), text);
        assert_eq!(tokenizer.encode("<s>").unwrap(), [TokenId(1)]);
        assert_eq!(tokenizer.decode(&[&[TokenId(1)], tokens.as_slice(), &[TokenId(2)]].concat()).unwrap(), text);
        assert_eq!(tokenizer.token("</s>"), Some(TokenId(2)));
        assert!(tokenizer.vocabulary() <= 512);
    }

    #[test]
    fn a_tokenizer_of_another_model_is_refused() {
        let (_root, folder) = tiny();
        let path = folder.path().join("tokenizer.json");
        let larger = fs::read_to_string(&path).unwrap().replacen(": 300", ": 512", 1).replacen(":300", ":512", 1);
        fs::write(&path, larger).unwrap();
        let error = TextTokenizer::open(&folder).unwrap_err().to_string();
        assert!(error.contains("highest token is 512") && error.contains("vocabulary of 512"), "{error}");
        fs::write(&path, "{\"version\": 1").unwrap();
        assert!(TextTokenizer::open(&folder).unwrap_err().to_string().contains("tokenizer.json is not valid"));
        fs::remove_file(&path).unwrap();
        assert!(TextTokenizer::open(&folder).unwrap_err().to_string().starts_with("cannot read"));
    }
}

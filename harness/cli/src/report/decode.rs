//! Generated tokens back into text, with the tokenizer of the model that they came from.

use std::{
    cell::RefCell,
    collections::HashMap,
    path::{Path, PathBuf},
};

use pocketwatt_model::{ModelFolder, TextTokenizer, sha256_of_file};
use pocketwatt_protocol::TokenId;
use pocketwatt_record::Record;

/// Decodes with the tokenizers in a folder of models, each opened once.
pub struct Decoder {
    models: PathBuf,
    tokenizers: RefCell<HashMap<String, Option<TextTokenizer>>>,
}

impl Decoder {
    /// `models` has one folder for each model, by its name.
    pub fn new(models: &Path) -> Self {
        Self { models: models.to_owned(), tokenizers: RefCell::default() }
    }

    /// The text; nothing where the model is not there any more, or has another tokenizer than when it was measured.
    pub fn decode(&self, record: &Record, tokens: &[TokenId]) -> Option<String> {
        let model = &record.passport.model;
        let recorded = model.tokenizer_sha256.as_deref()?;
        let mut tokenizers = self.tokenizers.borrow_mut();
        let tokenizer =
            tokenizers.entry(recorded.to_owned()).or_insert_with(|| self.open(&record.case.model, recorded));
        tokenizer.as_ref()?.decode(tokens).ok()
    }

    fn open(&self, name: &str, recorded: &str) -> Option<TextTokenizer> {
        let path = self.models.join(name);
        if sha256_of_file(&path.join("tokenizer.json")).ok()? != recorded {
            return None;
        }
        TextTokenizer::open(&ModelFolder::open(&path).ok()?).ok()
    }
}

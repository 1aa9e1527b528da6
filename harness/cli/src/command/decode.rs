//! Converts generated tokens back to text, with the tokenizer of their model.

use std::{cell::RefCell, collections::HashMap};

use pocketwatt_model::{ModelFolder, ModelLibrary, TextTokenizer, check_name, sha256_of_file};
use pocketwatt_protocol::TokenId;
use pocketwatt_record::Record;

/// Decodes with the tokenizers of a library, each opened once.
pub struct Decoder {
    library: ModelLibrary,
    tokenizers: RefCell<HashMap<String, Option<TextTokenizer>>>,
}

impl Decoder {
    /// Finds models in the library by their names in the records.
    pub fn new(library: ModelLibrary) -> Self {
        Self { library, tokenizers: RefCell::default() }
    }

    /// The text; `None` if the model no longer exists, or has another tokenizer than when it was measured.
    pub fn decode(&self, record: &Record, tokens: &[TokenId]) -> Option<String> {
        let model = &record.passport.model;
        let recorded = model.tokenizer_sha256.as_deref()?;
        let mut tokenizers = self.tokenizers.borrow_mut();
        let tokenizer =
            tokenizers.entry(recorded.to_owned()).or_insert_with(|| self.open(&record.case.model, recorded));
        tokenizer.as_ref()?.decode(tokens).ok()
    }

    fn open(&self, name: &str, recorded: &str) -> Option<TextTokenizer> {
        // The name comes from an untrusted record.
        check_name(name).ok()?;
        let path = self.library.folder(name);
        if sha256_of_file(&path.join("tokenizer.json")).ok()? != recorded {
            return None;
        }
        TextTokenizer::open(&ModelFolder::open(&path).ok()?).ok()
    }
}

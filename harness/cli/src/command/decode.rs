//! Generated tokens back into text, with the tokenizer of the model that they came from.

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
    /// The models are looked up in it by the names that the records give them.
    pub fn new(library: ModelLibrary) -> Self {
        Self { library, tokenizers: RefCell::default() }
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
        // A record may be anybody's.
        check_name(name).ok()?;
        let path = self.library.folder(name);
        if sha256_of_file(&path.join("tokenizer.json")).ok()? != recorded {
            return None;
        }
        TextTokenizer::open(&ModelFolder::open(&path).ok()?).ok()
    }
}

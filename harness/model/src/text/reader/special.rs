//! The special and added tokens in the files beside a tokenizer, read as by transformers' `AutoTokenizer`:
//! `PreTrainedTokenizerBase._from_pretrained` in `tokenization_utils_base.py`.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use tokenizers::AddedToken;

use super::{configuration::class, invalid};
use crate::text::message::{Failure, Files, TextFile};

/// Keys of the tokens with a purpose, in the order in which they are added.
const PURPOSES: [&str; 7] =
    ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];
/// The key of a list of further special tokens.
const ADDITIONAL: &str = "additional_special_tokens";
/// The keys of further special tokens: a list of them, or a purpose of its own for each.
const EXTRA: [&str; 2] = ["extra_special_tokens", "model_specific_special_tokens"];
/// The key of all added tokens by their number.
const DECODER: &str = "added_tokens_decoder";

/// Defaults of the classes.
const CLASSES: [(&str, &[(&str, &str)]); 7] = [
    ("LlamaTokenizer", &[("bos_token", "<s>"), ("eos_token", "</s>"), ("unk_token", "<unk>")]),
    ("CodeLlamaTokenizer", &[("bos_token", "<s>"), ("eos_token", "</s>"), ("unk_token", "<unk>")]),
    ("CodeGenTokenizer", &[("bos_token", END), ("eos_token", END), ("unk_token", END)]),
    ("GPT2Tokenizer", &[("bos_token", END), ("eos_token", END), ("unk_token", END)]),
    ("GPTNeoXTokenizer", &[("bos_token", END), ("eos_token", END), ("unk_token", END)]),
    ("Qwen2Tokenizer", &[("eos_token", END), ("unk_token", END), ("pad_token", END)]),
    (
        "GemmaTokenizer",
        &[("bos_token", "<bos>"), ("eos_token", "<eos>"), ("unk_token", "<unk>"), ("pad_token", "<pad>")],
    ),
];
const END: &str = "<|endoftext|>";
/// Classes that do not begin a text with a token unless the configuration says so.
const WITHOUT_BEGINNING: [&str; 4] = ["CodeGenTokenizer", "GPT2Tokenizer", "GPTNeoXTokenizer", "Qwen2Tokenizer"];
/// Code Llama's class adds these to its special tokens.
const CODE_LLAMA: [&str; 4] = ["\u{2581}<PRE>", "\u{2581}<MID>", "\u{2581}<SUF>", "\u{2581}<EOT>"];

/// Special and added tokens.
#[derive(Debug, Default)]
pub(super) struct SpecialTokens {
    /// Tokens with a purpose, by its key.
    purposes: Vec<(String, AddedToken)>,
    /// Special tokens without a purpose.
    additional: Vec<AddedToken>,
    /// Tokens with a purpose of the model's own, by its key.
    own: Vec<(String, AddedToken)>,
    /// Whether `tokenizer_config.json` asks for one at the beginning of a text.
    begins_texts: bool,
    /// Added tokens by their number in a file.
    numbered: BTreeMap<u32, AddedToken>,
}

impl SpecialTokens {
    /// Reads them from the files that exist.
    ///
    /// # Errors
    /// When a file is malformed.
    pub(super) fn read(files: &Files) -> Result<Self, Failure> {
        let mut configuration = object(files, TextFile::Configuration)?;
        let decoder = configuration.remove(DECODER).filter(|decoder| !decoder.is_null());
        // Files that list the added tokens include the special ones; older formats have a file for each kind.
        if decoder.is_none() {
            for (key, value) in object(files, TextFile::SpecialTokens)? {
                match (value, configuration.get_mut(&key)) {
                    (Value::Array(tokens), Some(Value::Array(known))) => known.extend(tokens),
                    (value, _) => {
                        configuration.insert(key, value);
                    }
                }
            }
        }
        let mut special = Self::from_configuration(&configuration, &Blame { files, has_list: decoder.is_some() })?;
        match decoder {
            Some(decoder) => special.read_decoder(&decoder)?,
            None => special.read_added(object(files, TextFile::AddedTokens)?)?,
        }
        Ok(special)
    }

    fn from_configuration(configuration: &Map<String, Value>, blame: &Blame<'_>) -> Result<Self, Failure> {
        let class = class(configuration);
        let malformed = |key: &str| malformed(blame.file(key), key);
        let defaults = CLASSES.iter().find(|(name, _)| *name == class).map_or(&[][..], |(_, defaults)| defaults);
        let begins_texts = configuration.get("add_bos_token").and_then(Value::as_bool);
        let begins_texts = begins_texts.unwrap_or(!WITHOUT_BEGINNING.contains(&class));
        let mut special = Self { begins_texts, ..Self::default() };
        for key in PURPOSES {
            let default = defaults.iter().find(|(known, _)| *known == key).map(|(_, token)| Value::from(*token));
            let value = configuration.get(key).or(default.as_ref()).unwrap_or(&Value::Null);
            let token = token(value).map_err(|NoToken| malformed(key))?;
            special.purposes.extend(token.map(|token| (key.to_owned(), token)));
        }
        for key in [ADDITIONAL].into_iter().chain(EXTRA) {
            match configuration.get(key) {
                None | Some(Value::Null) => {}
                Some(Value::Array(tokens)) => {
                    for value in tokens {
                        let token = token(value).map_err(|NoToken| malformed(key))?;
                        let is_new =
                            |token: &AddedToken| special.additional.iter().all(|known| known.content != token.content);
                        special.additional.extend(token.filter(is_new));
                    }
                }
                Some(Value::Object(tokens)) => {
                    for (purpose, value) in tokens {
                        let token = token(value).map_err(|NoToken| malformed(key))?;
                        special.own.extend(token.map(|token| (purpose.clone(), token)));
                    }
                }
                Some(_) => return Err(malformed(key)),
            }
        }
        if class == "CodeLlamaTokenizer" {
            special.additional.extend(CODE_LLAMA.map(|content| AddedToken::from(content, true)));
        }
        Ok(special)
    }

    fn read_decoder(&mut self, decoder: &Value) -> Result<(), Failure> {
        let malformed = || malformed(TextFile::Configuration, DECODER);
        for (number, value) in decoder.as_object().ok_or_else(malformed)? {
            let number = number.parse().map_err(|_| malformed())?;
            let is_special = value.get("special").and_then(Value::as_bool).unwrap_or(false);
            let token = token(value).ok().flatten().ok_or_else(malformed)?;
            let normalized = value.get("normalized").and_then(Value::as_bool).unwrap_or(!is_special);
            let is_special = is_special || self.is_special(&token.content);
            self.numbered.insert(number, AddedToken { special: is_special, normalized, ..token });
        }
        Ok(())
    }

    fn read_added(&mut self, tokens: Map<String, Value>) -> Result<(), Failure> {
        for (content, number) in tokens {
            let number = number.as_u64().and_then(|number| u32::try_from(number).ok());
            let number = number.ok_or_else(|| {
                invalid(TextFile::AddedTokens, format!("the number of {content:?} is no token's number"))
            })?;
            let is_special = self.is_special(&content);
            self.numbered.insert(number, AddedToken::from(content, is_special));
        }
        Ok(())
    }

    fn is_special(&self, content: &str) -> bool {
        self.special().any(|token| token.content == content)
    }

    /// Special tokens, in the order in which a tokenizer learns those that it does not know.
    pub(super) fn special(&self) -> impl Iterator<Item = &AddedToken> {
        let of_models = self.own.iter().map(|(_, token)| token);
        self.purposes.iter().map(|(_, token)| token).chain(&self.additional).chain(of_models)
    }

    /// Added tokens by their number in a file.
    pub(super) fn numbered(&self) -> &BTreeMap<u32, AddedToken> {
        &self.numbered
    }

    /// Whether a text begins with a special token, unless a template decides it.
    pub(super) fn begins_texts(&self) -> bool {
        self.begins_texts
    }

    /// The text of the token with this purpose.
    pub(super) fn text(&self, purpose: &str) -> Option<&str> {
        self.purposes.iter().chain(&self.own).find(|(key, _)| key == purpose).map(|(_, token)| token.content.as_str())
    }

    /// Variables of a template: the text of each token by its purpose, and a list of those without one.
    pub(super) fn variables(&self) -> Vec<(String, minijinja::Value)> {
        let mut variables: Vec<(String, minijinja::Value)> = self
            .purposes
            .iter()
            .chain(&self.own)
            .map(|(key, token)| (key.clone(), token.content.as_str().into()))
            .collect();
        if !self.additional.is_empty() {
            let texts: Vec<minijinja::Value> =
                self.additional.iter().map(|token| token.content.as_str().into()).collect();
            variables.push((ADDITIONAL.to_owned(), texts.into()));
        }
        variables
    }
}

/// A file's keys; empty where it does not exist.
pub(super) fn object(files: &Files, file: TextFile) -> Result<Map<String, Value>, Failure> {
    let Some(bytes) = files.get(file) else { return Ok(Map::new()) };
    serde_json::from_slice(bytes).map_err(|error| invalid(file, error.to_string()))
}

/// The value is neither a token's text nor an object with one.
struct NoToken;

/// A special token: its text, or an object with the text as `content`. An empty text means no token.
fn token(value: &Value) -> Result<Option<AddedToken>, NoToken> {
    let flag = |key: &str| value.get(key).and_then(Value::as_bool).unwrap_or(false);
    let content = match value {
        Value::Null => return Ok(None),
        Value::String(content) => content.as_str(),
        _ => value.get("content").and_then(Value::as_str).ok_or(NoToken)?,
    };
    if content.is_empty() {
        return Ok(None);
    }
    Ok(Some(AddedToken {
        content: content.to_owned(),
        single_word: flag("single_word"),
        lstrip: flag("lstrip"),
        rstrip: flag("rstrip"),
        normalized: flag("normalized"),
        special: true,
    }))
}

/// Which file an error about a key names.
struct Blame<'a> {
    files: &'a Files<'a>,
    /// Whether the configuration lists the added tokens, in which case the older files are not read.
    has_list: bool,
}

impl Blame<'_> {
    /// The file whose value of the key is used.
    fn file(&self, key: &str) -> TextFile {
        let map = object(self.files, TextFile::SpecialTokens).unwrap_or_default();
        if !self.has_list && map.contains_key(key) { TextFile::SpecialTokens } else { TextFile::Configuration }
    }
}

fn malformed(file: TextFile, key: &str) -> Failure {
    invalid(file, format!("{key} is not as transformers writes it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(files: &[(TextFile, &str)]) -> Result<SpecialTokens, Failure> {
        let names: Vec<TextFile> = files.iter().map(|(file, _)| *file).collect();
        let contents: Vec<Vec<u8>> = files.iter().map(|(_, text)| text.as_bytes().to_vec()).collect();
        SpecialTokens::read(&Files::new(&names, &contents))
    }

    fn all(special: &SpecialTokens) -> impl Iterator<Item = &AddedToken> {
        special.numbered.values().chain(special.special())
    }

    fn texts(special: &SpecialTokens) -> Vec<(&str, bool)> {
        all(special).map(|token| (token.content.as_str(), token.special)).collect()
    }

    const MAP: (TextFile, &str) = (
        TextFile::SpecialTokens,
        r#"{"bos_token": "<a>", "eos_token": {"content": "<b>", "lstrip": true}, "additional_special_tokens": ["<x>", "<y>"]}"#,
    );

    #[test]
    fn the_file_of_special_tokens_comes_before_the_configuration() {
        let configuration = r#"{"bos_token": "<c>", "pad_token": "<p>", "additional_special_tokens": ["<y>", "<z>"]}"#;
        let special = read(&[(TextFile::Configuration, configuration), MAP]).unwrap();
        let texts: Vec<&str> = all(&special).map(|token| token.content.as_str()).collect();
        assert_eq!(texts, ["<a>", "<b>", "<p>", "<y>", "<z>", "<x>"]);
        assert_eq!((special.text("bos_token"), special.text("mask_token")), (Some("<a>"), None));
        assert!(all(&special).nth(1).unwrap().lstrip);
        let variables: Vec<String> =
            special.variables().into_iter().map(|(key, value)| format!("{key} {value}")).collect();
        assert_eq!(variables[3], "additional_special_tokens ['<y>', '<z>', '<x>']");
    }

    /// `_from_pretrained` does not open the older files in this case.
    #[test]
    fn a_list_of_added_tokens_stands_for_the_older_files() {
        let configuration = r#"{"eos_token": "<b>", "added_tokens_decoder": {
            "9": {"content": "<b>", "special": false}, "8": {"content": "plain"}}}"#;
        let older = (TextFile::AddedTokens, r#"{"<old>": 7}"#);
        let special = read(&[(TextFile::Configuration, configuration), MAP, older]).unwrap();
        assert_eq!(texts(&special), [("plain", false), ("<b>", true), ("<b>", true)]);
        assert_eq!(special.text("bos_token"), None);
        assert!(special.numbered()[&8].normalized);
    }

    #[test]
    fn older_files_number_their_tokens() {
        let older = (TextFile::AddedTokens, r#"{"word": 12, "<y>": 11}"#);
        let special = read(&[MAP, older]).unwrap();
        assert_eq!(texts(&special)[..2], [("<y>", true), ("word", false)]);
        assert!(special.numbered()[&12].normalized && !special.numbered()[&11].normalized);
    }

    #[test]
    fn classes_have_tokens_of_their_own_unless_told_otherwise() {
        let configuration = |text| read(&[(TextFile::Configuration, text)]).unwrap();
        let llama = configuration(r#"{"tokenizer_class": "LlamaTokenizerFast", "eos_token": null}"#);
        assert_eq!(texts(&llama), [("<s>", true), ("<unk>", true)]);
        assert!(llama.begins_texts() && !configuration(r#"{"tokenizer_class": "GPT2Tokenizer"}"#).begins_texts());
        assert!(!configuration(r#"{"add_bos_token": false}"#).begins_texts());
        let extra = configuration(r#"{"extra_special_tokens": {"image_token": "<i>"}}"#);
        assert_eq!(extra.text("image_token"), Some("<i>"));
    }

    #[test]
    fn malformed_files_are_refused_by_their_key() {
        for (file, text, part) in [
            (TextFile::Configuration, r#"{"bos_token": 1}"#, "bos_token"),
            (TextFile::Configuration, r#"{"added_tokens_decoder": [1]}"#, "added_tokens_decoder"),
            (TextFile::Configuration, r#"{"added_tokens_decoder": {"a": {"content": "b"}}}"#, "added_tokens_decoder"),
            (TextFile::Configuration, r#"{"additional_special_tokens": 3}"#, "additional_special_tokens"),
            (TextFile::AddedTokens, r#"{"<a>": -1}"#, "<a>"),
            (TextFile::SpecialTokens, "[]", "expected a map"),
            (TextFile::SpecialTokens, r#"{"eos_token": [1]}"#, "eos_token"),
            (TextFile::SpecialTokens, r#"{"additional_special_tokens": [1]}"#, "additional_special_tokens"),
            (TextFile::Configuration, r#"{"extra_special_tokens": {"a": 1}}"#, "extra_special_tokens"),
        ] {
            match read(&[(file, text)]).unwrap_err() {
                Failure::Invalid { file: blamed, reason } => {
                    assert!(blamed == file && reason.contains(part), "{reason}");
                }
                Failure::Ended(end) => panic!("{end}"),
            }
        }
    }
}

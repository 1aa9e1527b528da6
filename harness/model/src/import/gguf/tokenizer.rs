//! The tokenizer inside a GGUF file, converted to Hugging Face's `tokenizer.json` as llama.cpp reads it (`llama-vocab.cpp`).

mod cut;
mod pieces;
mod special;

use std::{borrow::Cow, collections::HashMap};

use serde_json::{Map, Value, json};

use self::{
    cut::Cut,
    special::{Special, is_end},
};
use super::metadata::Metadata;
use crate::import::sentencepiece::begins_with;

/// Kinds of tokens, as llama.cpp numbers them.
const NORMAL: i64 = 1;
const UNKNOWN: i64 = 2;
const CONTROL: i64 = 3;
const USER_DEFINED: i64 = 4;

const TEMPLATE: &str = "tokenizer.chat_template";

/// Kinds of vocabularies, by the value of `tokenizer.ggml.model`.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// `gpt2`.
    ByteLevel,
    /// `llama`.
    Sentencepiece,
}

/// What is read from a file.
pub struct Tokenizer {
    /// Name and text of `tokenizer.json` and `tokenizer_config.json`.
    pub files: Vec<(String, String)>,
    /// Number of tokens.
    pub vocabulary: usize,
    pub beginning: Option<u32>,
    /// All tokens that end a text, ascending.
    pub ends: Vec<u32>,
    /// Notes about it for the user.
    pub notes: Vec<String>,
}

/// The tokens of a file and their kinds.
struct Vocabulary<'a> {
    tokens: Cow<'a, [String]>,
    kinds: &'a [i64],
}

impl Kind {
    fn from_metadata(metadata: &Metadata) -> Result<Self, String> {
        match metadata.text("tokenizer.ggml.model")? {
            "gpt2" => Ok(Self::ByteLevel),
            "llama" => Ok(Self::Sentencepiece),
            other => Err(format!(
                "tokenizer.ggml.model is {other:?}; byte-level BPE (\"gpt2\") and sentencepiece (\"llama\") are supported: \
                 import the folder that the file was made from, with its own tokenizer"
            )),
        }
    }
}

/// Reads the tokenizer, or returns the reason why it cannot be used.
pub fn read(metadata: &Metadata) -> Result<Tokenizer, String> {
    let kind = Kind::from_metadata(metadata)?;
    let vocabulary = Vocabulary::read(metadata)?;
    let mut notes = Vec::new();
    let name = metadata.present_text("tokenizer.ggml.pre")?;
    let (cut, adds_beginning) = match kind {
        // llama.cpp does not split sentencepiece's texts, whatever the name is.
        Kind::Sentencepiece => (None, true),
        Kind::ByteLevel => {
            let cut = Cut::named(name)?;
            (Some(cut), cut.adds_beginning)
        }
    };
    if cut.is_some() && name.is_none() {
        notes.push(
            "tokenizer.ggml.pre is not there: words are cut as llama.cpp does then, which warns of worse answers"
                .into(),
        );
    }
    let special = Special::read(metadata, kind, &vocabulary.tokens, adds_beginning)?;
    let beginning = special.beginning.filter(|_| special.adds_beginning);
    let beginning = beginning.map(|place| (place, vocabulary.tokens[place].as_str()));
    let added_tokens = added_tokens(metadata, &vocabulary);
    let tokenizer = match cut {
        None => pieces::tokenizer_json(metadata, &vocabulary, &special, added_tokens, begins_with(beginning))?,
        Some(cut) => byte_level(metadata, &vocabulary.tokens, cut, added_tokens, begins_with(beginning))?,
    };
    let template = template(metadata, beginning.map(|(_, token)| token), &mut notes)?;
    add_notes(metadata, &vocabulary, &special, &mut notes);
    let token = |place: Option<usize>| place.map_or(Value::Null, |place| json!(vocabulary.tokens[place]));
    let config = json!({
        // Where there is no template, our own would write this token, which it should not where llama.cpp would not.
        "bos_token": token(special.beginning.filter(|_| special.adds_beginning || !template.is_null())),
        "eos_token": token(special.end),
        "add_bos_token": special.adds_beginning,
        "add_eos_token": special.adds_end,
        "chat_template": template,
    });
    Ok(Tokenizer {
        files: vec![("tokenizer.json".into(), tokenizer), ("tokenizer_config.json".into(), text(&config)?)],
        vocabulary: vocabulary.tokens.len(),
        beginning: special.beginning.map(|place| place as u32),
        ends: special.ends,
        notes,
    })
}

impl<'a> Vocabulary<'a> {
    fn read(metadata: &'a Metadata) -> Result<Self, String> {
        const TYPES: &str = "tokenizer.ggml.token_type";
        let mut tokens = Cow::Borrowed(metadata.texts("tokenizer.ggml.tokens")?);
        if tokens.iter().any(String::is_empty) {
            // Named as in llama.cpp.
            for (place, token) in tokens.to_mut().iter_mut().enumerate().filter(|(_, token)| token.is_empty()) {
                *token = format!("[EMPTY_{place}]");
            }
        }
        let kinds = metadata.integers(TYPES).unwrap_or_default();
        if metadata.has(TYPES) && kinds.len() < tokens.len() {
            return Err(format!("{TYPES} has {} numbers for {} tokens", kinds.len(), tokens.len()));
        }
        let mut places = HashMap::with_capacity(tokens.len());
        for (place, token) in tokens.iter().enumerate() {
            if let Some(first) = places.insert(token.as_str(), place) {
                let shown: String = token.chars().take(40).collect();
                return Err(format!("the tokens {first} and {place} are both {shown:?}"));
            }
        }
        Ok(Self { tokens, kinds })
    }

    /// In a file without kinds, all tokens are normal.
    fn kind(&self, place: usize) -> i64 {
        self.kinds.get(place).copied().unwrap_or(NORMAL)
    }
}

/// Tokens that are matched in the text before anything else.
fn added_tokens(metadata: &Metadata, vocabulary: &Vocabulary<'_>) -> Vec<Value> {
    // llama.cpp recognises these models by their name: spaces after a special token are a part of it.
    let name = metadata.optional_text("general.name").unwrap_or_default().to_lowercase();
    let is_phi3 = ["phi-3", "phi3"].iter().any(|phi3| name.contains(phi3));
    let mut added = Vec::new();
    for (place, token) in vocabulary.tokens.iter().enumerate() {
        let kind = vocabulary.kind(place);
        let is_special = [UNKNOWN, CONTROL].contains(&kind) || is_end(token);
        if !is_special && kind != USER_DEFINED {
            continue;
        }
        added.push(json!({
            "id": place, "content": token, "single_word": false, "lstrip": false,
            "rstrip": is_phi3 && !["<unk>", "<s>", "<|endoftext|>"].contains(&token.as_str()),
            "normalized": false, "special": is_special,
        }));
    }
    added
}

fn byte_level(
    metadata: &Metadata,
    tokens: &[String],
    cut: &Cut,
    added_tokens: Vec<Value>,
    post_processor: Value,
) -> Result<String, String> {
    text(&json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": added_tokens,
        "normalizer": null,
        "pre_tokenizer": cut.pre_tokenizer(),
        "post_processor": post_processor,
        "decoder": { "type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true },
        "model": {
            "type": "BPE",
            "dropout": null,
            "unk_token": null,
            "continuing_subword_prefix": null,
            "end_of_word_suffix": null,
            "fuse_unk": false,
            "byte_fallback": false,
            "ignore_merges": cut.takes_whole_words,
            "vocab": tokens.iter().enumerate().map(|(id, token)| (token.clone(), json!(id))).collect::<Map<_, _>>(),
            "merges": merges(metadata.texts("tokenizer.ggml.merges")?)?,
        },
    }))
}

/// Splits `"a b"` into `["a", "b"]`. A token never contains a space: byte-level BPE writes it as another letter.
fn merges(merges: &[String]) -> Result<Vec<[&str; 2]>, String> {
    merges
        .iter()
        .map(|merge| match merge.split_once(' ') {
            Some((left, right)) if !right.contains(' ') => Ok([left, right]),
            _ => Err(format!("the merge {merge:?} is no pair of tokens")),
        })
        .collect()
}

/// A template, or a list of named ones as in a `tokenizer_config.json`, where the choice is made.
/// llama.cpp begins a prompt with the token `beginning` whether or not the template writes it.
fn template(metadata: &Metadata, beginning: Option<&str>, notes: &mut Vec<String>) -> Result<Value, String> {
    let silent =
        |template: &str| beginning.filter(|token| !template.contains("bos_token") && !template.contains(*token));
    let mut completed = |template: &str| match silent(template) {
        None => template.to_owned(),
        Some(token) => {
            notes.push(format!("the chat template does not write {token}: it is written before it, as llama.cpp does"));
            format!("{{{{ bos_token }}}}{template}")
        }
    };
    let unnamed = metadata.present_text(TEMPLATE)?.map(&mut completed);
    let mut named = Vec::new();
    for key in metadata.keys() {
        if let Some(name) = key.strip_prefix(TEMPLATE).and_then(|rest| rest.strip_prefix('.')) {
            let template = metadata.present_text(key)?.map(&mut completed);
            named.push(json!({ "name": name, "template": template }));
        }
    }
    notes.dedup();
    if named.is_empty() {
        return Ok(json!(unnamed));
    }
    let default = unnamed.map(|template| json!({ "name": "default", "template": template }));
    Ok(default.into_iter().chain(named).collect())
}

/// Notes what a file asks for that is not done, and what it lacks.
fn add_notes(metadata: &Metadata, vocabulary: &Vocabulary<'_>, special: &Special, notes: &mut Vec<String>) {
    if vocabulary.kinds.is_empty() {
        notes.push("tokenizer.ggml.token_type is not there: tokens are special by their names only".into());
    }
    if special.ends.is_empty() {
        notes.push("no token of the file ends a text".into());
    }
    if special.adds_end {
        notes
            .push("llama.cpp ends a prompt with a token (tokenizer.ggml.add_eos_token), which is not done here".into());
    }
    if metadata.integers("tokenizer.ggml.suppress_tokens").is_some_and(|tokens| !tokens.is_empty()) {
        notes.push(
            "llama.cpp never generates the tokens of tokenizer.ggml.suppress_tokens, which is not so here".into(),
        );
    }
    for (key, neutral) in [("general.sampling.penalty_repeat", 1.0), ("general.sampling.mirostat", 0.0)] {
        if metadata.has(key) && metadata.optional_number(key).ok().flatten() != Some(neutral) {
            notes.push(format!("{key} is not applied: the most probable token is taken"));
        }
    }
}

fn text(value: &Value) -> Result<String, String> {
    serde_json::to_string_pretty(value).map(|text| text + "\n").map_err(|error| error.to_string())
}

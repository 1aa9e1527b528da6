//! The tokenizer of seeded models: byte-level BPE, so that a scenario's text becomes about as many tokens as with
//! MobileLLM's own tokenizer, which may not be redistributed.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use crate::{ModelConfig, ModelError};

/// The merges in the order in which they apply, each as the numbers of its two tokens in little-endian u16. Made by
/// `examples/train-seeded-tokenizer.rs`; packed, because the same as text would be three times as long.
const MERGES: &[u8] = include_bytes!("../../assets/seeded-tokenizer.merges");
/// The first tokens, as in MobileLLM's vocabulary. Other vocabularies have the tokens that begin and end a text elsewhere.
const SPECIAL: [&str; 3] = ["<unk>", "<s>", "</s>"];
/// The token of byte 0; the others follow.
const FIRST_BYTE: usize = SPECIAL.len();
const FIRST_MERGE: usize = FIRST_BYTE + 256;

/// `tokenizer.json` and `tokenizer_config.json` for a model with that vocabulary. A smaller vocabulary takes only the first
/// merges, which are a valid BPE tokenizer, too; a larger one is padded with tokens that no text contains.
pub fn files(config: &ModelConfig) -> Result<(String, String), ModelError> {
    let vocabulary = config.vocabulary;
    if vocabulary < FIRST_MERGE {
        return Err(ModelError::Config(format!(
            "vocab_size is {vocabulary}, a seeded tokenizer needs {FIRST_MERGE}: {} special tokens and 256 bytes",
            SPECIAL.len()
        )));
    }
    let merges: Vec<[usize; 2]> = MERGES
        .chunks_exact(4)
        .take(vocabulary - FIRST_MERGE)
        .map(|pair| [u16::from_le_bytes([pair[0], pair[1]]), u16::from_le_bytes([pair[2], pair[3]])].map(usize::from))
        .collect();
    let mut tokens: Vec<String> = (0..FIRST_BYTE).map(unused).collect();
    tokens.extend((0..=255).map(|byte| byte_character(byte).to_string()));
    for [left, right] in &merges {
        tokens.push(format!("{}{}", tokens[*left], tokens[*right]));
    }
    let special = special(config, tokens.len())?;
    tokens.extend((tokens.len()..vocabulary).map(unused));
    for (&token, &content) in &special {
        tokens[token] = content.to_owned();
    }
    let merges = merges.iter().map(|pair| pair.map(|token| tokens[token].as_str())).collect();

    let tokenizer = TokenizerJson {
        version: "1.0",
        truncation: (),
        padding: (),
        added_tokens: special.iter().map(|(id, content)| AddedToken::special(*id, content)).collect(),
        normalizer: (),
        pre_tokenizer: Step::Sequence {
            pretokenizers: [Box::new(Step::Digits { individual_digits: true }), Box::new(Step::byte_level(false))],
        },
        post_processor: (),
        decoder: Step::byte_level(true),
        model: Bpe { kind: "BPE", vocab: Vocabulary(&tokens), merges },
    };
    let tokenizer_config = TokenizerConfig {
        tokenizer_class: "PreTrainedTokenizerFast",
        unk_token: SPECIAL[0],
        bos_token: special[&begin(config)],
        eos_token: special[&end(config)],
        add_bos_token: true,
        add_eos_token: false,
        clean_up_tokenization_spaces: false,
        model_max_length: config.context,
    };
    let text = |json: Result<String, serde_json::Error>| {
        json.map(|json| json + "\n").map_err(|error| ModelError::Config(error.to_string()))
    };
    Ok((text(serde_json::to_string(&tokenizer))?, text(serde_json::to_string_pretty(&tokenizer_config))?))
}

/// The token that begins a text.
fn begin(config: &ModelConfig) -> usize {
    config.bos_token.map_or(1, |token| token as usize)
}

/// The token that ends a text.
fn end(config: &ModelConfig) -> usize {
    config.eos_tokens.first().map_or(2, |token| *token as usize)
}

/// The special tokens by their numbers, as the configuration has them: a token with several purposes has the
/// first of their names. `after_text` is the first token that no text contains.
fn special(config: &ModelConfig, after_text: usize) -> Result<BTreeMap<usize, &'static str>, ModelError> {
    let mut special = BTreeMap::new();
    for (token, content) in [0, begin(config), end(config)].into_iter().zip(SPECIAL) {
        if (FIRST_BYTE..after_text).contains(&token) {
            let reason =
                format!("token {token} (bos or eos) is one of a seeded tokenizer's {after_text} tokens for text");
            return Err(ModelError::Config(reason));
        }
        special.entry(token).or_insert(content);
    }
    Ok(special)
}

fn unused(token: usize) -> String {
    format!("<unused{token}>")
}

/// The character that represents a byte in byte-level BPE: itself if it is printable, else one from U+0100 on, so that no
/// token contains a space or a control character (as in GPT-2).
fn byte_character(byte: u8) -> char {
    let prints = |byte: u8| matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    if prints(byte) {
        return char::from(byte);
    }
    let rank = (0..byte).filter(|other| !prints(*other)).count() as u32;
    char::from_u32(0x100 + rank).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// `tokenizer.json` of Hugging Face's tokenizers, field by field: the order of a `serde_json` map would depend
/// on the features that other crates enable, and the file's SHA-256 with it.
#[derive(Serialize)]
struct TokenizerJson<'a> {
    version: &'static str,
    truncation: (),
    padding: (),
    added_tokens: Vec<AddedToken<'a>>,
    normalizer: (),
    pre_tokenizer: Step,
    post_processor: (),
    decoder: Step,
    model: Bpe<'a>,
}

/// A step before or after the model.
#[derive(Serialize)]
#[serde(tag = "type")]
enum Step {
    Sequence {
        pretokenizers: [Box<Step>; 2],
    },
    /// Splits numbers as MobileLLM's tokenizer does, into single digits.
    Digits {
        individual_digits: bool,
    },
    ByteLevel {
        add_prefix_space: bool,
        trim_offsets: bool,
        use_regex: bool,
    },
}

impl Step {
    fn byte_level(add_prefix_space: bool) -> Self {
        Self::ByteLevel { add_prefix_space, trim_offsets: true, use_regex: true }
    }
}

/// `tokenizer_config.json`. It has no chat template, so the project's own applies.
#[derive(Serialize)]
struct TokenizerConfig {
    tokenizer_class: &'static str,
    unk_token: &'static str,
    bos_token: &'static str,
    eos_token: &'static str,
    add_bos_token: bool,
    add_eos_token: bool,
    clean_up_tokenization_spaces: bool,
    model_max_length: usize,
}

#[derive(Serialize)]
struct AddedToken<'a> {
    id: usize,
    content: &'a str,
    single_word: bool,
    lstrip: bool,
    rstrip: bool,
    normalized: bool,
    special: bool,
}

impl<'a> AddedToken<'a> {
    fn special(id: usize, content: &'a str) -> Self {
        Self { id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true }
    }
}

#[derive(Serialize)]
struct Bpe<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    vocab: Vocabulary<'a>,
    merges: Vec<[&'a str; 2]>,
}

/// Token texts in the order of their numbers.
struct Vocabulary<'a>(&'a [String]);

impl Serialize for Vocabulary<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().enumerate().map(|(id, token)| (token, id)))
    }
}

#[cfg(test)]
mod tests;

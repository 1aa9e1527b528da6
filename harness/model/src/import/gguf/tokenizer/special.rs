//! Tokens with a purpose, and which of them surround a text: llama.cpp's defaults, and what the file says.

use super::{super::metadata::Metadata, Kind};

/// Names of tokens that end a text, whatever a file says about them (`llama_vocab::impl::load`).
const ENDS: [&str; 33] = [
    "<|eot_id|>",
    "<|im_end|>",
    "<|end|>",
    "<|return|>",
    "<|call|>",
    "<|flush|>",
    "<|calls|>",
    "<end_of_turn>",
    "<|endoftext|>",
    "</s>",
    "<|eom_id|>",
    "<EOT>",
    "_<EOT>",
    "[EOT]",
    "[EOS]",
    "<|end_of_text|>",
    "<end_of_utterance>",
    "<eos>",
    "<turn|>",
    "<|tool_response>",
    "<｜end▁of▁sentence｜>",
    "[e~[",
    // The separator of files in a sequence of them.
    "<|fim_pad|>",
    "<fim-pad>",
    "<fim_pad>",
    "<PAD>",
    "[PAD]",
    "<|fim_repo|>",
    "<|repo_name|>",
    "<fim-repo>",
    "<REPO>",
    "<reponame>",
    "<|file_sep|>",
];
/// Keys of tokens that end a text.
const END_KEYS: [&str; 3] =
    ["tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"];

/// Positions in the vocabulary.
pub struct Special {
    pub beginning: Option<usize>,
    pub end: Option<usize>,
    pub unknown: Option<usize>,
    /// All tokens that end a text, ascending.
    pub ends: Vec<u32>,
    pub adds_beginning: bool,
    pub adds_end: bool,
}

impl Special {
    /// `adds_beginning` is llama.cpp's default for such a vocabulary, unless the file says otherwise.
    pub fn read(metadata: &Metadata, kind: Kind, tokens: &[String], adds_beginning: bool) -> Result<Self, String> {
        let token = |key: &str, otherwise: Option<usize>| match metadata.optional_size(key)? {
            None => Ok(otherwise.filter(|token| *token < tokens.len())),
            Some(token) if token < tokens.len() => Ok(Some(token)),
            Some(token) => Err(format!("{key} is {token}, there are {} tokens", tokens.len())),
        };
        // llama.cpp uses 11, Falcon's, for all byte-level vocabularies; this does not apply to any other model.
        let [beginning, end, unknown] = match kind {
            Kind::Sentencepiece => [Some(1), Some(2), Some(0)],
            Kind::ByteLevel => [None; 3],
        };
        let mut ends: Vec<u32> = Vec::new();
        for (key, otherwise) in END_KEYS.into_iter().zip([end, None, None]) {
            ends.extend(token(key, otherwise)?.map(|token| token as u32));
        }
        let named = tokens.iter().enumerate().filter(|(_, token)| ENDS.contains(&token.as_str()));
        ends.extend(named.map(|(place, _)| place as u32));
        ends.sort_unstable();
        ends.dedup();
        let adds = |key: &str, otherwise: bool| Ok::<_, String>(metadata.optional_boolean(key)?.unwrap_or(otherwise));
        Ok(Self {
            beginning: token("tokenizer.ggml.bos_token_id", beginning)?,
            end: token(END_KEYS[0], end)?,
            unknown: token("tokenizer.ggml.unknown_token_id", unknown)?,
            ends,
            adds_beginning: adds("tokenizer.ggml.add_bos_token", adds_beginning)?,
            adds_end: adds("tokenizer.ggml.add_eos_token", false)?,
        })
    }
}

/// Whether a token's name means that it ends a text, which makes it a special token.
pub fn is_end(token: &str) -> bool {
    ENDS.contains(&token)
}

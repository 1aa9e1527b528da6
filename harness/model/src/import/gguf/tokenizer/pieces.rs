//! A sentencepiece vocabulary inside a GGUF file. llama.cpp merges the two pieces whose result has the highest score,
//! leftmost first (`llm_tokenizer_spm`): this equals byte-pair encoding as long as no two pieces have the same score.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::{NORMAL, Special, Vocabulary};
use crate::import::{
    gguf::metadata::Metadata,
    sentencepiece::{Pieces, Scored, Spaces},
};

const SCORES: &str = "tokenizer.ggml.scores";

/// The text of a `tokenizer.json` that gives the same tokens, or the reason why there is none.
pub fn tokenizer_json(
    metadata: &Metadata,
    vocabulary: &Vocabulary<'_>,
    special: &Special,
    added_tokens: Vec<Value>,
    post_processor: Value,
) -> Result<String, String> {
    refuse_normalizers(metadata)?;
    let tokens = &vocabulary.tokens;
    let scores =
        metadata.numbers(SCORES).ok_or_else(|| format!("the key {SCORES:?} is missing or no list of numbers"))?;
    if scores.len() < tokens.len() {
        return Err(format!("{SCORES} has {} numbers for {} tokens", scores.len(), tokens.len()));
    }
    let pieces: Vec<Scored<'_>> = tokens.iter().map(String::as_str).zip(scores).collect();
    refuse_ties(vocabulary, &pieces)?;
    let known: HashSet<&str> = tokens.iter().map(String::as_str).collect();
    Pieces {
        pieces: &pieces,
        added_tokens,
        unknown: special.unknown.map(|place| tokens[place].clone()),
        byte_fallback: (0..=255).all(|byte| known.contains(format!("<0x{byte:02X}>").as_str())),
        // Also after each special token.
        spaces: Spaces::legacy(metadata.optional_boolean("tokenizer.ggml.add_space_prefix")?.unwrap_or(true)),
        post_processor,
    }
    .tokenizer_json()
}

/// A Llama does not change a text before it is split.
fn refuse_normalizers(metadata: &Metadata) -> Result<(), String> {
    const MAP: &str = "tokenizer.ggml.precompiled_charsmap";
    const SPACES: &str = "tokenizer.ggml.remove_extra_whitespaces";
    if metadata.has(MAP) {
        return Err(format!("{MAP} is there; vocabularies that replace characters are not supported"));
    }
    if metadata.optional_boolean(SPACES)? == Some(true) {
        return Err(format!("{SPACES} is true; vocabularies that remove spaces are not supported"));
    }
    Ok(())
}

fn refuse_ties(vocabulary: &Vocabulary<'_>, pieces: &[Scored<'_>]) -> Result<(), String> {
    let mut places: HashMap<u32, usize> = HashMap::with_capacity(pieces.len());
    for (place, (piece, score)) in pieces.iter().enumerate() {
        if !score.is_finite() {
            return Err(format!("{SCORES} has {score} for the token {place}"));
        }
        if vocabulary.kind(place) != NORMAL || piece.chars().nth(1).is_none() {
            continue;
        }
        // 0 and -0 are the same score.
        if let Some(other) = places.insert((score + 0.0).to_bits(), place) {
            let shown = |piece: &str| piece.chars().take(40).collect::<String>();
            return Err(format!(
                "{SCORES} has {score} for both {:?} and {:?}: which of them is joined first depends on where they stand, \
                 which is not supported; import the folder that the file was made from, with its own tokenizer",
                shown(pieces[other].0),
                shown(piece)
            ));
        }
    }
    Ok(())
}

//! `generation_config.json`: the tokens that end a text, and its other requests, which are not followed.

use std::path::Path;

use pocketwatt_files::read_text_bounded;
use serde_json::{Map, Value};

use super::parse;
use crate::{ModelError, folder::MOST_TEXT_BYTES};

const FILE: &str = "generation_config.json";
const END: &str = "eos_token_id";

/// Keys by which transformers' `generate` chooses other tokens than the most probable, or ends elsewhere, and the values that
/// change nothing (`GenerationConfig` in `generation/configuration_utils.py`). The scenario sets the length of answers.
const CHANGES: [(&str, Neutral); 31] = [
    ("do_sample", Neutral::False),
    ("num_beams", Neutral::Number(1.0)),
    ("num_beam_groups", Neutral::Number(1.0)),
    ("penalty_alpha", Neutral::Number(0.0)),
    ("dola_layers", Neutral::Nothing),
    ("constraints", Neutral::Nothing),
    ("repetition_penalty", Neutral::Number(1.0)),
    ("encoder_repetition_penalty", Neutral::Number(1.0)),
    ("diversity_penalty", Neutral::Number(0.0)),
    ("no_repeat_ngram_size", Neutral::Number(0.0)),
    ("encoder_no_repeat_ngram_size", Neutral::Number(0.0)),
    ("guidance_scale", Neutral::Number(1.0)),
    ("bad_words_ids", Neutral::Nothing),
    ("force_words_ids", Neutral::Nothing),
    ("sequence_bias", Neutral::Nothing),
    ("suppress_tokens", Neutral::Nothing),
    ("begin_suppress_tokens", Neutral::Nothing),
    ("forced_bos_token_id", Neutral::Nothing),
    ("forced_eos_token_id", Neutral::Nothing),
    ("forced_decoder_ids", Neutral::Nothing),
    ("exponential_decay_length_penalty", Neutral::Nothing),
    ("min_length", Neutral::Number(0.0)),
    ("min_new_tokens", Neutral::Number(0.0)),
    ("max_time", Neutral::Nothing),
    ("stop_strings", Neutral::Nothing),
    ("watermarking_config", Neutral::Nothing),
    ("token_healing", Neutral::False),
    // These matter only where tokens are sampled.
    ("temperature", Neutral::Drawn),
    ("top_k", Neutral::Drawn),
    ("top_p", Neutral::Drawn),
    ("min_p", Neutral::Drawn),
];

/// The value with which a key changes nothing; `null` is one for each key.
#[derive(Clone, Copy)]
enum Neutral {
    False,
    Number(f64),
    /// Empty lists and objects.
    Nothing,
    /// Any value, unless `do_sample` is true.
    Drawn,
}

impl Neutral {
    fn is(self, value: &Value, draws: bool) -> bool {
        match (self, value) {
            (_, Value::Null) => true,
            (Self::False, value) => *value == Value::Bool(false),
            (Self::Number(neutral), value) => value.as_f64() == Some(neutral),
            (Self::Nothing, Value::Array(items)) => items.is_empty(),
            (Self::Nothing, Value::Object(items)) => items.is_empty(),
            (Self::Nothing, _) => false,
            (Self::Drawn, _) => !draws,
        }
    }
}

/// The contents of the file.
#[derive(Debug, Default)]
pub(super) struct Generation {
    /// Tokens that end a text, in addition to those of `config.json`.
    pub ends: Vec<u32>,
    /// What it requests and is not done.
    pub note: Option<String>,
}

impl Generation {
    /// Reads the file of a model folder, if it exists.
    ///
    /// # Errors
    /// When it cannot be read or is malformed.
    pub fn read(folder: &Path) -> Result<Self, ModelError> {
        let path = folder.join(FILE);
        if !path.exists() {
            return Ok(Self::default());
        }
        let text = read_text_bounded(&path, MOST_TEXT_BYTES).map_err(ModelError::io("read", &path))?;
        let keys: Map<String, Value> = parse(&path, &text)?;
        let ends = ends(keys.get(END)).ok_or_else(|| {
            ModelError::invalid(&path, format!("{END} is neither a token's number nor a list of them"))
        })?;
        Ok(Self { ends, note: note(&keys) })
    }
}

/// Negative numbers are not tokens; some files use them for "none".
fn ends(value: Option<&Value>) -> Option<Vec<u32>> {
    let listed = match value {
        None | Some(Value::Null) => return Some(Vec::new()),
        Some(Value::Array(listed)) => listed.as_slice(),
        Some(one) => std::slice::from_ref(one),
    };
    let numbers = listed.iter().map(|value| match value.as_i64()? {
        ..0 => Some(None),
        number => u32::try_from(number).ok().map(Some),
    });
    Some(numbers.collect::<Option<Vec<_>>>()?.into_iter().flatten().collect())
}

fn note(keys: &Map<String, Value>) -> Option<String> {
    let draws = keys.get("do_sample") == Some(&Value::Bool(true));
    let asked = CHANGES.iter().filter_map(|(key, neutral)| {
        let value = keys.get(*key).filter(|value| !neutral.is(value, draws))?;
        Some(format!("{key} {value}"))
    });
    let asked: Vec<String> = asked.collect();
    (!asked.is_empty()).then(|| {
        format!("{FILE} asks for {}, which is not done: every backend takes the likeliest token", asked.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn read(text: &str) -> Result<Generation, String> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), text).unwrap();
        Generation::read(folder.path()).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_asked_for_and_not_done_is_reported() {
        let drawn = read(r#"{"do_sample": true, "temperature": 0.6, "top_p": 0.9, "eos_token_id": [7, 8]}"#).unwrap();
        assert_eq!(drawn.ends, [7, 8]);
        let note = drawn.note.unwrap();
        assert!(note.contains("asks for do_sample true, temperature 0.6, top_p 0.9, which is not done"), "{note}");
        let greedy = read(r#"{"temperature": 0.6, "repetition_penalty": 1.1, "stop_strings": ["User:"]}"#).unwrap();
        let note = greedy.note.unwrap();
        assert!(note.contains("asks for repetition_penalty 1.1, stop_strings [\"User:\"], which"), "{note}");
        let neutral = r#"{"do_sample": false, "repetition_penalty": 1.0, "num_beams": 1, "bad_words_ids": null, "max_length": 9,
            "suppress_tokens": [], "eos_token_id": 3, "pad_token_id": -1}"#;
        let neutral = read(neutral).unwrap();
        assert_eq!((neutral.ends, neutral.note), (vec![3], None));
    }

    #[test]
    fn ends_that_are_no_tokens_are_refused() {
        assert!(read(r#"{"eos_token_id": "</s>"}"#).unwrap_err().contains("eos_token_id is neither"));
        assert!(read(r#"{"eos_token_id": [1, 2.5]}"#).unwrap_err().contains("generation_config.json"));
        assert_eq!(read(r#"{"eos_token_id": [-1, 2]}"#).unwrap().ends, [2]);
    }
}

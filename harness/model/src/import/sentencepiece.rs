//! Converts a sentencepiece `tokenizer.model`, as LLaMA and MobileLLM ship it, to a `tokenizer.json`.
//!
//! The rules are those of Hugging Face's own converter for LLaMA (`LlamaConverter` in transformers): the merges of its
//! byte-pair encoding are all pairs of known pieces whose concatenation is a known piece, by descending score.

mod merges;
mod spaces;

use std::{collections::HashMap, path::Path};

use pocketwatt_files::read_bounded;
use prost::Message;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use self::merges::Merges;
pub(super) use self::{merges::Scored, spaces::Spaces};
use crate::ModelError;

/// Longest file that is read, in bytes: those of the largest vocabularies have 5 MB.
const MOST_BYTES: u64 = 8 << 20;
/// The needed fields of `ModelProto` in sentencepiece_model.proto.
#[derive(Clone, PartialEq, Message)]
struct ModelProto {
    #[prost(message, repeated, tag = "1")]
    pieces: Vec<Piece>,
    #[prost(message, optional, tag = "2")]
    trainer: Option<TrainerSpec>,
    #[prost(message, optional, tag = "3")]
    normalizer: Option<NormalizerSpec>,
}

#[derive(Clone, PartialEq, Message)]
struct Piece {
    #[prost(string, optional, tag = "1")]
    piece: Option<String>,
    #[prost(float, optional, tag = "2")]
    score: Option<f32>,
    #[prost(int32, optional, tag = "3")]
    kind: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
struct TrainerSpec {
    #[prost(int32, optional, tag = "3")]
    model_type: Option<i32>,
    #[prost(bool, optional, tag = "35")]
    byte_fallback: Option<bool>,
    #[prost(int32, optional, tag = "40")]
    unknown: Option<i32>,
    #[prost(int32, optional, tag = "41")]
    beginning: Option<i32>,
    #[prost(int32, optional, tag = "42")]
    end: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
struct NormalizerSpec {
    #[prost(bytes = "vec", optional, tag = "2")]
    precompiled_charsmap: Option<Vec<u8>>,
    #[prost(bool, optional, tag = "3")]
    add_dummy_prefix: Option<bool>,
    #[prost(bool, optional, tag = "4")]
    remove_extra_whitespaces: Option<bool>,
}

/// `ModelType::BPE`.
const BYTE_PAIR_ENCODING: i32 = 2;
/// `SentencePiece::Type`: control symbols and user-defined symbols are whole tokens.
const CONTROL: i32 = 3;
const USER_DEFINED: i32 = 4;

/// The text of a `tokenizer.json` that gives the same tokens. `configuration` is `tokenizer_config.json`, if it exists: it
/// says whether a text begins with the token for its beginning, and where spaces are added before words.
///
/// # Errors
/// When the file is not a sentencepiece model, or is of another kind than LLaMA's.
pub(super) fn tokenizer_json(path: &Path, configuration: Option<&Value>) -> Result<String, ModelError> {
    let invalid = |reason: String| ModelError::invalid(path, reason);
    let model = read(path)?;
    refuse_other_kinds(&model).map_err(invalid)?;
    let pieces: Vec<Scored<'_>> = model
        .pieces
        .iter()
        .map(|piece| (piece.piece.as_deref().unwrap_or_default(), piece.score.unwrap_or(0.0)))
        .collect();
    refuse_duplicates(&pieces).map_err(invalid)?;
    let trainer = model.trainer.clone().unwrap_or_default();
    let special = |index: Option<i32>, otherwise: usize| {
        let index = index.map_or(Some(otherwise), |index| usize::try_from(index).ok());
        index.filter(|&index| index < pieces.len()).map(|index| (index, pieces[index].0.to_owned()))
    };
    let unknown = special(trainer.unknown, 0);
    let beginning = special(trainer.beginning, 1);
    let wanted = configuration.and_then(|configuration| configuration.get("add_bos_token")).and_then(Value::as_bool);
    let document = Pieces {
        pieces: &pieces,
        added_tokens: added_tokens(&model, [&unknown, &beginning, &special(trainer.end, 2)]),
        byte_fallback: trainer.byte_fallback.unwrap_or(false),
        spaces: Spaces::from_configuration(configuration),
        // LLaMA's texts begin with this token unless the configuration says otherwise.
        post_processor: begins_with(
            beginning.as_ref().map(|(index, piece)| (*index, piece.as_str())).filter(|_| wanted.unwrap_or(true)),
        ),
        unknown: unknown.map(|(_, piece)| piece),
    };
    document.tokenizer_json().map_err(invalid)
}

/// A vocabulary of pieces, and the processing around it.
pub(super) struct Pieces<'a> {
    pub(super) pieces: &'a [Scored<'a>],
    /// Tokens that are matched in a text before pieces are merged.
    pub(super) added_tokens: Vec<Value>,
    /// The piece for text that has none.
    pub(super) unknown: Option<String>,
    /// Whether text without a piece is written as its bytes.
    pub(super) byte_fallback: bool,
    pub(super) spaces: Spaces,
    pub(super) post_processor: Value,
}

impl Pieces<'_> {
    /// The text of a `tokenizer.json` that merges pieces by their scores.
    pub(super) fn tokenizer_json(self) -> Result<String, String> {
        let document = TokenizerJson {
            version: "1.0",
            truncation: (),
            padding: (),
            added_tokens: self.added_tokens,
            normalizer: self.spaces.normalizer(),
            pre_tokenizer: self.spaces.pre_tokenizer(),
            post_processor: self.post_processor,
            decoder: self.spaces.decoder(),
            model: BytePairs {
                kind: "BPE",
                dropout: (),
                unk_token: self.unknown,
                continuing_subword_prefix: (),
                end_of_word_suffix: (),
                fuse_unk: true,
                byte_fallback: self.byte_fallback,
                ignore_merges: false,
                vocab: self.pieces,
                merges: Merges::find(self.pieces)?,
            },
        };
        serde_json::to_string(&document).map_err(|error| error.to_string())
    }
}

fn read(path: &Path) -> Result<ModelProto, ModelError> {
    let bytes = read_bounded(path, MOST_BYTES).map_err(ModelError::io("read", path))?;
    ModelProto::decode(bytes.as_slice())
        .map_err(|error| ModelError::invalid(path, format!("it is not a sentencepiece model: {error}")))
}

/// Whether the model itself asks for a space before texts, which transformers' conversion ignores. A file that
/// cannot be read is refused when it is converted.
pub(super) fn has_prefix(path: &Path) -> bool {
    let normalizer = read(path).ok().and_then(|model| model.normalizer);
    normalizer.and_then(|normalizer| normalizer.add_dummy_prefix).unwrap_or(true)
}

fn refuse_other_kinds(model: &ModelProto) -> Result<(), String> {
    if model.pieces.is_empty() {
        return Err("it is not a sentencepiece model: it has no pieces".into());
    }
    let kind = model.trainer.as_ref().and_then(|trainer| trainer.model_type).unwrap_or(1);
    if kind != BYTE_PAIR_ENCODING {
        return Err(format!("its model_type is {kind}: only byte-pair encoding ({BYTE_PAIR_ENCODING}) is converted"));
    }
    let normalizer = model.normalizer.clone().unwrap_or_default();
    if normalizer.precompiled_charsmap.is_some_and(|map| !map.is_empty()) {
        return Err(
            "it replaces characters (precompiled_charsmap), which LLaMA's does not: convert it with transformers"
                .into(),
        );
    }
    if normalizer.remove_extra_whitespaces.unwrap_or(true) {
        return Err(
            "it removes spaces (remove_extra_whitespaces), which LLaMA's does not: convert it with transformers".into(),
        );
    }
    Ok(())
}

fn refuse_duplicates(pieces: &[Scored<'_>]) -> Result<(), String> {
    let mut places = HashMap::with_capacity(pieces.len());
    for (index, (piece, _)) in pieces.iter().enumerate() {
        if let Some(first) = places.insert(*piece, index) {
            let shown: String = piece.chars().take(40).collect();
            return Err(format!("pieces {first} and {index} are both {shown:?}"));
        }
    }
    Ok(())
}

/// The keys in the order of Hugging Face's own files.
#[derive(Serialize)]
struct TokenizerJson<'a> {
    version: &'a str,
    truncation: (),
    padding: (),
    added_tokens: Vec<Value>,
    normalizer: Value,
    pre_tokenizer: Value,
    post_processor: Value,
    decoder: Value,
    model: BytePairs<'a>,
}

#[derive(Serialize)]
struct BytePairs<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    dropout: (),
    unk_token: Option<String>,
    continuing_subword_prefix: (),
    end_of_word_suffix: (),
    fuse_unk: bool,
    byte_fallback: bool,
    ignore_merges: bool,
    #[serde(serialize_with = "identities")]
    vocab: &'a [Scored<'a>],
    merges: Merges<'a>,
}

/// Each piece with its position.
fn identities<S: Serializer>(pieces: &[Scored<'_>], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(pieces.iter().enumerate().map(|(index, (piece, _))| (piece, index)))
}

fn added_tokens(model: &ModelProto, special: [&Option<(usize, String)>; 3]) -> Vec<Value> {
    let mut tokens: Vec<(usize, &str, bool)> =
        special.into_iter().flatten().map(|(index, piece)| (*index, piece.as_str(), true)).collect();
    let is_special = |index: usize| special.into_iter().flatten().any(|(known, _)| *known == index);
    for (index, piece) in model.pieces.iter().enumerate() {
        let kind = piece.kind.unwrap_or_default();
        if [CONTROL, USER_DEFINED].contains(&kind) && !is_special(index) {
            tokens.push((index, piece.piece.as_deref().unwrap_or_default(), kind == CONTROL));
        }
    }
    tokens.sort_by_key(|(index, ..)| *index);
    let token = |(id, content, special): (usize, &str, bool)| {
        json!({
            "id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
            "special": special,
        })
    };
    tokens.into_iter().map(token).collect()
}

/// The special token that begins a text: its position and its text.
pub(super) fn begins_with(beginning: Option<(usize, &str)>) -> Value {
    let Some((index, piece)) = beginning else { return Value::Null };
    let text = |identity: &str, kind: u32| json!({"Sequence": {"id": identity, "type_id": kind}});
    let special = |kind: u32| json!({"SpecialToken": {"id": piece, "type_id": kind}});
    json!({
        "type": "TemplateProcessing",
        "single": [special(0), text("A", 0)],
        "pair": [special(0), text("A", 0), special(1), text("B", 1)],
        "special_tokens": { piece: {"id": piece, "ids": [index], "tokens": [piece]} },
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde::Deserialize;
    use tokenizers::Tokenizer;

    use super::*;

    /// A byte-pair model of 480 pieces with byte fallback, trained on this project's documents with LLaMA's settings.
    fn fixture(name: &str) -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/sentencepiece").join(name)
    }

    fn converted(configuration: Option<Value>) -> Tokenizer {
        tokenizer_json(&fixture("tokenizer.model"), configuration.as_ref()).unwrap().parse().unwrap()
    }

    /// Tokens from sentencepiece itself (its Python package, `encode`).
    #[derive(Deserialize)]
    struct Expected {
        text: String,
        tokens: Vec<u32>,
    }

    #[test]
    fn tokens_are_those_of_sentencepiece_bytes_included() {
        let tokenizer = converted(None);
        let expected: Vec<Expected> = serde_json::from_slice(&fs::read(fixture("expected.json")).unwrap()).unwrap();
        assert!(expected.len() > 5);
        for Expected { text, tokens } in expected {
            let encoded = tokenizer.encode(text.as_str(), false).unwrap();
            assert_eq!(encoded.get_ids(), tokens, "{text:?}");
            assert_eq!(tokenizer.decode(&tokens, true).unwrap(), text);
        }
    }

    /// Tokens from `LlamaTokenizer` of transformers 4.57 for this model.
    #[test]
    fn the_configuration_says_where_a_space_is_put_before_words() {
        let tokens = |configuration: Value| {
            let tokenizer = converted(Some(configuration));
            let encoding = tokenizer.encode("<s>joules</s>joules", false).unwrap();
            assert_eq!(tokenizer.decode(encoding.get_ids(), true).unwrap().matches("joules").count(), 2);
            encoding.get_tokens().iter().map(|token| token.starts_with('\u{2581}')).collect::<Vec<bool>>()
        };
        let marked = |configuration| tokens(configuration).into_iter().filter(|marked| *marked).count();
        assert_eq!(marked(json!({"legacy": true})), 2);
        assert_eq!(marked(json!({})), 2);
        assert_eq!(marked(json!({"legacy": false})), 0);
        assert_eq!(marked(json!({"add_prefix_space": false})), 0);
        let first = converted(Some(json!({"legacy": false}))).encode("joules</s>joules", false).unwrap();
        assert!(first.get_tokens()[0].starts_with('\u{2581}'));
    }

    #[test]
    fn a_text_begins_with_its_special_token_unless_the_configuration_says_no() {
        let first = |configuration| converted(configuration).encode("joules", true).unwrap().get_ids()[0];
        assert_eq!(first(None), 1);
        assert_eq!(first(Some(json!({"add_bos_token": true}))), 1);
        assert_ne!(first(Some(json!({"add_bos_token": false}))), 1);
        let tokenizer = converted(None);
        assert_eq!(
            tokenizer.encode("<s></s>", false).unwrap().get_ids(),
            [1, 2],
            "special tokens are recognised in text"
        );
    }

    /// As `LlamaConverter` of transformers 4.57, which ignores the model's own setting.
    #[test]
    fn whether_a_space_is_put_before_texts_is_the_configurations_word() {
        let mut model = ModelProto::decode(fs::read(fixture("tokenizer.model")).unwrap().as_slice()).unwrap();
        model.normalizer.as_mut().unwrap().add_dummy_prefix = Some(false);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokenizer.model");
        fs::write(&path, model.encode_to_vec()).unwrap();
        assert!(!has_prefix(&path) && has_prefix(&fixture("tokenizer.model")));
        assert_eq!(tokenizer_json(&path, None).unwrap(), tokenizer_json(&fixture("tokenizer.model"), None).unwrap());
    }

    /// The file is part of a model's identity: importing twice gives the same file.
    #[test]
    fn the_text_is_the_same_each_time() {
        let text = || tokenizer_json(&fixture("tokenizer.model"), None).unwrap();
        assert_eq!(text(), text());
        assert!(text().contains("\"vocab\":{\"<unk>\":0,\"<s>\":1,"));
    }

    #[test]
    fn other_models_and_other_files_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokenizer.model");
        let refused = |model: &[u8]| {
            fs::write(&path, model).unwrap();
            tokenizer_json(&path, None).unwrap_err().to_string()
        };
        assert!(refused(b"{}").contains("is not a sentencepiece model"));
        assert!(refused(b"").contains("has no pieces"));
        let mut model = ModelProto::decode(fs::read(fixture("tokenizer.model")).unwrap().as_slice()).unwrap();
        let change = |change: &dyn Fn(&mut ModelProto)| {
            let mut changed = model.clone();
            change(&mut changed);
            refused(&changed.encode_to_vec())
        };
        assert!(change(&|model| model.trainer.as_mut().unwrap().model_type = Some(1)).contains("model_type is 1"));
        assert!(
            change(&|model| model.pieces[9].piece = model.pieces[8].piece.clone()).contains("pieces 8 and 9 are both")
        );
        let charsmap = |model: &mut ModelProto| model.normalizer.as_mut().unwrap().precompiled_charsmap = Some(vec![1]);
        assert!(change(&charsmap).contains("precompiled_charsmap"));
        model.pieces.truncate(1);
        assert!(tokenizer_json(&path, None).is_err());
    }
}

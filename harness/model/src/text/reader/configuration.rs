//! What `tokenizer_config.json` says about how text becomes tokens, other than its tokens and templates, following
//! `PreTrainedTokenizerFast.__init__` reads it in `tokenization_utils_fast.py`.

use serde_json::{Map, Value};
use tokenizers::{ModelWrapper, PreTokenizerWrapper, Tokenizer};

use super::{invalid, special::object};
use crate::text::message::{Failure, Files, TextFile};

/// Classes with the usual rules, except for their default special tokens.
const PLAIN: [&str; 9] = [
    "",
    "CodeGenTokenizer",
    "CodeLlamaTokenizer",
    "GPT2Tokenizer",
    "GPTNeoXTokenizer",
    "GemmaTokenizer",
    "PreTrainedTokenizer",
    "Qwen2Tokenizer",
    "TokenizersBackend",
];
/// The class that leaves a prefix space as the tokenizer has it, unless the configuration sets it.
const LLAMA: &str = "LlamaTokenizer";

/// The class without the suffix by which transformers distinguishes its Rust tokenizers from its Python ones.
pub(super) fn class(configuration: &Map<String, Value>) -> &str {
    let class = configuration.get("tokenizer_class").and_then(Value::as_str).unwrap_or_default();
    class.strip_suffix("Fast").unwrap_or(class)
}

/// Changes the tokenizer as the configuration says, and returns remarks about what is not applied.
///
/// # Errors
/// When the configuration is malformed, or the tokenizer's tokens do not depend only on the text, or other
/// keys affect them.
pub(super) fn configure(tokenizer: &mut Tokenizer, files: &Files) -> Result<Vec<String>, Failure> {
    let configuration = object(files, TextFile::Configuration)?;
    refuse_models(tokenizer.get_model())?;
    let flag = |key: &str| match configuration.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(_) => Err(invalid(TextFile::Configuration, format!("{key} is neither true nor false"))),
    };
    let class = class(&configuration);
    let says_nothing = !configuration.contains_key("add_prefix_space");
    let prefix = flag("add_prefix_space")?.or((says_nothing && class != LLAMA).then_some(false));
    if let (Some(PreTokenizerWrapper::ByteLevel(cut)), Some(prefix)) = (tokenizer.get_pre_tokenizer(), prefix) {
        let mut cut = *cut;
        cut.add_prefix_space = prefix;
        tokenizer.with_pre_tokenizer(Some(cut));
    }
    let mut remarks = Vec::new();
    if flag("split_special_tokens")? == Some(true) {
        tokenizer.set_encode_special_tokens(true);
        remarks.push("split_special_tokens is true: special tokens in a prompt are fed in pieces".to_owned());
    }
    if flag("clean_up_tokenization_spaces")? == Some(true) {
        remarks.push(
            "clean_up_tokenization_spaces is not applied: answers are shown and judged as the tokenizer decodes them"
                .to_owned(),
        );
    }
    if class != LLAMA && !PLAIN.contains(&class) {
        remarks.push(format!(
            "the rules of its tokenizer_class {class} are not known: it is read as tokenizer.json alone says"
        ));
    }
    if let Some(code) = configuration.get("auto_map").and_then(|map| map.get("AutoTokenizer")) {
        remarks.push(format!("its own program for tokens ({code}, auto_map) is not run: tokenizer.json is used"));
    }
    Ok(remarks)
}

fn refuse_models(model: &ModelWrapper) -> Result<(), Failure> {
    let refused = |reason: String| Err(invalid(TextFile::Tokenizer, reason));
    match model {
        ModelWrapper::BPE(pairs) => match pairs.dropout.filter(|dropout| *dropout != 0.0) {
            Some(dropout) => refused(format!(
                "model.dropout is {dropout}: tokens would be drawn by chance, and a prompt have others each time; set it to null"
            )),
            None => Ok(()),
        },
        ModelWrapper::Unigram(_) => Ok(()),
        ModelWrapper::WordPiece(_) | ModelWrapper::WordLevel(_) => {
            let kind = if matches!(model, ModelWrapper::WordLevel(_)) { "WordLevel" } else { "WordPiece" };
            refused(format!("model.type is {kind}: BPE and Unigram are supported"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configured(json: &str, configuration: &str) -> Result<Vec<String>, String> {
        let contents = [configuration.as_bytes().to_vec()];
        let mut tokenizer: Tokenizer = json.parse().unwrap();
        configure(&mut tokenizer, &Files::new(&[TextFile::Configuration], &contents)).map_err(|failure| match failure {
            Failure::Invalid { file, reason } => format!("{}: {reason}", file.name()),
            Failure::Ended(end) => end.to_string(),
        })
    }

    const PAIRS: &str = r#"{"model": {"type": "BPE", "dropout": null, "vocab": {"a": 0}, "merges": []}}"#;

    #[test]
    fn what_is_not_done_is_reported() {
        assert_eq!(configured(PAIRS, r#"{"tokenizer_class": "LlamaTokenizerFast"}"#), Ok(Vec::new()));
        let told = configured(
            PAIRS,
            r#"{"tokenizer_class": "BloomTokenizerFast", "clean_up_tokenization_spaces": true, "split_special_tokens": true,
                "auto_map": {"AutoTokenizer": ["tokenization_own.OwnTokenizer", null]}}"#,
        )
        .unwrap();
        for (told, part) in
            told.iter().zip(["split_special_tokens is true", "clean_up", "BloomTokenizer", "OwnTokenizer"])
        {
            assert!(told.contains(part), "{told}");
        }
        assert_eq!(told.len(), 4);
    }

    #[test]
    fn tokenizers_of_other_kinds_are_refused_by_their_key() {
        let refusal = |json: &str, configuration: &str| configured(json, configuration).unwrap_err();
        assert!(refusal(&PAIRS.replace("null", "0.1"), "{}").contains("model.dropout is 0.1"));
        let pieces = r#"{"model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "\#\#",
            "max_input_chars_per_word": 100, "vocab": {"[UNK]": 0}}}"#
            .replace('\\', "");
        assert!(refusal(&pieces, "{}").contains("model.type is WordPiece"));
        let words = r#"{"model": {"type": "WordLevel", "unk_token": "[UNK]", "vocab": {"[UNK]": 0}}}"#;
        assert!(refusal(words, "{}").contains("model.type is WordLevel"));
        assert!(
            refusal(PAIRS, r#"{"add_prefix_space": "yes"}"#).contains("tokenizer_config.json: add_prefix_space is")
        );
    }
}

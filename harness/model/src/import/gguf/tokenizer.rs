//! The tokenizer inside a GGUF file, as Hugging Face's `tokenizer.json`.

use serde_json::{Map, Value, json};

use super::metadata::Metadata;

/// Kinds of tokens, as llama.cpp numbers them.
const CONTROL: i64 = 3;
const USER_DEFINED: i64 = 4;

/// Llama 3's way of cutting a text, whose words are looked up whole before anything is merged.
const LLAMA3: [&str; 3] = ["llama-bpe", "llama3", "llama-v3"];

/// `tokenizer.json` and `tokenizer_config.json`, or why there are none.
pub fn files(metadata: &Metadata) -> Result<Vec<(String, String)>, String> {
    let model = metadata.text("tokenizer.ggml.model")?;
    if model != "gpt2" {
        let kind = if model == "llama" { "\"llama\" (sentencepiece)".into() } else { format!("{model:?}") };
        return Err(format!(
            "its tokenizer is of the kind {kind}; byte-level BPE (\"gpt2\") is supported: import the folder that the \
             file was made from, with its own tokenizer"
        ));
    }
    let tokens = metadata.texts("tokenizer.ggml.tokens")?;
    let cut = metadata.optional_text("tokenizer.ggml.pre").unwrap_or("default");
    let tokenizer = json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": added_tokens(metadata, tokens),
        "normalizer": null,
        "pre_tokenizer": pre_tokenizer(cut)?,
        "post_processor": null,
        "decoder": { "type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true },
        "model": {
            "type": "BPE",
            "dropout": null,
            "unk_token": null,
            "continuing_subword_prefix": null,
            "end_of_word_suffix": null,
            "fuse_unk": false,
            "byte_fallback": false,
            // llama.cpp sets it by the name (`llama-vocab.cpp`), and Llama 3's own `tokenizer.json` has it.
            "ignore_merges": LLAMA3.contains(&cut),
            "vocab": tokens.iter().enumerate().map(|(id, token)| (token.clone(), json!(id))).collect::<Map<_, _>>(),
            "merges": merges(metadata.texts("tokenizer.ggml.merges")?)?,
        },
    });
    let special = |key: &str| -> Result<Value, String> {
        let id = metadata.optional_size(key)?;
        let token =
            id.map(|id| tokens.get(id).ok_or_else(|| format!("{key} is {id}, there are {} tokens", tokens.len())));
        Ok(token.transpose()?.map_or(Value::Null, |token| json!(token)))
    };
    let config = json!({
        "bos_token": special("tokenizer.ggml.bos_token_id")?,
        "eos_token": special("tokenizer.ggml.eos_token_id")?,
        "chat_template": metadata.optional_text("tokenizer.chat_template"),
    });
    let text =
        |value: &Value| serde_json::to_string_pretty(value).map(|text| text + "\n").map_err(|error| error.to_string());
    Ok(vec![("tokenizer.json".into(), text(&tokenizer)?), ("tokenizer_config.json".into(), text(&config)?)])
}

/// Tokens that are found in the text before anything else.
fn added_tokens(metadata: &Metadata, tokens: &[String]) -> Vec<Value> {
    let kinds = metadata.integers("tokenizer.ggml.token_type").unwrap_or_default();
    let added = kinds.iter().zip(tokens).enumerate().filter(|(_, (kind, _))| [CONTROL, USER_DEFINED].contains(kind));
    added
        .map(|(id, (kind, token))| {
            json!({
                "id": id, "content": token, "single_word": false, "lstrip": false, "rstrip": false,
                "normalized": false, "special": *kind == CONTROL,
            })
        })
        .collect()
}

/// How text is cut before it is merged. The file has a name for it only; the meaning is in llama.cpp and in the original
/// model's `tokenizer.json`.
fn pre_tokenizer(name: &str) -> Result<Value, String> {
    let byte_level = |use_regex: bool| json!({ "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": use_regex });
    match name {
        "default" | "gpt-2" => Ok(byte_level(true)),
        "smollm" => Ok(json!({
            "type": "Sequence",
            "pretokenizers": [{ "type": "Digits", "individual_digits": true }, byte_level(true)],
        })),
        name if LLAMA3.contains(&name) => Ok(json!({
            "type": "Sequence",
            "pretokenizers": [
                {
                    "type": "Split",
                    "pattern": { "Regex": "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+" },
                    "behavior": "Isolated",
                    "invert": false,
                },
                byte_level(false),
            ],
        })),
        other => Err(format!("tokenizer.ggml.pre is {other:?}; default, gpt-2, smollm and llama-bpe are supported")),
    }
}

/// `"a b"` into `["a", "b"]`. A token never holds a space: in byte-level BPE it is another letter.
fn merges(merges: &[String]) -> Result<Vec<[&str; 2]>, String> {
    merges
        .iter()
        .map(|merge| match merge.split_once(' ') {
            Some((left, right)) if !right.contains(' ') => Ok([left, right]),
            _ => Err(format!("the merge {merge:?} is no pair of tokens")),
        })
        .collect()
}

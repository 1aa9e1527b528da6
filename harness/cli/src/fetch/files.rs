//! The files of a repository that an import needs.

use std::{collections::BTreeMap, collections::BTreeSet, path::Path};

use anyhow::{Context, Result};
use pocketwatt_files::read_text_bounded;
use pocketwatt_model::quote_words;
use serde::Deserialize;

use crate::refusal::Refusal;

/// Lists the shards of weights that are too large for one file.
pub const INDEX: &str = "model.safetensors.index.json";
/// Longest index that is read.
const MOST_INDEX_BYTES: u64 = 16 << 20;
const WEIGHTS: &str = "model.safetensors";
const TOKENIZERS: [&str; 2] = ["tokenizer.json", "tokenizer.model"];
const TEMPLATE: &str = "chat_template.jinja";
const FURTHER_TEMPLATES: &str = "additional_chat_templates/";
const OPTIONAL: [&str; 5] =
    ["tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", TEMPLATE, "generation_config.json"];

/// The files to download.
#[derive(Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Names, small files first.
    pub files: Vec<String>,
    /// Whether an index names the weights' files.
    pub sharded: bool,
}

/// Chooses among the files that are `present`.
///
/// # Errors
/// When a file is missing that every model needs.
pub fn wanted(repository: &str, present: &[String]) -> Result<Wanted> {
    let has = |file: &str| present.iter().any(|name| name == file);
    if !has("config.json") {
        return Err(Refusal::error(format!(
            "{repository} has no config.json: it is not a model in Hugging Face's layout"
        )));
    }
    // If both exist, the tokenizer's configuration says which one is used.
    let tokenizers = TOKENIZERS.into_iter().filter(|file| has(file)).map(str::to_owned);
    let tokenizers: Vec<String> = tokenizers.collect();
    if tokenizers.is_empty() {
        return Err(Refusal::error(format!(
            "{repository} has no tokenizer: neither {} nor {}",
            TOKENIZERS[0], TOKENIZERS[1]
        )));
    }
    let sharded = !has(WEIGHTS);
    if sharded && !has(INDEX) {
        let other =
            [".bin", ".pth", ".gguf"].into_iter().find(|ending| present.iter().any(|name| name.ends_with(ending)));
        let other = other.map_or(String::new(), |ending| format!(", only {ending} files"));
        return Err(Refusal::error(format!(
            "{repository} has no weights as safetensors{other}: convert them, and use `pocketwatt model import`"
        )));
    }
    if let Some(further) = present.iter().find(|name| name.starts_with(FURTHER_TEMPLATES)).filter(|_| !has(TEMPLATE)) {
        return Err(Refusal::error(format!(
            "{repository} has {further} and no {TEMPLATE}: it is not clear which of its chat templates is for chats"
        )));
    }
    let mut files = vec!["config.json".to_owned()];
    files.extend(tokenizers);
    files.extend(OPTIONAL.into_iter().filter(|file| has(file)).map(str::to_owned));
    if !sharded {
        files.push(WEIGHTS.to_owned());
    }
    Ok(Wanted { files, sharded })
}

#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

/// The files that an index names.
///
/// # Errors
/// When it is malformed, or names a file that is not `present` beside it.
pub fn shards(index: &Path, present: &[String]) -> Result<BTreeSet<String>> {
    let text =
        read_text_bounded(index, MOST_INDEX_BYTES).with_context(|| format!("cannot read {}", index.display()))?;
    let index: Index = serde_json::from_str(&quote_words(&text))
        .map_err(|error| Refusal::error(format!("{INDEX} is not an index: {error}")))?;
    let shards: BTreeSet<String> = index.weight_map.into_values().collect();
    // Downloaded names become paths: only names of the repository's own files are accepted, and none in other folders.
    match shards.iter().find(|shard| shard.contains(['/', '\\']) || !present.contains(shard)) {
        Some(shard) => Err(Refusal::error(format!("{INDEX} names {shard:?}, which is not a file of the repository"))),
        None => Ok(shards),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn names(files: &[&str]) -> Vec<String> {
        files.iter().map(|file| file.to_string()).collect()
    }

    #[test]
    fn an_import_needs_a_configuration_a_tokenizer_and_weights() {
        let whole = names(&["README.md", "tokenizer.model", "model.safetensors", "config.json", "pytorch_model.bin"]);
        let wanted_files = wanted("a/b", &whole).unwrap();
        assert_eq!(wanted_files.files, ["config.json", "tokenizer.model", "model.safetensors"]);
        assert!(!wanted_files.sharded);
        let sharded = wanted("a/b", &names(&["config.json", "tokenizer.json", "tokenizer.model", INDEX])).unwrap();
        assert_eq!(
            (sharded.files, sharded.sharded),
            (names(&["config.json", "tokenizer.json", "tokenizer.model"]), true)
        );
        let refused = |files: &[&str]| wanted("a/b", &names(files)).unwrap_err().to_string();
        let further = "additional_chat_templates/rag.jinja";
        let files = [
            "config.json",
            "tokenizer.json",
            "special_tokens_map.json",
            "added_tokens.json",
            WEIGHTS,
            TEMPLATE,
            further,
        ];
        assert_eq!(wanted("a/b", &names(&files)).unwrap().files.len(), files.len() - 1);
        assert!(refused(&["config.json", "tokenizer.json", WEIGHTS, further]).contains("no chat_template.jinja"));
        assert_eq!(refused(&["x.gguf"]), "a/b has no config.json: it is not a model in Hugging Face's layout");
        assert_eq!(refused(&["config.json"]), "a/b has no tokenizer: neither tokenizer.json nor tokenizer.model");
        assert_eq!(
            refused(&["config.json", "tokenizer.json", "pytorch_model.bin"]),
            "a/b has no weights as safetensors, only .bin files: convert them, and use `pocketwatt model import`"
        );
    }

    #[test]
    fn an_index_names_files_of_its_repository_only() {
        let folder = tempfile::tempdir().unwrap();
        let index = folder.path().join(INDEX);
        let named = |file: &str| {
            fs::write(&index, format!("{{\"weight_map\": {{\"a\": {file:?}, \"b\": {file:?}}}}}")).unwrap();
            shards(&index, &names(&["one.safetensors", "../two.safetensors"]))
        };
        assert_eq!(named("one.safetensors").unwrap().into_iter().collect::<Vec<_>>(), ["one.safetensors"]);
        for bad in ["three.safetensors", "../two.safetensors"] {
            assert!(named(bad).unwrap_err().to_string().contains("is not a file of the repository"));
        }
        // As Python writes it.
        fs::write(&index, r#"{"metadata": {"total_size": Infinity}, "weight_map": {"a": "one.safetensors"}}"#).unwrap();
        assert!(shards(&index, &names(&["one.safetensors"])).is_ok());
        fs::write(&index, "[]").unwrap();
        assert!(shards(&index, &[]).unwrap_err().to_string().contains("is not an index"));
    }
}

use std::{fs, path::Path};

use pocketwatt::fetch::shards;
use pocketwatt_model::read_source;
use serde_json::{Map, Value, json};

use super::sentencepiece;
use crate::{mutation::Form, scratch, seeds, target::Target};

/// Separates the files.
const BETWEEN: &str = "\n@@@@\n";
/// The files of the input, beside weights and a tokenizer that do not change.
const FILES: [&str; 4] =
    ["config.json", "model.safetensors.index.json", "tokenizer_config.json", "generation_config.json"];
const WEIGHTS: &str = "model-00001-of-00001.safetensors";

pub const TARGET: Target = Target {
    name: "folder",
    form: Form::Json(BETWEEN),
    seeds: || {
        let index: Map<String, Value> =
            seeds::config().tensors().into_iter().map(|tensor| (tensor.name, json!(WEIGHTS))).collect();
        let index = json!({"metadata": {"total_size": 120}, "weight_map": index}).to_string();
        let tokenizer = r#"{"add_bos_token":true,"add_eos_token":false,"add_prefix_space":null,"legacy":true,"bos_token":{"content":"<s>"},"eos_token":"</s>","unk_token":"<unk>","chat_template":"{{ messages }}","added_tokens_decoder":{"1":{"content":"<s>","special":true}}}"#;
        vec![[seeds::CONFIG, &index, tokenizer, r#"{"eos_token_id":[1,2]}"#].join(BETWEEN).into_bytes()]
    },
    words: &["weight_map", "eos_token_id", "chat_template", "added_tokens_decoder"],
    short_runs: 3_000,
    run,
};

/// Reads the folder as an import does, and its index as a download does.
fn run(input: &[u8]) -> bool {
    let text = String::from_utf8_lossy(input);
    let folder = scratch::empty("hub");
    for (name, contents) in FILES.iter().zip(text.split(BETWEEN)) {
        fs::write(folder.join(name), contents).unwrap();
    }
    let present = [WEIGHTS.to_owned()];
    if let Ok(shards) = shards(&folder.join(FILES[1]), &present) {
        assert!(shards.iter().all(|shard| present.contains(shard)), "{shards:?}");
    }
    scratch::file(&format!("hub/{WEIGHTS}"), &seeds::weights());
    scratch::file("hub/tokenizer.model", &sentencepiece::seed(true));
    let Ok((config, texts)) = read_source(&folder) else { return false };
    config.validate().expect("what was read is valid");
    texts.iter().all(|(name, _)| Path::new(name).components().count() == 1)
}

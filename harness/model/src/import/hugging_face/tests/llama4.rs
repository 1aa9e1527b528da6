//! A Llama 4 with Hugging Face's names and order of rows, and logits that `fixtures/llama4/reference.py` computed from it.

use std::{fs, path::Path};

use pocketwatt_protocol::TokenId;
use serde::Deserialize;

use super::{TOKENIZER, TOKENIZER_CONFIGURATION, WEIGHTS};
use crate::{ModelConfig, ModelFolder, Preset, generate_seeded, import, reference, sha256_of_file};

#[derive(Deserialize)]
struct Expected {
    tokens: Vec<u32>,
    logits: Vec<Vec<f32>>,
}

fn fixture() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/llama4"))
}

/// The fixture below `root`, with a tokenizer, which it does not have itself.
fn checkpoint(root: &Path) {
    let source = root.join("theirs");
    let config = ModelConfig { vocabulary: 300, ..Preset::find("tiny").unwrap().config() };
    let seeded = generate_seeded(&config, "seeded", 1, &root.join("seeded")).unwrap();
    fs::create_dir(&source).unwrap();
    for file in [TOKENIZER, TOKENIZER_CONFIGURATION] {
        fs::copy(seeded.path().join(file), source.join(file)).unwrap();
    }
    for file in ["config.json", WEIGHTS] {
        fs::copy(fixture().join(file), source.join(file)).unwrap();
    }
}

fn difference_from_expected(folder: &ModelFolder) -> f32 {
    let expected: Expected =
        serde_json::from_str(&fs::read_to_string(fixture().join("expected.json")).unwrap()).unwrap();
    let tokens: Vec<TokenId> = expected.tokens.iter().map(|&token| TokenId(token)).collect();
    let found = reference::logits(folder, &tokens).unwrap();
    assert_eq!(found.len(), expected.logits.len());
    let pairs = found.iter().flatten().zip(expected.logits.iter().flatten());
    pairs.map(|(found, expected)| (found - expected).abs()).fold(0.0, f32::max)
}

#[test]
fn logits_equal_those_of_an_independent_implementation() {
    let root = tempfile::tempdir().unwrap();
    checkpoint(root.path());
    let imported = import(&root.path().join("theirs"), "mine", &root.path().join("mine")).unwrap();
    let difference = difference_from_expected(&imported);
    assert!(difference < 1e-5, "logits differ by {difference:e}");
    // The comparison would notice if any of these properties were missing.
    let path = imported.path().join("config.json");
    let text = fs::read_to_string(&path).unwrap();
    for (key, another) in [
        ("\"use_qk_norm\": true", "\"use_qk_norm\": false"),
        ("\"attn_temperature_tuning\": true", "\"attn_temperature_tuning\": false"),
        ("\"floor_scale\": 4.0", "\"floor_scale\": 5.0"),
        ("\"attn_scale\": 0.4", "\"attn_scale\": 0.3"),
        ("\"rope_theta\": 1000.0", "\"rope_theta\": 1100.0"),
        ("\"rms_norm_eps\": 0.01", "\"rms_norm_eps\": 0.009"),
    ] {
        assert!(text.contains(key), "{key}: {text}");
        fs::write(&path, text.replace(key, another)).unwrap();
        let difference = difference_from_expected(&ModelFolder::open(imported.path()).unwrap());
        assert!(difference > 1e-3, "{another} hardly matters ({difference:e})");
    }
}

/// Rows that are already in our order must not be reordered again.
#[test]
fn an_imported_folder_can_be_imported() {
    let root = tempfile::tempdir().unwrap();
    checkpoint(root.path());
    let once = import(&root.path().join("theirs"), "once", &root.path().join("once")).unwrap();
    let twice = import(once.path(), "twice", &root.path().join("twice")).unwrap();
    assert_eq!(twice.config(), once.config());
    assert_eq!(sha256_of_file(&twice.weights_path()).unwrap(), sha256_of_file(&once.weights_path()).unwrap());
}

#[test]
fn errors_name_tensors_as_the_file_does() {
    let root = tempfile::tempdir().unwrap();
    checkpoint(root.path());
    let path = root.path().join("theirs/config.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("\"intermediate_size_mlp\": 40", "\"intermediate_size_mlp\": 48")).unwrap();
    let error = import(&root.path().join("theirs"), "mine", &root.path().join("mine")).unwrap_err().to_string();
    assert!(error.contains("model.layers.0.feed_forward.gate_proj.weight"), "{error}");
}

use std::collections::BTreeMap;

use safetensors::tensor::Dtype;

use super::*;
use crate::sha256_of_file;

fn tiny() -> ModelConfig {
    Preset::find("tiny").unwrap().config()
}

fn generate(config: &ModelConfig, seed: u64) -> (tempfile::TempDir, ModelFolder) {
    let root = tempfile::tempdir().unwrap();
    let folder = generate_seeded(config, "model", seed, &root.path().join("model")).unwrap();
    (root, folder)
}

/// The contents of all files by name.
fn contents(folder: &ModelFolder) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder.path()).unwrap().map(Result::unwrap);
    entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())).collect()
}

#[test]
fn a_seed_decides_every_byte_of_the_weights() {
    let (_one, one) = generate(&tiny(), 42);
    let (_same, same) = generate(&tiny(), 42);
    let (_other, other) = generate(&tiny(), 43);
    let names: Vec<String> = contents(&one).into_keys().collect();
    assert_eq!(
        names,
        ["config.json", "model.safetensors", "pocketwatt.json", "tokenizer.json", "tokenizer_config.json"]
    );
    assert_eq!(contents(&one), contents(&same));
    assert_ne!(sha256_of_file(&one.weights_path()).unwrap(), sha256_of_file(&other.weights_path()).unwrap());
}

#[test]
fn a_seed_means_the_same_model_on_every_machine_and_in_every_release() {
    let (_root, folder) = generate(&tiny(), 42);
    insta::assert_snapshot!(fs::read_to_string(folder.path().join("pocketwatt.json")).unwrap(), @r#"
    {
      "format_version": 1,
      "name": "model",
      "origin": {
        "kind": "seeded",
        "preset": "tiny",
        "seed": 42
      },
      "weight_bytes": 297984,
      "weights_sha256": "671622b7a7163daa95ee426837f0054e423bfcd54c382aeb15558c7bfd20a622",
      "config_sha256": "59a7cf95e4e3dad1da3afbf16ee99bf8b6f95b29b02317fdec2cbe44d614a6a3",
      "tokenizer_sha256": "765cf10f52bbcb0733f8607cc0f04727a2f50c9f1f51bd813a167cb2b9bf43ba",
      "other_sha256": {
        "tokenizer_config.json": "8e7cfc1b6a7ee9fa0c01309df85dd06b80675089e5b0e3c78699c5822476ca22"
      }
    }
    "#);
}

#[test]
fn weights_are_aligned_finite_and_of_the_configured_shape() {
    let config = ModelConfig { tied_head: false, vocabulary: 600, ..tiny() };
    let (_root, folder) = generate(&config, 1);
    let weights = folder.weights().unwrap();
    assert_eq!(weights.tensors().len(), config.tensors().len());
    for tensor in config.tensors() {
        let location = weights.tensor(&tensor.name).unwrap();
        assert_eq!(location.dtype, Dtype::F32);
        assert_eq!(location.offset % 64, 0, "{}", tensor.name);
        let values = weights.read_f32(&tensor.name).unwrap();
        assert!(values.iter().all(|value| value.is_finite() && value.abs() < 2.0), "{}", tensor.name);
    }
}

#[test]
fn a_tensor_depends_on_its_name_alone() {
    let deeper = ModelConfig { layers: 3, ..tiny() };
    let (_tiny, tiny) = generate(&tiny(), 1);
    let (_deeper, deeper) = generate(&deeper, 1);
    for tensor in tiny.config().tensors() {
        let values = |folder: &ModelFolder| folder.weights().unwrap().read_f32(&tensor.name).unwrap();
        assert_eq!(values(&tiny), values(&deeper), "{}", tensor.name);
    }
}

#[test]
fn tensors_longer_than_a_chunk_do_not_repeat() {
    // 600,000 bytes of embedding in chunks of 262,144.
    let config = ModelConfig { vocabulary: 3125, ..tiny() };
    let (_root, folder) = generate(&config, 1);
    let values = folder.weights().unwrap().read_f32("model.embed_tokens.weight").unwrap();
    let mut bits: Vec<u32> = values.iter().map(|value| value.to_bits()).collect();
    bits.sort_unstable();
    bits.dedup();
    // Numbers of 24 bits coincide by chance: n²/2^25 = 670 times.
    assert!(bits.len() > values.len() - 1500, "{} of {}", bits.len(), values.len());
}

#[test]
fn every_preset_survives_its_config_json() {
    for preset in Preset::ALL {
        assert_eq!(ModelConfig::from_json(&preset.config().to_json()).unwrap(), preset.config(), "{}", preset.name);
    }
}

#[test]
fn a_seeded_model_knows_its_preset() {
    let origin = |config: &ModelConfig| ModelManifest::read(&generate(config, 5).1).unwrap().origin;
    let seeded = |preset: Option<&str>| ModelOrigin::Seeded { preset: preset.map(str::to_owned), seed: 5 };
    assert_eq!(origin(&tiny()), seeded(Some("tiny")));
    assert_eq!(origin(&Preset::find("tiny-ls").unwrap().config()), seeded(Some("tiny-ls")));
    assert_eq!(origin(&ModelConfig { ffn: 64, ..tiny() }), seeded(None));
}

#[test]
fn what_cannot_be_generated_is_refused_and_leaves_nothing() {
    let root = tempfile::tempdir().unwrap();
    let refusal = |config: &ModelConfig| {
        let error = generate_seeded(config, "model", 1, &root.path().join("model")).unwrap_err();
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
        error.to_string()
    };
    assert!(refusal(&ModelConfig { vocabulary: 100, ..tiny() }).contains("needs 259"));
    assert!(refusal(&ModelConfig { layer_repeats: 3, ..tiny() }).contains("layer_repeats: 3"));
    assert!(refusal(&ModelConfig { kv_heads: 2, ..tiny() }).contains("num_key_value_heads"));
    let huge = ModelConfig { vocabulary: 1 << 24, hidden: 1 << 15, ..tiny() };
    let text = refusal(&huge);
    assert!(text.contains("has no room for the model: 2"), "{text}");
}

#[test]
fn a_disk_that_runs_full_on_the_way_tells_what_is_needed() {
    let full = |kind: std::io::ErrorKind| ModelError::io("write", "/models/one")(kind.into()).or_full(123);
    assert!(
        full(std::io::ErrorKind::StorageFull)
            .to_string()
            .contains("123 bytes are needed and 16777216 more must stay free, but 0 are free")
    );
    assert_eq!(full(std::io::ErrorKind::PermissionDenied).to_string(), "cannot write /models/one");
}

#[test]
fn a_model_is_never_overwritten() {
    let (_root, folder) = generate(&tiny(), 1);
    let before = contents(&folder);
    let error = generate_seeded(&tiny(), "model", 2, folder.path()).unwrap_err();
    assert!(matches!(error, ModelError::Exists { .. }), "{error}");
    assert_eq!(contents(&folder), before);
}

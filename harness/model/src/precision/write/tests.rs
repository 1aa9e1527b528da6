use super::*;
use crate::{Preset, generate_seeded, generate_seeded_in};

fn model(root: &Path) -> (ModelFolder, String) {
    let tiny = Preset::find("tiny").unwrap().config();
    let config = ModelConfig { hidden: 64, heads: 4, ..tiny };
    let folder = generate_seeded(&config, "small", 7, &root.join("small")).unwrap();
    let sha256 = sha256_of_file(&folder.weights_path()).unwrap();
    (folder, sha256)
}

#[test]
fn files_are_made_once_and_again_when_damaged_or_of_other_weights() {
    let root = tempfile::tempdir().unwrap();
    let (folder, source) = model(root.path());
    for precision in Precision::ALL.into_iter().filter(|precision| *precision != Precision::F32) {
        let made = prepare_weights(&folder, &source, precision).unwrap();
        let written = fs::metadata(&made.path).unwrap().modified().unwrap();
        assert_eq!(prepare_weights(&folder, &source, precision).unwrap(), made);
        assert_eq!(fs::metadata(&made.path).unwrap().modified().unwrap(), written, "made once");

        let good = fs::read(&made.path).unwrap();
        let mut bad = good.clone();
        *bad.last_mut().unwrap() ^= 1;
        fs::write(&made.path, bad).unwrap();
        assert_eq!(prepare_weights(&folder, &source, precision).unwrap(), made);
        assert_eq!(fs::read(&made.path).unwrap(), good);

        fs::write(&made.path, b"stale").unwrap();
        prepare_weights(&folder, "other weights", precision).unwrap();
        assert_eq!(fs::read(&made.path).unwrap(), good, "what was made from other weights is not believed");
    }
    let hidden = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().starts_with('.');
    let leftovers = fs::read_dir(folder.path()).unwrap().map(Result::unwrap).filter(hidden);
    assert_eq!(leftovers.count(), 0);
}

#[test]
fn a_weight_beyond_f16_is_reported_and_leaves_no_file() {
    let root = tempfile::tempdir().unwrap();
    let (folder, source) = model(root.path());
    let name = "model.layers.0.mlp.up_proj.weight";
    let offset = folder.weights().unwrap().tensor(name).unwrap().offset as usize;
    let mut bytes = fs::read(folder.weights_path()).unwrap();
    bytes[offset..offset + 4].copy_from_slice(&1e6_f32.to_le_bytes());
    fs::write(folder.weights_path(), bytes).unwrap();
    let before = fs::read_dir(folder.path()).unwrap().count();
    let error = prepare_weights(&folder, &source, Precision::F16).unwrap_err();
    assert!(matches!(&error, ModelError::OutOfRange { name: found, .. } if found == name), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), before);
    prepare_weights(&folder, &source, Precision::Bf16).unwrap();
}

#[test]
fn a_file_of_the_precision_opens_and_that_of_another_does_not() {
    let root = tempfile::tempdir().unwrap();
    let (folder, source) = model(root.path());
    let files = |precision| {
        let made = prepare_weights(&folder, &source, precision).unwrap();
        pocketwatt_protocol::ModelFiles {
            folder: folder.path().to_owned(),
            weights: made.path,
            weights_sha256: made.sha256,
            graph: None,
        }
    };
    for precision in Precision::ALL {
        super::super::open_weights(&files(precision), precision).unwrap();
    }
    let error = super::super::open_weights(&files(Precision::Int8), Precision::Int4).unwrap_err().to_string();
    assert!(error.contains("codes\" in ") && error.contains("the configuration requires"), "{error}");
    assert!(super::super::open_weights(&files(Precision::F32), Precision::Int4).is_err());
    assert!(super::super::open_weights(&files(Precision::Int4), Precision::F32).is_err());
    let error = super::super::open_weights(&files(Precision::Bf16), Precision::F16).unwrap_err().to_string();
    assert!(error.ends_with("is BF16, expected F16"), "{error}");
}

/// A shape with a tensor of more than one chunk, whose last chunk is not full.
fn large() -> ModelConfig {
    let tiny = Preset::find("tiny").unwrap().config();
    ModelConfig { hidden: 64, heads: 4, ffn: 96, vocabulary: 5003, tied_head: false, ..tiny }
}

fn contents(folder: &ModelFolder, name: &str) -> Vec<u8> {
    fs::read(folder.path().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn weights_rounded_as_they_are_drawn_are_those_rounded_from_the_file() {
    let root = tempfile::tempdir().unwrap();
    let config = large();
    let whole = generate_seeded(&config, "large", 3, &root.path().join("whole")).unwrap();
    let sha256 = sha256_of_file(&whole.weights_path()).unwrap();
    for precision in Precision::ALL.into_iter().filter(|precision| *precision != Precision::F32) {
        let rounded = prepare_weights(&whole, &sha256, precision).unwrap();
        let path = root.path().join(precision.name());
        let direct = generate_seeded_in(&config, "large", 3, Some(precision), &path).unwrap();
        assert!(!direct.has_f32());
        let file = weights_file_name(precision);
        for name in [file, &file.replace(".safetensors", ".json"), "pocketwatt.json", "config.json", "tokenizer.json"] {
            assert!(contents(&direct, name) == contents(&whole, name), "{name} differs");
        }
        let manifest = ModelManifest::read(&direct).unwrap();
        assert_eq!(manifest.weights_sha256, sha256, "the weights in f32 have their name though nobody wrote them");
        manifest.verify(&direct).unwrap();
        let found = prepare_weights(&direct, &sha256, precision).unwrap();
        assert_eq!((found.sha256, found.bytes), (rounded.sha256, rounded.bytes), "it is there");
    }
}

#[test]
fn other_precisions_of_a_seeded_model_are_made_when_they_are_needed() {
    let root = tempfile::tempdir().unwrap();
    let whole = generate_seeded(&large(), "large", 3, &root.path().join("whole")).unwrap();
    let sha256 = sha256_of_file(&whole.weights_path()).unwrap();
    let none = generate_seeded_in(&large(), "large", 3, None, &root.path().join("none")).unwrap();
    assert!(Precision::ALL.into_iter().all(|precision| !none.has_weights(precision)));
    let int8 = prepare_weights(&none, &sha256, Precision::Int8).unwrap();
    assert_eq!(
        int8,
        PreparedWeights { path: int8.path.clone(), ..prepare_weights(&whole, &sha256, Precision::Int8).unwrap() }
    );
    assert!(!none.has_f32(), "from the seed alone");

    prepare_weights(&none, &sha256, Precision::F32).unwrap();
    assert!(contents(&none, "model.safetensors") == contents(&whole, "model.safetensors"));
    ModelFolder::open(none.path()).unwrap().weights().unwrap().check(&large()).unwrap();
    // From now on it belongs to the model.
    fs::write(none.weights_path(), b"damaged").unwrap();
    let error = ModelManifest::read(&none).unwrap().verify(&none).unwrap_err();
    assert!(matches!(error, ModelError::Changed { .. }), "{error}");
}

#[test]
fn a_seed_that_makes_other_weights_than_before_makes_none() {
    let root = tempfile::tempdir().unwrap();
    let folder = generate_seeded_in(&large(), "large", 3, None, &root.path().join("model")).unwrap();
    let before = fs::read_dir(folder.path()).unwrap().count();
    for precision in [Precision::Int4, Precision::F32] {
        let error = prepare_weights(&folder, "those of another version", precision).unwrap_err().to_string();
        assert!(error.contains("gives other weights than when the model was generated (sha256 "), "{error}");
        assert!(error.contains("was those of another version): generate it again with --force"), "{error}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), before, "nothing is left of them");
}

#[test]
fn weights_that_are_not_random_are_not_made_again() {
    let root = tempfile::tempdir().unwrap();
    let (folder, source) = model(root.path());
    let manifest = fs::read_to_string(folder.path().join("pocketwatt.json")).unwrap();
    let mut manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    manifest["origin"] = serde_json::json!({"kind": "imported", "source": "a", "format": "b", "sha256": "00"});
    fs::write(folder.path().join("pocketwatt.json"), manifest.to_string()).unwrap();
    fs::remove_file(folder.weights_path()).unwrap();
    for precision in [Precision::Int4, Precision::F32] {
        let error = prepare_weights(&folder, &source, precision).unwrap_err();
        assert!(matches!(&error, ModelError::Io { path, .. } if *path == folder.weights_path()), "{error}");
    }
    assert!(matches!(ModelFolder::open(folder.path()), Err(ModelError::Io { .. })));
}

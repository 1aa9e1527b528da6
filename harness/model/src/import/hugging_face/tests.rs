mod llama4;
mod texts;
mod tokens;

use half::{bf16, f16};
use safetensors::{Dtype, tensor::TensorView};

use super::{
    shards::{INDEX, WEIGHTS},
    *,
};
use crate::{ModelFolder, ModelManifest, Preset, TextTokenizer, generate_seeded, import};

/// A tensor's name, shape and bytes.
type Tensor = (String, Vec<usize>, Vec<u8>);

struct Checkpoint {
    root: tempfile::TempDir,
    seeded: ModelFolder,
}

impl Checkpoint {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let config = Preset::find("tiny").unwrap().config();
        let seeded = generate_seeded(&config, "tiny", 42, &root.path().join("tiny")).unwrap();
        Self { root, seeded }
    }

    fn path(&self, file: &str) -> PathBuf {
        self.seeded.path().join(file)
    }

    fn edit(&self, file: &str, change: impl FnOnce(String) -> String) {
        let text = change(fs::read_to_string(self.path(file)).unwrap());
        fs::write(self.path(file), text).unwrap();
    }

    /// Rewrites the weights in another number format, split into shards by `shard`.
    fn rewrite(&self, dtype: Dtype, shard: impl Fn(&str) -> &'static str) {
        let weights = self.seeded.weights().unwrap();
        let mut shards: BTreeMap<&'static str, Vec<Tensor>> = BTreeMap::new();
        let mut map = BTreeMap::new();
        for (name, location) in weights.tensors() {
            let values = weights.read_f32(name).unwrap();
            let bytes: Vec<u8> = match dtype {
                Dtype::F16 => values.iter().flat_map(|value| f16::from_f32(*value).to_le_bytes()).collect(),
                Dtype::BF16 => values.iter().flat_map(|value| bf16::from_f32(*value).to_le_bytes()).collect(),
                _ => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
            };
            map.insert(name.clone(), shard(name));
            shards.entry(shard(name)).or_default().push((name.clone(), location.shape.clone(), bytes));
        }
        fs::remove_file(self.path(WEIGHTS)).unwrap();
        for (file, tensors) in &shards {
            let views = tensors
                .iter()
                .map(|(name, shape, bytes)| (name, TensorView::new(dtype, shape.clone(), bytes).unwrap()));
            fs::write(self.path(file), safetensors::serialize(views, None).unwrap()).unwrap();
        }
        if shards.len() > 1 {
            fs::write(self.path(INDEX), serde_json::json!({ "weight_map": map }).to_string()).unwrap();
        }
    }

    /// Adds a head that is computed from the embedding.
    fn add_head(&self, change: impl FnOnce(Vec<f32>) -> Vec<f32>) {
        let weights = self.seeded.weights().unwrap();
        let mut tensors: Vec<(String, Vec<usize>, Vec<f32>)> = weights
            .tensors()
            .iter()
            .map(|(name, location)| (name.clone(), location.shape.clone(), weights.read_f32(name).unwrap()))
            .collect();
        let (_, shape, values) = tensors.iter().find(|(name, ..)| name == "model.embed_tokens.weight").unwrap().clone();
        tensors.push(("lm_head.weight".into(), shape, change(values)));
        let bytes: Vec<Tensor> = tensors
            .into_iter()
            .map(|(name, shape, values)| (name, shape, values.iter().flat_map(|value| value.to_le_bytes()).collect()))
            .collect();
        let views =
            bytes.iter().map(|(name, shape, bytes)| (name, TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap()));
        fs::write(self.path(WEIGHTS), safetensors::serialize(views, None).unwrap()).unwrap();
    }

    fn import(&self) -> Result<ModelFolder, ModelError> {
        import(self.seeded.path(), "mine", &self.root.path().join("mine"))
    }

    fn refusal(&self) -> String {
        let error = self.import().unwrap_err();
        assert!(!self.root.path().join("mine").exists(), "nothing half-made stays behind");
        error.to_string()
    }
}

#[test]
fn weights_come_out_as_they_were_whatever_the_shards() {
    let checkpoint = Checkpoint::new();
    let expected = sha256_of_file(&checkpoint.path(WEIGHTS)).unwrap();
    let shard = |name: &str| if name.contains("layers.0") { "a.safetensors" } else { "b.safetensors" };
    checkpoint.rewrite(Dtype::F32, shard);
    let imported = checkpoint.import().unwrap();
    let manifest = ModelManifest::read(&imported).unwrap();
    assert_eq!(manifest.weights_sha256, expected);
    assert_eq!(manifest.origin_text(), "imported from tiny (safetensors F32)");
    manifest.verify(&imported).unwrap();
}

#[test]
fn half_precision_is_widened_exactly() {
    for (dtype, narrow) in [
        (Dtype::F16, (|value| f16::from_f32(value).to_f32()) as fn(f32) -> f32),
        (Dtype::BF16, |value| bf16::from_f32(value).to_f32()),
    ] {
        let checkpoint = Checkpoint::new();
        let name = "model.layers.1.mlp.up_proj.weight";
        let original = checkpoint.seeded.weights().unwrap().read_f32(name).unwrap();
        checkpoint.rewrite(dtype, |_| WEIGHTS);
        let imported = checkpoint.import().unwrap().weights().unwrap().read_f32(name).unwrap();
        assert_eq!(imported, original.into_iter().map(narrow).collect::<Vec<_>>());
    }
}

#[test]
fn a_head_is_tied_if_the_file_has_none_whatever_the_configuration_says() {
    let checkpoint = Checkpoint::new();
    checkpoint.edit("config.json", |text| text.replace("\"share_embedding\": true", "\"share_embedding\": false"));
    let imported = checkpoint.import().unwrap();
    assert!(imported.config().tied_head);
    let origin = ModelManifest::read(&imported).unwrap().origin_text();
    assert!(origin.contains("; no head in the files: it is the embedding"), "{origin}");
}

#[test]
fn a_copy_of_the_embedding_is_no_head_of_a_tied_model() {
    let checkpoint = Checkpoint::new();
    let expected = sha256_of_file(&checkpoint.path(WEIGHTS)).unwrap();
    checkpoint.add_head(|values| values);
    let imported = checkpoint.import().unwrap();
    assert!(imported.config().tied_head);
    assert_eq!(imported.config().parameters(), checkpoint.seeded.config().parameters());
    let manifest = ModelManifest::read(&imported).unwrap();
    assert_eq!(manifest.weights_sha256, expected);
    assert_eq!(manifest.origin_text(), "imported from tiny (safetensors F32)");
}

#[test]
fn a_head_of_its_own_is_used_and_told_where_the_configuration_says_that_it_is_tied() {
    let checkpoint = Checkpoint::new();
    checkpoint.add_head(|mut values| {
        *values.last_mut().unwrap() += 1.0;
        values
    });
    let imported = checkpoint.import().unwrap();
    assert!(!imported.config().tied_head);
    let weights = imported.weights().unwrap();
    let [embedding, head] = ["model.embed_tokens.weight", "lm_head.weight"].map(|name| weights.read_f32(name).unwrap());
    assert_eq!(*head.last().unwrap(), embedding.last().unwrap() + 1.0);
    let origin = ModelManifest::read(&imported).unwrap().origin_text();
    assert!(origin.contains("; head of the files, though config.json says"), "{origin}");
    // Where the configuration says so, a copy is a head.
    let untied = Checkpoint::new();
    untied.edit("config.json", |text| text.replace("embedding\": true", "embedding\": false"));
    untied.add_head(|values| values);
    let imported = untied.import().unwrap();
    assert!(!imported.config().tied_head);
    assert_eq!(ModelManifest::read(&imported).unwrap().origin_text(), "imported from tiny (safetensors F32)");
}

/// The index of an earlier save may be beside a single file.
#[test]
fn a_whole_file_comes_before_an_index_and_that_is_reported() {
    let checkpoint = Checkpoint::new();
    let expected = sha256_of_file(&checkpoint.path(WEIGHTS)).unwrap();
    let whole = fs::read(checkpoint.path(WEIGHTS)).unwrap();
    let shard = |name: &str| if name.contains("layers.0") { "a.safetensors" } else { "b.safetensors" };
    checkpoint.rewrite(Dtype::BF16, shard);
    fs::write(checkpoint.path(WEIGHTS), whole).unwrap();
    let manifest = ModelManifest::read(&checkpoint.import().unwrap()).unwrap();
    assert_eq!(manifest.weights_sha256, expected);
    let told = "imported from tiny (safetensors F32; weights of model.safetensors, not of the index beside it)";
    assert_eq!(manifest.origin_text(), told);
    for (index, is_told) in [("oops", true), (r#"{"weight_map": {"a": "model.safetensors"}}"#, false)] {
        fs::write(checkpoint.path(INDEX), index).unwrap();
        assert_eq!(note_of_index(checkpoint.seeded.path()).is_some(), is_told, "{index}");
    }
}

#[test]
fn more_tokens_that_end_a_text_are_found() {
    let checkpoint = Checkpoint::new();
    fs::write(checkpoint.path("generation_config.json"), r#"{"eos_token_id": [2, 7]}"#).unwrap();
    assert_eq!(checkpoint.import().unwrap().config().eos_tokens, [2, 7]);
}

/// Like MobileLLM's own folders: no `tokenizer.json`, and no chat template.
#[test]
fn a_sentencepiece_tokenizer_is_converted() {
    let checkpoint = Checkpoint::new();
    fs::remove_file(checkpoint.path(TOKENIZER)).unwrap();
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/sentencepiece").join(SENTENCEPIECE);
    fs::copy(model, checkpoint.path(SENTENCEPIECE)).unwrap();
    let imported = checkpoint.import().unwrap();
    let tokenizer = TextTokenizer::open(&imported).unwrap();
    let text = "größer als 3 J, 猫";
    assert_eq!(tokenizer.decode(&tokenizer.encode(text).unwrap()).unwrap(), text);
    let checkpoint = Checkpoint::new();
    fs::remove_file(checkpoint.path(TOKENIZER)).unwrap();
    assert!(checkpoint.refusal().contains("neither tokenizer.json nor tokenizer.model"));
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let checkpoint = Checkpoint::new();
    checkpoint.edit("config.json", |text| text.replace("\"intermediate_size\": 128", "\"intermediate_size\": 96"));
    assert!(checkpoint.refusal().contains("gate_proj"), "wrong shape");
    let checkpoint = Checkpoint::new();
    checkpoint.edit("config.json", |text| text.replace("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3"));
    assert!(checkpoint.refusal().contains("\"model.layers.2."), "missing tensor");
    let checkpoint = Checkpoint::new();
    checkpoint.edit("config.json", |text| text.replace("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1"));
    assert!(checkpoint.refusal().contains("is not part of a model"), "surplus tensor");
    let checkpoint = Checkpoint::new();
    fs::remove_file(checkpoint.path("tokenizer.json")).unwrap();
    fs::write(checkpoint.path("tokenizer.model"), "").unwrap();
    assert!(checkpoint.refusal().contains("sentencepiece"));
    let checkpoint = Checkpoint::new();
    checkpoint.edit("tokenizer_config.json", |_| r#"{"chat_template": "{% if %}"}"#.into());
    assert!(checkpoint.refusal().contains("chat template"));
    let checkpoint = Checkpoint::new();
    fs::remove_file(checkpoint.path(WEIGHTS)).unwrap();
    fs::write(checkpoint.path(INDEX), r#"{"weight_map": {"a": "../model.safetensors"}}"#).unwrap();
    assert!(checkpoint.refusal().contains("not the name of a file beside it"));
    fs::remove_file(checkpoint.path("config.json")).unwrap();
    assert!(checkpoint.refusal().contains("there is no config.json in it; a GGUF file"));
}

#[test]
fn weights_that_are_no_numbers_are_refused() {
    let checkpoint = Checkpoint::new();
    let mut bytes = fs::read(checkpoint.path(WEIGHTS)).unwrap();
    let last = bytes.len() - 4;
    bytes[last..].copy_from_slice(&f32::NAN.to_le_bytes());
    fs::write(checkpoint.path(WEIGHTS), bytes).unwrap();
    assert!(checkpoint.refusal().contains("is NaN"));
}

//! A folder as Hugging Face's libraries write it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Source, file_name, sentencepiece::tokenizer_json};
use crate::{ModelConfig, ModelError, ModelOrigin, WeightFile, sha256_of_file};

const WEIGHTS: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";
const TOKENIZER: &str = "tokenizer.json";
/// A tokenizer as sentencepiece writes it: LLaMA's, and MobileLLM's.
const SENTENCEPIECE: &str = "tokenizer.model";
const TOKENIZER_CONFIGURATION: &str = "tokenizer_config.json";
/// What else belongs to the tokenizer, if it is there.
const TEXTS: [&str; 2] = [TOKENIZER_CONFIGURATION, "chat_template.jinja"];
/// Tensors that old checkpoints carry although everybody computes them.
const COMPUTED: &str = "rotary_emb.inv_freq";

/// The index of a sharded checkpoint.
#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

/// `config.json`, weights and tokenizer.
pub(super) struct HuggingFaceFolder {
    path: PathBuf,
    config: ModelConfig,
    model_type: String,
    files: Vec<WeightFile>,
    /// Which file holds a tensor.
    tensors: BTreeMap<String, usize>,
}

impl HuggingFaceFolder {
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        let mut config = ModelConfig::read(&path.join("config.json"))?;
        let files = weight_files(path)?;
        let mut tensors = BTreeMap::new();
        for (index, file) in files.iter().enumerate() {
            for name in file.tensors().keys() {
                if tensors.insert(name.clone(), index).is_some() {
                    return Err(ModelError::invalid(file.path(), format!("tensor {name:?} is in another file too")));
                }
            }
        }
        // MobileLLM's config.json says that the head is not tied even where it is: what the file holds decides.
        config.tied_head = !tensors.contains_key("lm_head.weight");
        config.eos_tokens = eos_tokens(path, config.eos_tokens)?;
        let folder = Self { path: path.to_owned(), config, model_type: model_type(path)?, files, tensors };
        folder.refuse_unknown_tensors()?;
        Ok(folder)
    }

    /// A tensor that we would leave out changes what the model computes: a bias, say, or a norm of queries.
    fn refuse_unknown_tensors(&self) -> Result<(), ModelError> {
        let known: Vec<String> = self.config.tensors().into_iter().map(|tensor| tensor.name).collect();
        let unknown = self.tensors.keys().find(|name| !known.contains(name) && !name.ends_with(COMPUTED));
        match unknown {
            Some(name) => Err(ModelError::invalid(
                &self.path,
                format!(
                    "tensor {name:?} has no place in a model of this configuration, which could not be computed right without it"
                ),
            )),
            None => Ok(()),
        }
    }
}

impl Source for HuggingFaceFolder {
    fn config(&self) -> &ModelConfig {
        &self.config
    }

    fn model_type(&self) -> &str {
        &self.model_type
    }

    /// The SHA-256 of one weight file, or of the lines `<sha256>  <file name>` of several.
    fn origin(&self) -> Result<ModelOrigin, ModelError> {
        let hashes: Vec<String> =
            self.files.iter().map(|file| sha256_of_file(file.path())).collect::<Result<_, _>>()?;
        let sha256 = match hashes.as_slice() {
            [one] => one.clone(),
            several => {
                let names = self.files.iter().map(|file| file_name(file.path()));
                let lines: String = several.iter().zip(names).map(|(hash, name)| format!("{hash}  {name}\n")).collect();
                Sha256::digest(lines.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
            }
        };
        let dtype = self.files.iter().flat_map(|file| file.tensors().values()).max_by_key(|tensor| tensor.bytes);
        let format = dtype.map_or("safetensors".into(), |tensor| format!("safetensors {:?}", tensor.dtype));
        let source = fs::canonicalize(&self.path).map_err(ModelError::io("read", &self.path))?;
        Ok(ModelOrigin::Imported { source: file_name(&source), format, sha256 })
    }

    fn read_f32(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, ModelError> {
        let missing = || ModelError::MissingTensor { name: name.to_owned(), path: self.path.clone() };
        let file = &self.files[*self.tensors.get(name).ok_or_else(missing)?];
        let found = &file.tensor(name)?.shape;
        if found != shape {
            return Err(ModelError::WrongShape {
                name: name.to_owned(),
                path: file.path().to_owned(),
                found: found.clone(),
                expected: shape.to_vec(),
            });
        }
        file.read_f32(name)
    }

    fn path(&self) -> &Path {
        &self.path
    }

    fn texts(&self) -> Result<Vec<(String, String)>, ModelError> {
        let mut texts = vec![(TOKENIZER.to_owned(), self.tokenizer()?)];
        for name in TEXTS {
            if let Some(text) = self.text(name)? {
                texts.push((name.to_owned(), text));
            }
        }
        Ok(texts)
    }
}

impl HuggingFaceFolder {
    /// `tokenizer.json`, or what a sentencepiece model becomes.
    fn tokenizer(&self) -> Result<String, ModelError> {
        if let Some(text) = self.text(TOKENIZER)? {
            return Ok(text);
        }
        let model = self.path.join(SENTENCEPIECE);
        if !model.is_file() {
            let reason = format!("there is neither {TOKENIZER} nor {SENTENCEPIECE} in it");
            return Err(ModelError::invalid(&self.path, reason));
        }
        let configuration: Option<Value> = match self.text(TOKENIZER_CONFIGURATION)? {
            None => None,
            Some(text) => Some(
                serde_json::from_str(&text)
                    .map_err(|error| ModelError::invalid(self.path.join(TOKENIZER_CONFIGURATION), error.to_string()))?,
            ),
        };
        tokenizer_json(&model, configuration.as_ref())
    }

    /// The text of a file, if it is there.
    fn text(&self, name: &str) -> Result<Option<String>, ModelError> {
        let path = self.path.join(name);
        if !path.is_file() {
            return Ok(None);
        }
        fs::read_to_string(&path).map(Some).map_err(ModelError::io("read", &path))
    }
}

/// `model_type` of `config.json`, which was read before, so that only known ones come here.
fn model_type(folder: &Path) -> Result<String, ModelError> {
    let path = folder.join("config.json");
    let text = fs::read_to_string(&path).map_err(ModelError::io("read", &path))?;
    let config: Value = serde_json::from_str(&text).map_err(|error| ModelError::invalid(&path, error.to_string()))?;
    Ok(config.get("model_type").and_then(Value::as_str).unwrap_or("llama").to_owned())
}

/// One file, or the shards that the index names.
fn weight_files(folder: &Path) -> Result<Vec<WeightFile>, ModelError> {
    let index = folder.join(INDEX);
    if !index.is_file() {
        return Ok(vec![WeightFile::open(&folder.join(WEIGHTS))?]);
    }
    let text = fs::read_to_string(&index).map_err(ModelError::io("read", &index))?;
    let Index { weight_map } =
        serde_json::from_str(&text).map_err(|error| ModelError::invalid(&index, error.to_string()))?;
    let mut names: Vec<&String> = weight_map.values().collect();
    names.sort();
    names.dedup();
    let mut files = Vec::new();
    for name in names {
        if Path::new(name).file_name().is_none_or(|file| file != name.as_str()) {
            return Err(ModelError::invalid(&index, format!("{name:?} is not the name of a file beside it")));
        }
        files.push(WeightFile::open(&folder.join(name))?);
    }
    let listed = |tensor: &String| files.iter().any(|file| file.tensors().contains_key(tensor));
    match weight_map.keys().find(|tensor| !listed(tensor)) {
        Some(name) => Err(ModelError::MissingTensor { name: name.clone(), path: index }),
        None if files.is_empty() => Err(ModelError::invalid(&index, "it names no files")),
        None => Ok(files),
    }
}

/// `generation_config.json` may name more tokens that end a text than `config.json` does.
fn eos_tokens(folder: &Path, mut tokens: Vec<u32>) -> Result<Vec<u32>, ModelError> {
    let path = folder.join("generation_config.json");
    if path.is_file() {
        let text = fs::read_to_string(&path).map_err(ModelError::io("read", &path))?;
        let config: Value =
            serde_json::from_str(&text).map_err(|error| ModelError::invalid(&path, error.to_string()))?;
        let eos = config.get("eos_token_id");
        let listed = eos.and_then(Value::as_array).into_iter().flatten().chain(eos);
        tokens.extend(listed.filter_map(Value::as_u64).filter_map(|token| u32::try_from(token).ok()));
        tokens.sort_unstable();
        tokens.dedup();
    }
    Ok(tokens)
}

#[cfg(test)]
mod tests {
    use half::{bf16, f16};
    use safetensors::{Dtype, tensor::TensorView};

    use super::*;
    use crate::{ModelFolder, ModelManifest, Preset, TextTokenizer, generate_seeded, import};

    /// Name, shape and bytes.
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
        assert!(checkpoint.import().unwrap().config().tied_head);
    }

    #[test]
    fn more_tokens_that_end_a_text_are_found() {
        let checkpoint = Checkpoint::new();
        fs::write(checkpoint.path("generation_config.json"), r#"{"eos_token_id": [2, 7]}"#).unwrap();
        assert_eq!(checkpoint.import().unwrap().config().eos_tokens, [2, 7]);
    }

    /// As MobileLLM's own folders are: no `tokenizer.json`, and no chat template.
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
        assert!(checkpoint.refusal().contains("has no place"), "surplus tensor");
        let checkpoint = Checkpoint::new();
        fs::remove_file(checkpoint.path("tokenizer.json")).unwrap();
        fs::write(checkpoint.path("tokenizer.model"), "").unwrap();
        assert!(checkpoint.refusal().contains("sentencepiece"));
        let checkpoint = Checkpoint::new();
        checkpoint.edit("tokenizer_config.json", |_| r#"{"chat_template": "{% if %}"}"#.into());
        assert!(checkpoint.refusal().contains("chat template"));
        let checkpoint = Checkpoint::new();
        fs::write(checkpoint.path(INDEX), r#"{"weight_map": {"a": "../model.safetensors"}}"#).unwrap();
        assert!(checkpoint.refusal().contains("not the name of a file beside it"));
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
}

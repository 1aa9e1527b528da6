//! A folder in the format of Hugging Face's libraries.

mod class;
mod generation;
mod head;
mod shards;

use std::{
    collections::{BTreeMap, HashSet},
    fs,
    path::{Path, PathBuf},
};

use pocketwatt_files::{read_text_bounded, sha256};
use serde::{Deserialize, de::DeserializeOwned};

use self::{
    class::TokenizerConfiguration,
    generation::Generation,
    shards::{note_of_index, weight_files},
};
use super::{
    Source, TEMPLATE, file_name, halves_from_pairs,
    sentencepiece::{has_prefix, tokenizer_json},
};
use crate::{
    ModelConfig, ModelError, ModelOrigin, WeightFile, config_json::LLAMA4_TEXT, folder::MOST_TEXT_BYTES,
    json::quote_words, sha256_of_file,
};

const TOKENIZER: &str = "tokenizer.json";
/// A tokenizer in sentencepiece's format, as LLaMA and MobileLLM have it.
const SENTENCEPIECE: &str = "tokenizer.model";
const TOKENIZER_CONFIGURATION: &str = "tokenizer_config.json";
/// Other files of the tokenizer, which may be missing.
const TEXTS: [&str; 2] = ["special_tokens_map.json", "added_tokens.json"];
/// The chat template of processors for images and sound; transformers' tokenizers do not read it.
const PROCESSOR_TEMPLATE: &str = "chat_template.json";
/// A folder of chat templates that are named after their files.
const FURTHER_TEMPLATES: &str = "additional_chat_templates";
/// The file that transformers uses among several chat templates.
const DEFAULT_TEMPLATE: &str = "default.jinja";
/// Longest tokenizer that is read, in bytes: those of the largest vocabularies have some 30 MB.
const MOST_TOKENIZER_BYTES: u64 = 64 << 20;
/// Tensors that old checkpoints contain although every engine computes them.
const COMPUTED: &str = "rotary_emb.inv_freq";

/// `config.json`, weights and tokenizer.
pub(super) struct HuggingFaceFolder {
    path: PathBuf,
    config: ModelConfig,
    kind: Kind,
    files: Vec<WeightFile>,
    /// The index of the file with each tensor.
    tensors: BTreeMap<String, usize>,
    tokenizer_configuration: TokenizerConfiguration,
    /// Contradictions between its files, and which side was taken.
    notes: Vec<String>,
}

/// The keys of `config.json` that do not affect the shape.
#[derive(Deserialize)]
struct Kind {
    model_type: Option<String>,
    /// Only our own folders have this key, and there it is false: see [`Kind::is_foreign_llama4`].
    rope_interleaved: Option<bool>,
}

impl Kind {
    /// Reads `model_type` and related keys from a file that was checked before, so that only known values occur here.
    fn read(folder: &Path) -> Result<Self, ModelError> {
        let path = folder.join("config.json");
        let text = read_text_bounded(&path, MOST_TEXT_BYTES).map_err(ModelError::io("read", &path))?;
        parse(&path, &text)
    }

    /// Whether tensors have Llama 4's names, and queries and keys are ordered for rotating neighbouring pairs
    /// (`apply_rotary_emb` of transformers' `modeling_llama4.py`). Ordered for rotate-half they are the same model: the
    /// order within a head affects neither the norm of queries and keys, which has no weights, nor their product.
    fn is_foreign_llama4(&self) -> bool {
        self.model_type.as_deref() == Some(LLAMA4_TEXT) && self.rope_interleaved != Some(false)
    }

    /// The folder's name for the tensor `name`.
    fn name_of(&self, name: &str) -> String {
        if self.is_foreign_llama4() { name.replace(".mlp.", ".feed_forward.") } else { name.to_owned() }
    }

    fn turns_pairs(&self, name: &str) -> bool {
        self.is_foreign_llama4() && (name.ends_with("q_proj.weight") || name.ends_with("k_proj.weight"))
    }
}

impl HuggingFaceFolder {
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        let configuration = path.join("config.json");
        if !configuration.exists() {
            let reason = "there is no config.json in it; a GGUF file is imported by its own path";
            return Err(ModelError::invalid(path, reason));
        }
        let (mut config, config_notes) = ModelConfig::read_noted(&configuration)?;
        let files = weight_files(path)?;
        let mut tensors = BTreeMap::new();
        for (index, file) in files.iter().enumerate() {
            for name in file.tensors().keys() {
                if tensors.insert(name.clone(), index).is_some() {
                    return Err(ModelError::invalid(file.path(), format!("tensor {name:?} is in another file too")));
                }
            }
        }
        let within = config.ensure_layers_within(tensors.len());
        within.map_err(|error| ModelError::invalid(configuration, error.to_string()))?;
        let head = head::resolve(config.tied_head, &files, &mut tensors)?;
        config.tied_head = head.tied;
        let generation = Generation::read(path)?;
        config.eos_tokens.extend(generation.ends);
        config.eos_tokens.sort_unstable();
        config.eos_tokens.dedup();
        let tokenizer_configuration = TokenizerConfiguration::read(path)?;
        let notes = [note_of_index(path), head.note.map(str::to_owned), generation.note];
        let notes = notes.into_iter().chain([tokenizer_configuration.note.clone()]).flatten();
        let notes = config_notes.into_iter().chain(notes).collect();
        let kind = Kind::read(path)?;
        let mut folder = Self { path: path.to_owned(), config, kind, files, tensors, tokenizer_configuration, notes };
        folder.notes.extend(folder.notes_of_text());
        folder.refuse_unknown_tensors()?;
        folder.ensure_vocabulary()?;
        Ok(folder)
    }

    /// The key and the tensor that most often come from two models.
    fn ensure_vocabulary(&self) -> Result<(), ModelError> {
        const EMBEDDING: &str = "model.embed_tokens.weight";
        let Some(&file) = self.tensors.get(EMBEDDING) else { return Ok(()) };
        let rows = self.files[file].tensor(EMBEDDING)?.shape.first().copied().unwrap_or(0);
        let vocabulary = self.config.vocabulary;
        if rows == vocabulary {
            return Ok(());
        }
        let reason = format!("vocab_size is {vocabulary}, but {EMBEDDING:?} has {rows} rows");
        Err(ModelError::invalid(self.path.join("config.json"), reason))
    }

    /// Ignoring a tensor, for example a bias or a norm of queries, would change what the model computes.
    fn refuse_unknown_tensors(&self) -> Result<(), ModelError> {
        let known: HashSet<String> =
            self.config.tensors().iter().map(|tensor| self.kind.name_of(&tensor.name)).collect();
        let unknown = self.tensors.keys().find(|name| !known.contains(*name) && !name.ends_with(COMPUTED));
        match unknown {
            Some(name) => Err(ModelError::invalid(
                &self.path,
                format!(
                    "tensor {name:?} is not part of a model with this configuration, and it cannot be computed correctly without it"
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
        self.kind.model_type.as_deref().unwrap_or("llama")
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
                sha256(lines)
            }
        };
        let dtype = self.files.iter().flat_map(|file| file.tensors().values()).max_by_key(|tensor| tensor.bytes);
        let format = dtype.map_or("safetensors".into(), |tensor| format!("safetensors {:?}", tensor.dtype));
        let source = fs::canonicalize(&self.path).map_err(ModelError::io("read", &self.path))?;
        Ok(ModelOrigin::Imported { source: file_name(&source), format, sha256, notes: self.notes.clone() })
    }

    fn read_f32(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, ModelError> {
        let theirs = &self.kind.name_of(name);
        let missing = || ModelError::MissingTensor { name: theirs.clone(), path: self.path.clone() };
        let file = &self.files[*self.tensors.get(theirs).ok_or_else(missing)?];
        let found = &file.tensor(theirs)?.shape;
        if found != shape {
            return Err(ModelError::WrongShape {
                name: theirs.clone(),
                path: file.path().to_owned(),
                found: found.clone(),
                expected: shape.to_vec(),
            });
        }
        let values = file.read_f32(theirs)?;
        let config = &self.config;
        Ok(if self.kind.turns_pairs(name) {
            halves_from_pairs(&values, config.head_dim, config.hidden)
        } else {
            values
        })
    }

    fn path(&self) -> &Path {
        &self.path
    }

    fn texts(&self) -> Result<Vec<(String, String)>, ModelError> {
        let mut texts = vec![(TOKENIZER.to_owned(), self.tokenizer()?)];
        texts.extend(self.tokenizer_configuration.text().map(|text| (TOKENIZER_CONFIGURATION.to_owned(), text)));
        for name in TEXTS {
            // Our copy is valid JSON for every reader.
            let text = self.text(name, MOST_TEXT_BYTES)?.map(|text| quote_words(&text).into_owned());
            texts.extend(text.map(|text| (name.to_owned(), text)));
        }
        texts.extend(self.template()?.map(|text| (TEMPLATE.to_owned(), text)));
        Ok(texts)
    }
}

impl HuggingFaceFolder {
    /// `tokenizer.json`, or the one converted from a sentencepiece model.
    fn tokenizer(&self) -> Result<String, ModelError> {
        let model = self.path.join(SENTENCEPIECE);
        let is_converted = self.tokenizer_configuration.asks_for_conversion() && model.exists();
        if let Some(text) = self.text(TOKENIZER, MOST_TOKENIZER_BYTES)?.filter(|_| !is_converted) {
            return Ok(text);
        }
        if !model.exists() {
            let reason = format!("there is neither {TOKENIZER} nor {SENTENCEPIECE} in it");
            return Err(ModelError::invalid(&self.path, reason));
        }
        tokenizer_json(&model, Some(&self.tokenizer_configuration.value()))
    }

    /// Notes on which of several files for text is used.
    fn notes_of_text(&self) -> Vec<String> {
        let has = |name: &str| self.path.join(name).exists();
        let mut notes = Vec::new();
        if self.tokenizer_configuration.asks_for_conversion() && has(TOKENIZER) {
            notes.push(if has(SENTENCEPIECE) {
                format!("{SENTENCEPIECE} is converted, as add_prefix_space has it, and {TOKENIZER} beside it not used")
            } else {
                format!("add_prefix_space asks for {SENTENCEPIECE}, which is not there: {TOKENIZER} is used")
            });
        }
        let is_converted =
            has(SENTENCEPIECE) && (!has(TOKENIZER) || self.tokenizer_configuration.asks_for_conversion());
        let asks_for_none = self.tokenizer_configuration.value()["add_prefix_space"] == false;
        if is_converted && !asks_for_none && !has_prefix(&self.path.join(SENTENCEPIECE)) {
            notes.push(format!(
                "{SENTENCEPIECE} puts no space before a text (add_dummy_prefix), and one is put, as by transformers, which does \
                 not ask it: add_prefix_space can be set to false"
            ));
        }
        if has(PROCESSOR_TEMPLATE) {
            notes.push(format!("{PROCESSOR_TEMPLATE} is not read, as tokenizers do not"));
        }
        notes
    }

    /// The chat template in a file of its own. Where there are several such files, transformers uses no other template.
    fn template(&self) -> Result<Option<String>, ModelError> {
        if let Some(text) = self.text(TEMPLATE, MOST_TEXT_BYTES)? {
            return Ok(Some(text));
        }
        let further = self.path.join(FURTHER_TEMPLATES);
        if !further.is_dir() {
            return Ok(None);
        }
        let mut names = Vec::new();
        for entry in fs::read_dir(&further).map_err(ModelError::io("read", &further))? {
            names.push(file_name(&entry.map_err(ModelError::io("read", &further))?.path()));
        }
        names.retain(|name| name.ends_with(".jinja"));
        names.sort();
        if names.iter().any(|name| name == DEFAULT_TEMPLATE) {
            return self.text(&format!("{FURTHER_TEMPLATES}/{DEFAULT_TEMPLATE}"), MOST_TEXT_BYTES);
        }
        match names.as_slice() {
            [] => Ok(None),
            names => Err(ModelError::invalid(
                &further,
                format!(
                    "its chat templates are {}, and none is {DEFAULT_TEMPLATE}: put the one to use into {TEMPLATE} above it",
                    names.join(", ")
                ),
            )),
        }
    }

    /// The text of a file, if it exists.
    fn text(&self, name: &str, most_bytes: u64) -> Result<Option<String>, ModelError> {
        let path = self.path.join(name);
        if !path.exists() {
            return Ok(None);
        }
        read_text_bounded(&path, most_bytes).map(Some).map_err(ModelError::io("read", &path))
    }
}

/// The contents of a JSON file, as Python reads it.
fn parse<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, ModelError> {
    serde_json::from_str(&quote_words(text)).map_err(|error| ModelError::invalid(path, error.to_string()))
}

#[cfg(test)]
mod tests;

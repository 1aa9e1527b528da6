//! `config.json` as Hugging Face writes it, for MobileLLM, Llama and the dense text models of Llama 4 (MobileLLM-R1).
//!
//! Two traps in MobileLLM's files: `tie_word_embeddings` is false even when the embedding is shared (`share_embedding`
//! says so, and on import the contents of the files decide), and the key for layer sharing is `layer_sharing`.

mod llama4;
mod neutral;
mod rope;

use std::path::Path;

use pocketwatt_files::read_text_bounded;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use self::llama4::{LLAMA4_DEFAULTS, Llama4Json, Llama4Shape};
use crate::{ModelConfig, ModelError, folder::MOST_TEXT_BYTES, json::quote_words};

/// The `model_type` of Llama 4 without its images; MobileLLM-R1 is one.
pub(crate) const LLAMA4_TEXT: &str = "llama4_text";

/// The keys that we read and write. Unknown keys are ignored: checkpoints carry many that do not change the
/// computation. Keys that do, and that are not supported, are refused in [`rope`] and [`neutral`]. A missing key that does
/// not affect the tensors' shapes has the default of Hugging Face's `LlamaConfig` (`configuration_llama.py`).
#[derive(Debug, Serialize, Deserialize)]
struct ConfigJson {
    architectures: Option<Vec<String>>,
    model_type: Option<String>,
    num_hidden_layers: usize,
    hidden_size: usize,
    num_attention_heads: usize,
    num_key_value_heads: Option<usize>,
    head_dim: Option<usize>,
    intermediate_size: usize,
    vocab_size: usize,
    max_position_embeddings: Option<usize>,
    rope_theta: Option<f64>,
    rms_norm_eps: Option<f64>,
    hidden_act: Option<String>,
    #[serde(default)]
    tie_word_embeddings: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    share_embedding: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    layer_sharing: Option<bool>,
    /// Null means no token; only a missing key has the default.
    #[serde(default = "default_bos")]
    bos_token_id: Option<u32>,
    #[serde(default = "default_eos")]
    eos_token_id: Option<Tokens>,
}

fn default_bos() -> Option<u32> {
    Some(1)
}

fn default_eos() -> Option<Tokens> {
    Some(Tokens::One(2))
}

/// Values of missing keys.
struct Defaults {
    context: usize,
    rope_theta: f64,
    rms_norm_eps: f64,
}

/// Defaults of `LlamaConfig`; MobileLLM's own configuration has the same.
const LLAMA_DEFAULTS: Defaults = Defaults { context: 2048, rope_theta: 10_000.0, rms_norm_eps: 1e-6 };

#[derive(Deserialize)]
struct Head {
    model_type: Option<Value>,
}

impl Head {
    fn ensure_known(&self) -> Result<(), ModelError> {
        let known = |model_type: &Value| ["mobilellm", "llama", LLAMA4_TEXT].iter().any(|known| model_type == *known);
        match self.model_type.as_ref().filter(|model_type| !model_type.is_null() && !known(model_type)) {
            Some(model_type) => Err(ModelError::Config(format!(
                "model_type is {model_type}; \"mobilellm\", \"llama\" and \"{LLAMA4_TEXT}\" are supported"
            ))),
            None => Ok(()),
        }
    }
}

fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, ModelError> {
    serde_json::from_str(text).map_err(|error| malformed(text, &error))
}

/// The parser's error gives the position of a value, but not its key; this adds the key.
fn malformed(text: &str, error: &serde_json::Error) -> ModelError {
    if error.is_syntax() || error.is_eof() {
        return ModelError::Config(format!("it is not JSON: {error}"));
    }
    let key = key_before(text, error.line(), error.column());
    ModelError::Config(key.map_or_else(|| error.to_string(), |key| format!("{key}: {error}")))
}

/// The last key before a position, unless the object ends there and the error is a missing key.
fn key_before(text: &str, line: usize, column: usize) -> Option<&str> {
    let start: usize = text.split_inclusive('\n').take(line.checked_sub(1)?).map(str::len).sum();
    let before = text.get(..start + column)?;
    if before.trim_end().ends_with('}') {
        return None;
    }
    let (keys, _) = before.rsplit_once("\":").or_else(|| before.rsplit_once("\" :"))?;
    Some(&keys[keys.rfind('"')? + 1..])
}

/// The keys that are written: those of Llama 4 only where they are needed.
#[derive(Serialize)]
struct Written {
    #[serde(flatten)]
    common: ConfigJson,
    #[serde(skip_serializing_if = "Option::is_none")]
    rope_scaling: Option<Value>,
    #[serde(flatten)]
    llama4: Option<Llama4Json>,
}

/// `eos_token_id` is one number or a list of them.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Tokens {
    One(u32),
    Many(Vec<u32>),
}

impl ModelConfig {
    /// Reads a `config.json`.
    ///
    /// # Errors
    /// When it cannot be read, lacks a key, asks for something this project does not compute, or contradicts itself.
    pub fn read(path: &Path) -> Result<Self, ModelError> {
        Self::read_noted(path).map(|(config, _)| config)
    }

    /// [`ModelConfig::read`], together with notes for the user.
    pub(crate) fn read_noted(path: &Path) -> Result<(Self, Vec<String>), ModelError> {
        let text = read_text_bounded(path, MOST_TEXT_BYTES).map_err(ModelError::io("read", path))?;
        Self::from_json_noted(&text).map_err(|error| match error {
            ModelError::Config(reason) => ModelError::invalid(path, reason),
            other => other,
        })
    }

    /// Parses the text of a `config.json`.
    ///
    /// # Errors
    /// See [`ModelConfig::read`].
    pub fn from_json(text: &str) -> Result<Self, ModelError> {
        Self::from_json_noted(text).map(|(config, _)| config)
    }

    fn from_json_noted(text: &str) -> Result<(Self, Vec<String>), ModelError> {
        // Another architecture has other keys: its name says more than the first missing key would.
        let text = &*quote_words(text);
        let head: Head = parse(text)?;
        head.ensure_known()?;
        let json: ConfigJson = parse(text)?;
        let llama4: Option<Llama4Json> = match json.model_type.as_deref() {
            Some(LLAMA4_TEXT) => Some(parse(text)?),
            _ => None,
        };
        let (config, notes) = json.into_config(llama4, &parse(text)?)?;
        config.validate()?;
        Ok((config, notes))
    }

    /// The text of a `config.json` that [`ModelConfig::from_json`] reads back to the same value.
    pub fn to_json(&self) -> String {
        let plain = !self.query_key_norm && self.no_rope_layers.is_empty() && self.attention_temperature.is_none();
        self.to_json_as(match plain {
            false => LLAMA4_TEXT,
            // MobileLLM has no scaled positions.
            true if self.rope_scaling.is_some() => "llama",
            true => "mobilellm",
        })
    }

    /// [`ModelConfig::to_json`] for a model of another `model_type`: imported models keep theirs.
    pub(crate) fn to_json_as(&self, model_type: &str) -> String {
        let shared = self.layer_repeats > 1;
        let architecture = match model_type {
            "mobilellm" => "MobileLLMForCausalLM",
            LLAMA4_TEXT => "Llama4ForCausalLM",
            _ => "LlamaForCausalLM",
        };
        let common = ConfigJson {
            architectures: Some(vec![architecture.into()]),
            model_type: Some(model_type.into()),
            num_hidden_layers: self.layers,
            hidden_size: self.hidden,
            num_attention_heads: self.heads,
            num_key_value_heads: Some(self.kv_heads),
            head_dim: Some(self.head_dim),
            intermediate_size: self.ffn,
            vocab_size: self.vocabulary,
            max_position_embeddings: Some(self.context),
            rope_theta: Some(self.rope_theta),
            rms_norm_eps: Some(self.rms_norm_eps),
            hidden_act: Some("silu".into()),
            tie_word_embeddings: Some(self.tied_head),
            share_embedding: Some(self.tied_head),
            layer_sharing: Some(shared),
            bos_token_id: self.bos_token,
            eos_token_id: Some(Tokens::Many(self.eos_tokens.clone())),
        };
        let rope_scaling = self.rope_scaling.as_ref().map(rope::written);
        let llama4 = (model_type == LLAMA4_TEXT).then(|| Llama4Json::from_config(self));
        // A struct of plain numbers and strings cannot fail to serialise.
        serde_json::to_string_pretty(&Written { common, rope_scaling, llama4 }).unwrap_or_default() + "\n"
    }
}

impl ConfigJson {
    /// `keys` are all keys of the file. Also returns notes for the user.
    fn into_config(
        self,
        llama4: Option<Llama4Json>,
        keys: &Map<String, Value>,
    ) -> Result<(ModelConfig, Vec<String>), ModelError> {
        let refuse = |message: String| Err(ModelError::Config(message));
        if let Some(act) = self.hidden_act.as_deref().filter(|act| !["silu", "swish"].contains(act)) {
            return refuse(format!("hidden_act is {act:?}; only \"silu\" (SwiGLU) is supported"));
        }
        let defaults = if llama4.is_some() { &LLAMA4_DEFAULTS } else { &LLAMA_DEFAULTS };
        let rope = rope::read(keys, self.max_position_embeddings.unwrap_or(defaults.context))?;
        let context = rope.context;
        neutral::ensure(keys, llama4.is_some(), context)?;
        let mut notes = rope.notes;
        if self.model_type.as_deref() != Some("mobilellm") && keys.get("auto_map").is_some_and(|map| !map.is_null()) {
            notes.push("auto_map of config.json names code of the model's own, which is not run".to_owned());
        }
        if llama4.is_some() {
            // The defaults of these two keys are those of one large model.
            for (key, value) in [("head_dim", self.head_dim), ("num_key_value_heads", self.num_key_value_heads)] {
                if value.is_none() {
                    return refuse(format!("{key} is not given, without which a Llama 4 has no shape"));
                }
            }
        }
        let head_dim = match self.head_dim {
            Some(head_dim) => head_dim,
            None if self.num_attention_heads == 0 || !self.hidden_size.is_multiple_of(self.num_attention_heads) => {
                return refuse(format!(
                    "hidden_size ({}) is not a multiple of num_attention_heads ({}), and head_dim is not given",
                    self.hidden_size, self.num_attention_heads
                ));
            }
            None => self.hidden_size / self.num_attention_heads,
        };
        let shape = match llama4 {
            Some(llama4) => llama4.into_shape(self.num_hidden_layers, context)?,
            None => Llama4Shape::absent(self.intermediate_size),
        };
        let config = ModelConfig {
            layers: self.num_hidden_layers,
            layer_repeats: if self.layer_sharing == Some(true) { 2 } else { 1 },
            hidden: self.hidden_size,
            heads: self.num_attention_heads,
            kv_heads: self.num_key_value_heads.unwrap_or(self.num_attention_heads),
            head_dim,
            ffn: shape.ffn,
            vocabulary: self.vocab_size,
            context,
            rope_theta: rope.theta.unwrap_or(defaults.rope_theta),
            rope_scaling: rope.scaling,
            rms_norm_eps: self.rms_norm_eps.unwrap_or(defaults.rms_norm_eps),
            query_key_norm: shape.query_key_norm,
            no_rope_layers: shape.no_rope_layers,
            attention_temperature: shape.attention_temperature,
            // Either key may say so; an import corrects it by the contents of the weight file.
            tied_head: self.share_embedding.or(self.tie_word_embeddings).unwrap_or(false),
            bos_token: self.bos_token_id,
            eos_tokens: match self.eos_token_id {
                None => Vec::new(),
                Some(Tokens::One(token)) => vec![token],
                Some(Tokens::Many(tokens)) => tokens,
            },
        };
        Ok((config, notes))
    }
}

#[cfg(test)]
mod tests;

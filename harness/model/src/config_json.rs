//! `config.json` as Hugging Face writes it, for MobileLLM and Llama.
//!
//! Two traps of MobileLLM's files: `tie_word_embeddings` is false even when the embedding is shared (`share_embedding`
//! says so, and the absence of `lm_head.weight` decides), and layer sharing is the key `layer_sharing`.

use std::{fs, path::Path};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{ModelConfig, ModelError};

/// The keys that we read and write. Unknown keys are ignored: checkpoints carry many that do not change the
/// computation. Keys that do, and that we cannot honour, are refused in [`ConfigJson::into_config`].
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
    max_position_embeddings: usize,
    rope_theta: Option<f64>,
    rms_norm_eps: f64,
    hidden_act: Option<String>,
    #[serde(default)]
    tie_word_embeddings: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    share_embedding: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    layer_sharing: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    attention_bias: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mlp_bias: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rope_scaling: Option<Value>,
    bos_token_id: Option<u32>,
    eos_token_id: Option<Tokens>,
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
        let text = fs::read_to_string(path).map_err(ModelError::io("read", path))?;
        Self::from_json(&text).map_err(|error| match error {
            ModelError::Config(reason) => ModelError::invalid(path, reason),
            other => other,
        })
    }

    /// Parses the text of a `config.json`.
    ///
    /// # Errors
    /// See [`ModelConfig::read`].
    pub fn from_json(text: &str) -> Result<Self, ModelError> {
        let json: ConfigJson = serde_json::from_str(text).map_err(|error| ModelError::Config(error.to_string()))?;
        let config = json.into_config()?;
        config.validate()?;
        Ok(config)
    }

    /// The text of a `config.json` that [`ModelConfig::from_json`] reads back to the same value.
    pub fn to_json(&self) -> String {
        self.to_json_as("mobilellm")
    }

    /// [`ModelConfig::to_json`] for a model of another `model_type`: imported models keep theirs.
    pub(crate) fn to_json_as(&self, model_type: &str) -> String {
        let shared = self.layer_repeats > 1;
        let architecture = if model_type == "mobilellm" { "MobileLLMForCausalLM" } else { "LlamaForCausalLM" };
        let json = ConfigJson {
            architectures: Some(vec![architecture.into()]),
            model_type: Some(model_type.into()),
            num_hidden_layers: self.layers,
            hidden_size: self.hidden,
            num_attention_heads: self.heads,
            num_key_value_heads: Some(self.kv_heads),
            head_dim: Some(self.head_dim),
            intermediate_size: self.ffn,
            vocab_size: self.vocabulary,
            max_position_embeddings: self.context,
            rope_theta: Some(self.rope_theta),
            rms_norm_eps: self.rms_norm_eps,
            hidden_act: Some("silu".into()),
            tie_word_embeddings: Some(self.tied_head),
            share_embedding: Some(self.tied_head),
            layer_sharing: Some(shared),
            attention_bias: None,
            mlp_bias: None,
            rope_scaling: None,
            bos_token_id: self.bos_token,
            eos_token_id: Some(Tokens::Many(self.eos_tokens.clone())),
        };
        // A struct of plain numbers and strings cannot fail to serialise.
        serde_json::to_string_pretty(&json).unwrap_or_default() + "\n"
    }
}

impl ConfigJson {
    fn into_config(self) -> Result<ModelConfig, ModelError> {
        let refuse = |message: String| Err(ModelError::Config(message));
        let model_type = self.model_type.as_deref().unwrap_or("llama");
        if !["mobilellm", "llama"].contains(&model_type) {
            return refuse(format!("model_type is {model_type:?}; \"mobilellm\" and \"llama\" are supported"));
        }
        if let Some(act) = self.hidden_act.as_deref().filter(|act| !["silu", "swish"].contains(act)) {
            return refuse(format!("hidden_act is {act:?}; only \"silu\" (SwiGLU) is supported"));
        }
        for (key, value) in [("attention_bias", self.attention_bias), ("mlp_bias", self.mlp_bias)] {
            if value == Some(true) {
                return refuse(format!("{key} is true; models with biases are not supported"));
            }
        }
        if let Some(scaling) = self.rope_scaling.filter(|scaling| !scaling.is_null()) {
            return refuse(format!("rope_scaling is {scaling}; scaled rotary positions are not supported"));
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
        Ok(ModelConfig {
            layers: self.num_hidden_layers,
            layer_repeats: if self.layer_sharing == Some(true) { 2 } else { 1 },
            hidden: self.hidden_size,
            heads: self.num_attention_heads,
            kv_heads: self.num_key_value_heads.unwrap_or(self.num_attention_heads),
            head_dim,
            ffn: self.intermediate_size,
            vocabulary: self.vocab_size,
            context: self.max_position_embeddings,
            rope_theta: self.rope_theta.unwrap_or(10_000.0),
            rms_norm_eps: self.rms_norm_eps,
            // Either key may say so; an import corrects it by what the weight file holds.
            tied_head: self.share_embedding.or(self.tie_word_embeddings).unwrap_or(false),
            bos_token: self.bos_token_id,
            eos_tokens: match self.eos_token_id {
                None => Vec::new(),
                Some(Tokens::One(token)) => vec![token],
                Some(Tokens::Many(tokens)) => tokens,
            },
        })
    }
}

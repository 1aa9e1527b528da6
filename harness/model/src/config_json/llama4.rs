//! The keys that Llama 4's text models have in addition to Llama's.
//!
//! Names, meanings and defaults are those of Hugging Face's `Llama4TextConfig` (transformers,
//! `configuration_llama4.py`); what they compute is in `modeling_llama4.py` beside it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Defaults;
use crate::{AttentionTemperature, ModelConfig, ModelError, config::ensure_layers};

/// Values of missing keys among those that it shares with Llama.
pub(super) const LLAMA4_DEFAULTS: Defaults = Defaults { context: 131_072, rope_theta: 500_000.0, rms_norm_eps: 1e-5 };

/// The keys as in the file; a missing key has its default in Hugging Face's library.
#[derive(Debug, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Llama4Json {
    /// Width of a feed-forward layer without experts; `intermediate_size` is that of an expert.
    intermediate_size_mlp: Option<usize>,
    use_qk_norm: bool,
    /// At least one number for each layer: 0 for those without rotary positions. An empty list counts as a missing one.
    no_rope_layers: Option<Vec<u8>>,
    /// Every layer at this interval has no rotary positions, if there is no list.
    #[serde(skip_serializing)]
    no_rope_layer_interval: usize,
    /// A boolean; early files have a number.
    attn_temperature_tuning: Value,
    floor_scale: f64,
    attn_scale: f64,
    /// Layers with experts.
    moe_layers: Option<Vec<usize>>,
    /// Every layer at this interval has experts, if there is no list.
    interleave_moe_layer_step: usize,
    /// Rotated layers only see the tokens of their own chunk.
    attention_chunk_size: Option<usize>,
    layer_types: Option<Vec<String>>,
    /// Our own key: false in the models of our library, whose queries and keys are ordered for rotate-half. Hugging Face's
    /// files, which lack it, are ordered for rotating neighbouring pairs.
    rope_interleaved: bool,
}

impl Default for Llama4Json {
    fn default() -> Self {
        Self {
            intermediate_size_mlp: None,
            use_qk_norm: true,
            no_rope_layers: None,
            no_rope_layer_interval: 4,
            attn_temperature_tuning: Value::Bool(true),
            floor_scale: 8192.0,
            attn_scale: 0.1,
            moe_layers: None,
            interleave_moe_layer_step: 1,
            attention_chunk_size: Some(8192),
            layer_types: None,
            rope_interleaved: true,
        }
    }
}

/// What the keys contribute to a [`ModelConfig`].
pub(super) struct Llama4Shape {
    pub(super) ffn: usize,
    pub(super) query_key_norm: bool,
    pub(super) no_rope_layers: Vec<usize>,
    pub(super) attention_temperature: Option<AttentionTemperature>,
}

impl Llama4Shape {
    /// The values for a model that is not a Llama 4.
    pub(super) fn absent(ffn: usize) -> Self {
        Self { ffn, query_key_norm: false, no_rope_layers: Vec::new(), attention_temperature: None }
    }
}

impl Llama4Json {
    /// The keys that [`Llama4Json::into_shape`] reads back as the same shape.
    pub(super) fn from_config(config: &ModelConfig) -> Self {
        let absent = Self::default();
        let temperature = config.attention_temperature;
        Self {
            intermediate_size_mlp: Some(config.ffn),
            use_qk_norm: config.query_key_norm,
            no_rope_layers: Some((0..config.layers).map(|block| u8::from(config.rotates(block))).collect()),
            attn_temperature_tuning: Value::Bool(temperature.is_some()),
            floor_scale: temperature.map_or(absent.floor_scale, |temperature| temperature.floor_scale),
            attn_scale: temperature.map_or(absent.attn_scale, |temperature| temperature.scale),
            moe_layers: Some(Vec::new()),
            interleave_moe_layer_step: 0,
            // One chunk holds the whole context.
            attention_chunk_size: Some(config.context),
            layer_types: Some(vec!["full_attention".into(); config.layers]),
            rope_interleaved: false,
            ..absent
        }
    }

    /// # Errors
    /// When a key asks for an unsupported computation, or a required key is missing.
    pub(super) fn into_shape(self, layers: usize, context: usize) -> Result<Llama4Shape, ModelError> {
        ensure_layers(layers)?;
        self.refuse_experts(layers)?;
        let rotates = self.rotates(layers)?;
        self.refuse_chunks(&rotates, context)?;
        let ffn = self.intermediate_size_mlp.ok_or_else(|| {
            ModelError::Config(
                "intermediate_size_mlp, the width of a Llama 4's feed-forward layers without experts, is not given"
                    .into(),
            )
        })?;
        let tuned = match &self.attn_temperature_tuning {
            Value::Null => false,
            Value::Bool(tuned) => *tuned,
            Value::Number(number) => number.as_f64() != Some(0.0),
            other => {
                return Err(ModelError::Config(format!("attn_temperature_tuning is {other}, neither true nor false")));
            }
        };
        let temperature = AttentionTemperature { floor_scale: self.floor_scale, scale: self.attn_scale };
        Ok(Llama4Shape {
            ffn,
            query_key_norm: self.use_qk_norm,
            no_rope_layers: (0..layers).filter(|&layer| !rotates[layer]).collect(),
            attention_temperature: tuned.then_some(temperature),
        })
    }

    fn refuse_experts(&self, layers: usize) -> Result<(), ModelError> {
        let refuse = |what: String| {
            Err(ModelError::Config(format!("{what}: mixtures of experts are not supported, moe_layers must be []")))
        };
        let step = self.interleave_moe_layer_step;
        match &self.moe_layers {
            Some(experts) => match experts.iter().find(|&&layer| layer < layers) {
                Some(layer) => refuse(format!("moe_layers has the layer {layer}")),
                None => Ok(()),
            },
            None if step <= layers => {
                refuse(format!("moe_layers is not given, and interleave_moe_layer_step is {step}"))
            }
            None => Ok(()),
        }
    }

    /// Whether each layer has rotary positions.
    fn rotates(&self, layers: usize) -> Result<Vec<bool>, ModelError> {
        match self.no_rope_layers.as_deref() {
            None | Some([]) if self.no_rope_layer_interval == 0 => {
                Err(ModelError::Config("no_rope_layer_interval is 0, and there is no list no_rope_layers".into()))
            }
            None | Some([]) => {
                Ok((1..=layers).map(|layer| !layer.is_multiple_of(self.no_rope_layer_interval)).collect())
            }
            Some(list) if list.len() < layers => Err(ModelError::Config(format!(
                "no_rope_layers has {} entries, but num_hidden_layers is {layers}",
                list.len()
            ))),
            Some(list) => Ok(list[..layers].iter().map(|&rotates| rotates != 0).collect()),
        }
    }

    /// Refuses chunks that are shorter than the context; otherwise they make no difference.
    fn refuse_chunks(&self, rotates: &[bool], context: usize) -> Result<(), ModelError> {
        let chunked = match &self.layer_types {
            None => rotates.contains(&true),
            Some(types) if types.len() < rotates.len() => {
                let (found, layers) = (types.len(), rotates.len());
                return Err(ModelError::Config(format!(
                    "layer_types has {found} entries, but num_hidden_layers is {layers}"
                )));
            }
            Some(types) => {
                let types = &types[..rotates.len()];
                let known = ["full_attention", "chunked_attention"];
                if let Some(other) = types.iter().find(|kind| !known.contains(&kind.as_str())) {
                    return Err(ModelError::Config(format!(
                        "layer_types has {other:?}; \"full_attention\" is supported"
                    )));
                }
                types.iter().any(|kind| kind == "chunked_attention")
            }
        };
        match self.attention_chunk_size {
            Some(chunk) if chunked && chunk < context => Err(ModelError::Config(format!(
                "attention_chunk_size is {chunk}, less than max_position_embeddings ({context}): attention in chunks is \
                 not supported; with max_position_embeddings lowered to {chunk}, a text is one chunk"
            ))),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;

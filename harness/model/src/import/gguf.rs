//! GGUF files of the architecture `llama`, as llama.cpp writes them (format: ggml's docs/gguf.md).

mod blocks;
mod formats;
mod metadata;
mod neutral;
mod parts;
mod reader;
mod rope;
mod tokenizer;

use std::{collections::BTreeMap, path::Path};

use self::{blocks::Format, metadata::Metadata, parts::Parts, tokenizer::Tokenizer};
use super::{Source, file_name, halves_from_pairs};
use crate::{ModelConfig, ModelError, ModelOrigin};

/// The only supported architecture.
const ARCHITECTURE: &str = "llama";
/// Keys of a `llama` that are read, or checked in [`neutral`], or do not affect the computation; in addition to those of
/// positions and attention.
const KEYS: [&str; 11] = [
    "llama.block_count",
    "llama.embedding_length",
    "llama.feed_forward_length",
    "llama.context_length",
    "llama.vocab_size",
    "llama.expert_count",
    "llama.expert_used_count",
    "llama.tensor_data_layout",
    "llama.logit_scale",
    "llama.residual_scale",
    "llama.embedding_scale",
];

/// Widest head that positions are scaled for.
const MOST_HEAD_DIM: usize = 1 << 16;

/// A GGUF file, or the parts of one, as a model.
pub(super) struct GgufModel {
    parts: Parts,
    config: ModelConfig,
    tokenizer: Tokenizer,
    notes: Vec<String>,
}

impl GgufModel {
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        let parts = Parts::open(path)?;
        let invalid = |reason: String| ModelError::invalid(parts.path(), reason);
        ensure_architecture(parts.metadata()).map_err(invalid)?;
        let tokenizer = tokenizer::read(parts.metadata()).map_err(invalid)?;
        let config = config(&parts, &tokenizer)?;
        let mut notes = keys_not_read(parts.metadata());
        notes.extend_from_slice(&tokenizer.notes);
        let model = Self { config, tokenizer, notes, parts };
        model.refuse_unknown_tensors()?;
        Ok(model)
    }

    /// Ignoring a tensor would change what the model computes.
    fn refuse_unknown_tensors(&self) -> Result<(), ModelError> {
        let mut known: Vec<String> =
            self.config.tensors().iter().map(|tensor| gguf_name(&tensor.name).unwrap_or_default()).collect();
        known.push(rope::FREQUENCY_FACTORS.to_owned());
        known.sort_unstable();
        match self.parts.tensors().find(|tensor| known.binary_search(&tensor.name).is_err()) {
            Some(tensor) => Err(ModelError::invalid(
                self.parts.path(),
                format!(
                    "tensor {:?} is not part of a plain llama model, and the model cannot be computed correctly without it",
                    tensor.name
                ),
            )),
            None => Ok(()),
        }
    }

    /// The format of most matrices.
    fn most_common_format(&self) -> Option<&'static Format> {
        let mut counts: BTreeMap<u32, (usize, &'static Format)> = BTreeMap::new();
        for tensor in self.parts.tensors().filter(|tensor| tensor.shape.len() > 1) {
            counts.entry(tensor.format.number).or_insert((0, tensor.format)).0 += 1;
        }
        counts.into_values().max_by_key(|(count, _)| *count).map(|(_, format)| format)
    }
}

impl Source for GgufModel {
    fn config(&self) -> &ModelConfig {
        &self.config
    }

    fn model_type(&self) -> &str {
        "llama"
    }

    fn origin(&self) -> Result<ModelOrigin, ModelError> {
        let largest = self.parts.tensors().max_by_key(|tensor| tensor.bytes);
        // Most of the bytes are in the matrices of the blocks, not in a single tensor.
        let most = self.most_common_format().or(largest.map(|tensor| tensor.format));
        let format = most.map_or("GGUF".into(), |format| format!("GGUF {}", format.name));
        Ok(ModelOrigin::Imported {
            source: file_name(self.parts.path()),
            format,
            sha256: self.parts.sha256()?,
            notes: self.notes.clone(),
        })
    }

    fn read_f32(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, ModelError> {
        let missing = || ModelError::MissingTensor { name: name.to_owned(), path: self.parts.path().to_owned() };
        let gguf_name = gguf_name(name).ok_or_else(missing)?;
        let (file, tensor) = self.parts.tensor(&gguf_name).ok_or_else(missing)?;
        if tensor.shape != shape {
            return Err(ModelError::WrongShape {
                name: gguf_name,
                path: file.path().to_owned(),
                found: tensor.shape.clone(),
                expected: shape.to_vec(),
            });
        }
        let values = file.read_f32(tensor)?;
        let config = &self.config;
        Ok(if name.ends_with("q_proj.weight") || name.ends_with("k_proj.weight") {
            // llama.cpp rotates neighbouring pairs: its converter permuted these rows (`permute` in
            // convert_hf_to_gguf.py).
            halves_from_pairs(&values, config.head_dim, config.hidden)
        } else {
            values
        })
    }

    fn path(&self) -> &Path {
        self.parts.path()
    }

    fn texts(&self) -> Result<Vec<(String, String)>, ModelError> {
        Ok(self.tokenizer.files.clone())
    }
}

fn ensure_architecture(metadata: &Metadata) -> Result<(), String> {
    if let Some(kind) = metadata.present_text("general.type")?.filter(|kind| *kind != "model") {
        return Err(format!("general.type is {kind:?}: it is not a model, but an addition to one"));
    }
    match metadata.text("general.architecture")? {
        ARCHITECTURE => Ok(()),
        other => Err(format!("general.architecture is {other:?}; {ARCHITECTURE:?} is supported")),
    }
}

/// Keys of the architecture that neither this project nor llama.cpp reads for a `llama`.
fn keys_not_read(metadata: &Metadata) -> Vec<String> {
    let is_read_elsewhere = |key: &str| {
        let groups = ["rope.", "attention."];
        key.strip_prefix("llama.").is_none_or(|name| groups.iter().any(|group| name.starts_with(group)))
    };
    let unknown = metadata.keys().filter(|key| !is_read_elsewhere(key) && !KEYS.contains(key));
    unknown.filter(|key| !neutral::knows(key)).map(|key| format!("{key} is not read")).collect()
}

/// Shape and constants from the metadata.
fn config(parts: &Parts, tokenizer: &Tokenizer) -> Result<ModelConfig, ModelError> {
    let invalid = |reason: String| ModelError::invalid(parts.path(), reason);
    let own_factors = match parts.tensor(rope::FREQUENCY_FACTORS) {
        None => None,
        Some((_, tensor)) if tensor.shape.len() != 1 => {
            let reason = format!("tensor {:?} has {} dimensions", tensor.name, tensor.shape.len());
            return Err(invalid(reason));
        }
        Some((file, tensor)) => Some(file.read_f32(tensor)?),
    };
    let has_head = parts.tensor("output.weight").is_some();
    let config = config_of(parts.metadata(), tokenizer, own_factors, has_head).map_err(invalid)?;
    config.validate().map_err(|error| invalid(error.to_string()))?;
    // A wrong block count would name more tensors than there are.
    let tensors = parts.tensors().count();
    if config.layers > tensors {
        return Err(invalid(format!("llama.block_count is {}, but there are {tensors} tensors", config.layers)));
    }
    Ok(config)
}

/// `own_factors` are the factors of the rotary frequencies, if a tensor has them.
fn config_of(
    metadata: &Metadata,
    tokenizer: &Tokenizer,
    own_factors: Option<Vec<f32>>,
    has_head: bool,
) -> Result<ModelConfig, String> {
    if let Some(experts) = metadata.optional_size("llama.expert_count")?.filter(|&experts| experts > 0) {
        return Err(format!("llama.expert_count is {experts}; mixtures of experts are not supported"));
    }
    let of_blocks = |key: &str| metadata.size_of_blocks(key)?.ok_or_else(|| format!("the key {key:?} is missing"));
    let context = metadata.size("llama.context_length")?;
    let hidden = metadata.size("llama.embedding_length")?;
    let heads = of_blocks("llama.attention.head_count")?;
    let head_dim = match metadata.optional_size("llama.attention.key_length")? {
        Some(head_dim) => head_dim,
        None if heads > 0 && hidden.is_multiple_of(heads) => hidden / heads,
        None => return Err(format!("llama.embedding_length ({hidden}) is not a multiple of the {heads} heads")),
    };
    if head_dim > MOST_HEAD_DIM {
        return Err(format!("a head has {head_dim} dimensions, beyond any model this project can hold"));
    }
    for key in ["llama.rope.dimension_count", "llama.attention.value_length"] {
        if let Some(width) = metadata.optional_size(key)?.filter(|&width| width != head_dim) {
            return Err(format!("{key} is {width}, but a head has {head_dim}: not supported"));
        }
    }
    neutral::ensure(metadata, context, head_dim)?;
    Ok(ModelConfig {
        layers: metadata.size("llama.block_count")?,
        layer_repeats: 1,
        hidden,
        heads,
        kv_heads: metadata.size_of_blocks("llama.attention.head_count_kv")?.unwrap_or(heads),
        head_dim,
        ffn: of_blocks("llama.feed_forward_length")?,
        vocabulary: tokenizer.vocabulary,
        context,
        rope_theta: metadata.optional_number("llama.rope.freq_base")?.unwrap_or(10_000.0),
        rope_scaling: rope::scaling(metadata, context, head_dim / 2, own_factors)?,
        rms_norm_eps: metadata.number("llama.attention.layer_norm_rms_epsilon")?,
        query_key_norm: false,
        no_rope_layers: Vec::new(),
        attention_temperature: None,
        tied_head: !has_head,
        bos_token: tokenizer.beginning,
        eos_tokens: tokenizer.ends.clone(),
    })
}

/// The name in GGUF: `model.layers.3.mlp.up_proj.weight` is `blk.3.ffn_up.weight`.
fn gguf_name(name: &str) -> Option<String> {
    let whole = match name {
        "model.embed_tokens.weight" => Some("token_embd.weight"),
        "model.norm.weight" => Some("output_norm.weight"),
        "lm_head.weight" => Some("output.weight"),
        _ => None,
    };
    if let Some(whole) = whole {
        return Some(whole.to_owned());
    }
    let (layer, part) = name.strip_prefix("model.layers.")?.split_once('.')?;
    let part = match part {
        "self_attn.q_proj.weight" => "attn_q",
        "self_attn.k_proj.weight" => "attn_k",
        "self_attn.v_proj.weight" => "attn_v",
        "self_attn.o_proj.weight" => "attn_output",
        "mlp.gate_proj.weight" => "ffn_gate",
        "mlp.up_proj.weight" => "ffn_up",
        "mlp.down_proj.weight" => "ffn_down",
        "input_layernorm.weight" => "attn_norm",
        "post_attention_layernorm.weight" => "ffn_norm",
        _ => return None,
    };
    Some(format!("blk.{layer}.{part}.weight"))
}

#[cfg(test)]
mod tests;

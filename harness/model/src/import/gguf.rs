//! GGUF files of the architecture `llama`, as llama.cpp writes them (format: ggml's docs/gguf.md).

mod blocks;
mod formats;
mod metadata;
mod neutral;
mod reader;
mod tokenizer;

use std::{collections::HashSet, path::Path};

use self::{metadata::Metadata, reader::GgufFile};
use super::{Source, file_name, halves_from_pairs};
use crate::{ModelConfig, ModelError, ModelOrigin, sha256_of_file};

/// A GGUF file as a model.
pub(super) struct GgufModel {
    file: GgufFile,
    config: ModelConfig,
}

impl GgufModel {
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        let file = GgufFile::open(path)?;
        let config = config(&file)?;
        let model = Self { file, config };
        model.refuse_unknown_tensors()?;
        Ok(model)
    }

    /// A tensor that we would leave out changes what the model computes.
    fn refuse_unknown_tensors(&self) -> Result<(), ModelError> {
        let known: HashSet<String> =
            self.config.tensors().iter().map(|tensor| gguf_name(&tensor.name).unwrap_or_default()).collect();
        match self.file.tensors().keys().find(|name| !known.contains(*name)) {
            Some(name) => Err(ModelError::invalid(
                self.file.path(),
                format!(
                    "tensor {name:?} has no place in a plain llama model, which could not be computed right without it"
                ),
            )),
            None => Ok(()),
        }
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
        let largest = self.file.tensors().values().max_by_key(|tensor| tensor.bytes);
        // Most of the bytes are in the matrices of the blocks, not in one tensor.
        let most = self.file.most_common_format().or(largest.map(|tensor| tensor.format));
        let format = most.map_or("GGUF".into(), |format| format!("GGUF {}", format.name));
        Ok(ModelOrigin::Imported {
            source: file_name(self.file.path()),
            format,
            sha256: sha256_of_file(self.file.path())?,
            notes: Vec::new(),
        })
    }

    fn read_f32(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, ModelError> {
        let missing = || ModelError::MissingTensor { name: name.to_owned(), path: self.file.path().to_owned() };
        let gguf_name = gguf_name(name).ok_or_else(missing)?;
        let tensor = self.file.tensors().get(&gguf_name).ok_or_else(missing)?;
        if tensor.shape != shape {
            return Err(ModelError::WrongShape {
                name: gguf_name,
                path: self.file.path().to_owned(),
                found: tensor.shape.clone(),
                expected: shape.to_vec(),
            });
        }
        let values = self.file.read_f32(tensor)?;
        let config = &self.config;
        Ok(if name.ends_with("q_proj.weight") || name.ends_with("k_proj.weight") {
            // llama.cpp turns neighbouring pairs: its converter exchanged these rows (`permute` in
            // convert_hf_to_gguf.py).
            halves_from_pairs(&values, config.head_dim, config.hidden)
        } else {
            values
        })
    }

    fn path(&self) -> &Path {
        self.file.path()
    }

    fn texts(&self) -> Result<Vec<(String, String)>, ModelError> {
        let files = tokenizer::files(self.file.metadata());
        files.map_err(|reason| ModelError::invalid(self.file.path(), reason))
    }
}

/// Shape and constants from the metadata.
fn config(file: &GgufFile) -> Result<ModelConfig, ModelError> {
    let read = |metadata: &Metadata| -> Result<ModelConfig, String> {
        let architecture = metadata.text("general.architecture")?;
        if architecture != "llama" {
            return Err(format!("its architecture is {architecture:?}; \"llama\" is supported"));
        }
        if let Some(experts) = metadata.optional_size("llama.expert_count")?.filter(|&experts| experts > 0) {
            return Err(format!("llama.expert_count is {experts}; mixtures of experts are not supported"));
        }
        let context = metadata.size("llama.context_length")?;
        let hidden = metadata.size("llama.embedding_length")?;
        let heads = metadata.size("llama.attention.head_count")?;
        let head_dim = match metadata.optional_size("llama.attention.key_length")? {
            Some(head_dim) => head_dim,
            None if heads > 0 && hidden.is_multiple_of(heads) => hidden / heads,
            None => return Err(format!("llama.embedding_length ({hidden}) is not a multiple of the {heads} heads")),
        };
        for key in ["llama.rope.dimension_count", "llama.attention.value_length"] {
            if let Some(width) = metadata.optional_size(key)?.filter(|&width| width != head_dim) {
                return Err(format!("{key} is {width}, but a head has {head_dim}: not supported"));
            }
        }
        neutral::ensure(metadata, context, head_dim)?;
        let token = |key: &str| Ok::<_, String>(metadata.optional_size(key)?.map(|token| token as u32));
        Ok(ModelConfig {
            layers: metadata.size("llama.block_count")?,
            layer_repeats: 1,
            hidden,
            heads,
            kv_heads: metadata.optional_size("llama.attention.head_count_kv")?.unwrap_or(heads),
            head_dim,
            ffn: metadata.size("llama.feed_forward_length")?,
            vocabulary: metadata.texts("tokenizer.ggml.tokens")?.len(),
            context,
            rope_theta: metadata.optional_number("llama.rope.freq_base")?.unwrap_or(10_000.0),
            rope_scaling: None,
            rms_norm_eps: metadata.number("llama.attention.layer_norm_rms_epsilon")?,
            query_key_norm: false,
            no_rope_layers: Vec::new(),
            attention_temperature: None,
            tied_head: !file.tensors().contains_key("output.weight"),
            bos_token: token("tokenizer.ggml.bos_token_id")?,
            eos_tokens: token("tokenizer.ggml.eos_token_id")?.into_iter().collect(),
        })
    };
    let config = read(file.metadata()).map_err(|reason| ModelError::invalid(file.path(), reason))?;
    config.validate().map_err(|error| ModelError::invalid(file.path(), error.to_string()))?;
    // A block count that lies would name more tensors than there are.
    if config.layers > file.tensors().len() {
        let reason = format!("llama.block_count is {}, but there are {} tensors", config.layers, file.tensors().len());
        return Err(ModelError::invalid(file.path(), reason));
    }
    Ok(config)
}

/// `model.layers.3.mlp.up_proj.weight` is `blk.3.ffn_up.weight` there.
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

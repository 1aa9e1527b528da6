use std::sync::Arc;

use anyhow::bail;
use candle_core::{Device, Tensor, WithDType};
use pocketwatt_model::{ModelConfig, ModelError, WeightFile};
use pocketwatt_protocol::Precision;

use crate::{blocks::Blocks, matrix::Matrix};

/// Weights begin at a multiple of this. The allocator puts large buffers 16 bytes after a page's start, where every
/// other vector load would touch two cache lines.
const CACHE_LINE_BYTES: usize = 64;

/// All weights, each once. Projections that read the same input are joined into one matrix: fewer, larger products.
pub struct Weights {
    /// `[vocabulary, hidden]`.
    pub embedding: Matrix,
    /// Blocks with weights of their own.
    pub blocks: Vec<Block>,
    /// `[hidden]`.
    pub norm: Tensor,
    /// `[vocabulary, hidden]`; the embedding itself where the head is tied.
    pub head: Matrix,
}

/// One transformer block. Matrices are `[out, in]`.
pub struct Block {
    /// `[hidden]`.
    pub attention_norm: Tensor,
    /// Query, key and value rows.
    pub query_key_value: Matrix,
    /// `[hidden, query_width]`.
    pub output: Matrix,
    /// `[hidden]`.
    pub feed_forward_norm: Tensor,
    /// Gate and up rows.
    pub gate_up: Matrix,
    /// `[hidden, ffn]`.
    pub down: Matrix,
}

impl Weights {
    /// Reads every tensor directly into the buffer that candle computes with: nothing is mapped, and nothing is ever held
    /// twice.
    pub fn read(config: &ModelConfig, file: &WeightFile, precision: Precision) -> anyhow::Result<Self> {
        let embedding = matrix(file, &["model.embed_tokens.weight"], precision)?;
        let head = if config.tied_head { embedding.clone() } else { matrix(file, &[config.head_tensor()], precision)? };
        let blocks =
            (0..config.layers).map(|layer| Block::read(file, layer, precision)).collect::<anyhow::Result<_>>()?;
        Ok(Self { embedding, blocks, norm: joined(file, &["model.norm.weight"], WeightFile::read_f32_into)?, head })
    }
}

impl Block {
    fn read(file: &WeightFile, layer: usize, precision: Precision) -> anyhow::Result<Self> {
        let name = |part: &str| format!("model.layers.{layer}.{part}.weight");
        let norm = |part: &str| joined(file, &[name(part)], WeightFile::read_f32_into);
        let read = |parts: &[&str]| {
            let names: Vec<String> = parts.iter().map(|part| name(part)).collect();
            matrix(file, &names, precision)
        };
        Ok(Self {
            attention_norm: norm("input_layernorm")?,
            query_key_value: read(&["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"])?,
            output: read(&["self_attn.o_proj"])?,
            feed_forward_norm: norm("post_attention_layernorm")?,
            gate_up: read(&["mlp.gate_proj", "mlp.up_proj"])?,
            down: read(&["mlp.down_proj"])?,
        })
    }
}

/// The named matrices, stacked by rows.
fn matrix(file: &WeightFile, names: &[impl AsRef<str>], precision: Precision) -> anyhow::Result<Matrix> {
    Ok(match precision {
        Precision::F32 => Matrix::Plain(joined(file, names, WeightFile::read_f32_into)?),
        Precision::F16 => Matrix::Plain(joined(file, names, WeightFile::read_f16_into)?),
        Precision::Int8 | Precision::Int4 => Matrix::Blocks(Arc::new(Blocks::read(file, names, precision)?)),
        // Candle's matrix product first converts both whole factors to f32, whatever part of them it multiplies.
        Precision::Bf16 => bail!("candle has no product of bf16: it would compute in f32"),
        Precision::W8a8 => bail!("this backend does not compute in w8a8"),
    })
}

/// The named tensors, stacked by rows, each read by `read`. They agree in everything but the number of rows: the folder was
/// checked when it was opened.
fn joined<T: WithDType>(
    file: &WeightFile,
    names: &[impl AsRef<str>],
    read: impl Fn(&WeightFile, &str, &mut [T]) -> Result<(), ModelError>,
) -> anyhow::Result<Tensor> {
    let shapes = names
        .iter()
        .map(|name| Ok(file.tensor(name.as_ref())?.shape.clone()))
        .collect::<Result<Vec<_>, ModelError>>()?;
    let mut shape = shapes.first().cloned().unwrap_or_default();
    shape[0] = shapes.iter().map(|shape| shape[0]).sum();
    let length: usize = shape.iter().product();
    let mut values = vec![T::zero(); length + CACHE_LINE_BYTES / size_of::<T>()];
    let aligned = values.as_ptr().align_offset(CACHE_LINE_BYTES);
    let mut rest = &mut values[aligned..aligned + length];
    for (name, shape) in names.iter().zip(&shapes) {
        let (part, after) = rest.split_at_mut(shape.iter().product());
        read(file, name.as_ref(), part)?;
        rest = after;
    }
    let buffer_length = values.len();
    let buffer = Tensor::from_vec(values, buffer_length, &Device::Cpu)?;
    Ok(buffer.narrow(0, aligned, length)?.reshape(shape)?)
}

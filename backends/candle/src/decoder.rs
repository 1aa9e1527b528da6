use candle_core::{DType, Device, Result, Storage, Tensor, bail};
use candle_nn::{
    ops::{rms_norm, swiglu},
    rotary_emb::rope_thd,
};
use pocketwatt_model::ModelConfig;
use pocketwatt_protocol::TokenId;

use crate::{
    attention::{CausalMask, attend},
    cache::KeyValueCache,
    weights::Weights,
};

/// The decoder of [`ModelConfig`] on candle's operators. Between blocks the residual stream is `[positions, hidden]`.
///
/// In f16 the weights, the residual stream, the cache and both factors of every product are f16. Everything between products
/// except the residual sums is computed in f32: norms, rotary positions, softmax and SwiGLU.
pub struct Decoder {
    config: ModelConfig,
    weights: Weights,
    /// Cosines and sines of the rotary positions, `[capacity, head_dim / 2]`.
    cosines: Tensor,
    sines: Tensor,
    /// Weights for norms that have none of their own, `[head_dim]`.
    ones: Tensor,
    /// Factors of the queries of blocks without rotation, `[capacity, 1, 1]`, if they grow with their position.
    temperatures: Option<Tensor>,
}

/// What all layers of one forward pass share.
struct Pass {
    /// Cosines of the new positions, `[positions, head_dim / 2]`.
    cosines: Tensor,
    sines: Tensor,
    /// `[positions, 1, 1]`.
    temperatures: Option<Tensor>,
    mask: CausalMask,
}

impl Decoder {
    /// A decoder for up to `capacity` positions.
    pub fn new(config: ModelConfig, weights: Weights, capacity: usize) -> Result<Self> {
        let (cosines, sines) = config.rope_tables(capacity);
        let shape = (capacity, config.head_dim / 2);
        let temperature = (0..config.layers).find_map(|block| config.temperature(block));
        let temperatures = temperature.map(|temperature| {
            let factors = (0..capacity).map(|position| temperature.factor(position) as f32).collect();
            Tensor::from_vec(factors, (capacity, 1, 1), &Device::Cpu)
        });
        Ok(Self {
            weights,
            cosines: Tensor::from_vec(cosines, shape, &Device::Cpu)?,
            sines: Tensor::from_vec(sines, shape, &Device::Cpu)?,
            ones: Tensor::ones(config.head_dim, DType::F32, &Device::Cpu)?,
            temperatures: temperatures.transpose()?,
            config,
        })
    }

    /// The model's shape.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// The format of the residual stream and the cache.
    pub fn format(&self) -> DType {
        self.weights.embedding.format()
    }

    /// Appends `tokens` to `cache` and replaces `logits` by those of the last of them.
    pub fn forward(&self, tokens: &[TokenId], cache: &mut KeyValueCache, logits: &mut Vec<f32>) -> Result<()> {
        let count = tokens.len();
        let tokens: Vec<u32> = tokens.iter().map(|token| token.0).collect();
        let mut x = self.weights.embedding.rows(&Tensor::from_vec(tokens, count, &Device::Cpu)?)?;
        let pass = Pass {
            cosines: self.cosines.narrow(0, cache.len(), count)?,
            sines: self.sines.narrow(0, cache.len(), count)?,
            temperatures: self.temperatures.as_ref().map(|all| all.narrow(0, cache.len(), count)).transpose()?,
            mask: CausalMask::new(cache.len(), count)?,
        };
        for executed in 0..self.config.executed_layers() {
            let index = self.config.block_of(executed);
            let block = &self.weights.blocks[index];
            let y = self.norm(&x, &block.attention_norm)?;
            x = (x + self.attend(&y, index, &pass, cache, executed)?)?;
            let y = self.norm(&x, &block.feed_forward_norm)?;
            let gated = in_f32(&block.gate_up.times(&y)?, swiglu)?;
            x = (x + block.down.times(&gated)?)?;
        }
        cache.advance(count);
        let last = self.norm(&x.narrow(0, count - 1, 1)?, &self.weights.norm)?;
        copy_row(&self.weights.head.times(&last)?.to_dtype(DType::F32)?, logits)
    }

    fn norm(&self, x: &Tensor, weight: &Tensor) -> Result<Tensor> {
        in_f32(x, |x| rms_norm(x, weight, self.config.rms_norm_eps as f32))
    }

    fn attend(
        &self,
        y: &Tensor,
        index: usize,
        pass: &Pass,
        cache: &mut KeyValueCache,
        executed: usize,
    ) -> Result<Tensor> {
        let (config, block) = (&self.config, &self.weights.blocks[index]);
        let count = y.dim(0)?;
        let projected = block.query_key_value.times(y)?;
        // Queries and keys are adjacent and rotate by the same angles, so one rotation serves both.
        let rotating = config.heads + config.kv_heads;
        let placed = projected.narrow(1, 0, rotating * config.head_dim)?.to_dtype(DType::F32)?.contiguous()?;
        let placed = placed.reshape((1, count, rotating, config.head_dim))?;
        let placed = if config.rotates(index) { rope_thd(&placed, &pass.cosines, &pass.sines)? } else { placed };
        let placed = if config.normalises_queries(index) { self.norm(&placed, &self.ones)? } else { placed };
        let queries = placed.narrow(2, 0, config.heads)?.squeeze(0)?;
        let queries = match &pass.temperatures {
            Some(factors) if config.temperature(index).is_some() => queries.broadcast_mul(factors)?,
            _ => queries,
        };
        let keys = placed.narrow(2, config.heads, config.kv_heads)?.squeeze(0)?.contiguous()?;
        let keys = keys.to_dtype(self.format())?;
        let values = projected.narrow(1, rotating * config.head_dim, config.kv_width())?.contiguous()?;
        let values = values.reshape((count, config.kv_heads, config.head_dim))?;
        let (keys, values) = cache.extend(executed, &keys, &values)?;
        let attended = attend(config, &queries, &keys, &values, &pass.mask)?;
        block.output.times(&attended)
    }
}

/// `operation` on `x` in f32, with its result in the format of `x`.
fn in_f32(x: &Tensor, operation: impl FnOnce(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
    operation(&x.to_dtype(DType::F32)?)?.to_dtype(x.dtype())
}

/// Copies the only row of `row` into the caller's buffer, without an allocation once the buffer has that size.
fn copy_row(row: &Tensor, to: &mut Vec<f32>) -> Result<()> {
    let (storage, layout) = row.storage_and_layout();
    let (Storage::Cpu(storage), Some((start, end))) = (&*storage, layout.contiguous_offsets()) else {
        bail!("the logits are not contiguous in main memory");
    };
    to.clear();
    to.extend_from_slice(&storage.as_slice::<f32>()?[start..end]);
    Ok(())
}

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::ops::softmax_last_dim;
use pocketwatt_model::ModelConfig;

/// Number of queries that are scored at once. It bounds the memory of the scores, and lets a chunk leave out the keys after its
/// last query: of the triangle above the diagonal only a small part is computed.
const QUERY_CHUNK: usize = 128;

/// Which keys the queries of one pass may see. Created once and used by all layers.
pub struct CausalMask {
    past: usize,
    chunks: Vec<QueryChunk>,
}

struct QueryChunk {
    start: usize,
    count: usize,
    /// 0 or minus infinity for each query and each key up to the chunk's last, `[1, count, keys]`; `None` for a single
    /// query, which sees everything up to itself.
    mask: Option<Tensor>,
}

impl CausalMask {
    /// A mask for `count` positions after `past` others.
    pub fn new(past: usize, count: usize) -> Result<Self> {
        let chunks = (0..count)
            .step_by(QUERY_CHUNK)
            .map(|start| {
                let count = QUERY_CHUNK.min(count - start);
                let mask = if count == 1 { None } else { Some(mask(past + start, count)?) };
                Ok(QueryChunk { start, count, mask })
            })
            .collect::<Result<_>>()?;
        Ok(Self { past, chunks })
    }
}

/// Query `i` is at position `past + i` and sees the keys up to there.
fn mask(past: usize, count: usize) -> Result<Tensor> {
    let keys = past + count;
    let seen = |query: usize, key: usize| if key <= past + query { 0.0 } else { f32::NEG_INFINITY };
    let values = (0..count).flat_map(|query| (0..keys).map(move |key| seen(query, key))).collect();
    Tensor::from_vec(values, (1, count, keys), &Device::Cpu)
}

/// Grouped-query attention of `queries [positions, heads, head_dim]` over `keys` and `values [past + positions,
/// kv_heads, head_dim]`, as `[positions, heads * head_dim]`. Queries are f32; keys, values and the result have the cache's
/// format.
///
/// Uses plain matrix products on views of the cache. Candle's own attention for processors (`cpu_flash`) takes one dot
/// product at a time and is slower here: by 10 % of a token at 128 positions, and more with every further one.
pub fn attend(
    config: &ModelConfig,
    queries: &Tensor,
    keys: &Tensor,
    values: &Tensor,
    mask: &CausalMask,
) -> Result<Tensor> {
    let scale = 1.0 / (config.head_dim as f64).sqrt();
    let (keys, values) = (keys.transpose(0, 1)?, values.transpose(0, 1)?);
    let chunks = mask
        .chunks
        .iter()
        .map(|chunk| {
            let seen = mask.past + chunk.start + chunk.count;
            let queries = (queries.narrow(0, chunk.start, chunk.count)?.transpose(0, 1)?.contiguous()? * scale)?;
            let queries = queries.to_dtype(keys.dtype())?;
            let keys = keys.narrow(1, 0, seen)?;
            let values = values.narrow(1, 0, seen)?;
            attend_chunk(config, &queries, &keys, &values, chunk)
        })
        .collect::<Result<Vec<_>>>()?;
    if let [only] = chunks.as_slice() { Ok(only.clone()) } else { Tensor::cat(&chunks, 0) }
}

/// The heads that share keys and values are stacked into the rows of one product, so that nothing is repeated.
fn attend_chunk(
    config: &ModelConfig,
    queries: &Tensor,
    keys: &Tensor,
    values: &Tensor,
    chunk: &QueryChunk,
) -> Result<Tensor> {
    let stacked = (config.kv_heads, config.heads / config.kv_heads * chunk.count, config.head_dim);
    let scores = queries.reshape(stacked)?.matmul(&keys.t()?)?.to_dtype(DType::F32)?;
    let scores = match &chunk.mask {
        Some(mask) => {
            let shape = scores.shape().clone();
            scores.reshape((config.heads, chunk.count, ()))?.broadcast_add(mask)?.reshape(shape)?
        }
        None => scores,
    };
    let mixed = softmax_last_dim(&scores)?.to_dtype(values.dtype())?.matmul(values)?;
    mixed
        .reshape((config.heads, chunk.count, config.head_dim))?
        .transpose(0, 1)?
        .reshape((chunk.count, config.query_width()))
}

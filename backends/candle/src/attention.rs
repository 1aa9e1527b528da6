use candle_core::{DType, Device, Result, Tensor};
use candle_nn::ops::softmax_last_dim;
use pocketwatt_model::ModelConfig;

/// Queries that are scored at once. Bounds the scores' memory, and lets a block leave out the keys behind its last
/// query: of the triangle above the diagonal only its own small part is computed.
const QUERY_BLOCK: usize = 128;

/// Which keys the queries of one pass may see. Made once and used by all layers.
pub struct CausalMask {
    past: usize,
    blocks: Vec<QueryBlock>,
}

struct QueryBlock {
    start: usize,
    count: usize,
    /// 0 or minus infinity for each query and each key up to the block's last, `[1, count, keys]`; none for a single
    /// query, which sees everything up to itself.
    mask: Option<Tensor>,
}

impl CausalMask {
    /// For `count` positions behind `past` others.
    pub fn new(past: usize, count: usize) -> Result<Self> {
        let blocks = (0..count)
            .step_by(QUERY_BLOCK)
            .map(|start| {
                let count = QUERY_BLOCK.min(count - start);
                let mask = if count == 1 { None } else { Some(mask(past + start, count)?) };
                Ok(QueryBlock { start, count, mask })
            })
            .collect::<Result<_>>()?;
        Ok(Self { past, blocks })
    }
}

/// Query `i` stands at position `past + i` and sees the keys up to there.
fn mask(past: usize, count: usize) -> Result<Tensor> {
    let keys = past + count;
    let seen = |query: usize, key: usize| if key <= past + query { 0.0 } else { f32::NEG_INFINITY };
    let values = (0..count).flat_map(|query| (0..keys).map(move |key| seen(query, key))).collect();
    Tensor::from_vec(values, (1, count, keys), &Device::Cpu)
}

/// Grouped-query attention of `queries [positions, heads, head_dim]` over `keys` and `values [past + positions,
/// kv_heads, head_dim]`, as `[positions, heads * head_dim]`. Queries are f32, keys, values and the result of the cache's
/// format.
///
/// Plain matrix products on views of the cache. Candle's own attention for processors (`cpu_flash`) takes a dot
/// product at a time and is slower here: 10 % of a token at 128 positions, more with every further one.
pub fn attend(
    config: &ModelConfig,
    queries: &Tensor,
    keys: &Tensor,
    values: &Tensor,
    mask: &CausalMask,
) -> Result<Tensor> {
    let scale = 1.0 / (config.head_dim as f64).sqrt();
    let (keys, values) = (keys.transpose(0, 1)?, values.transpose(0, 1)?);
    let blocks = mask
        .blocks
        .iter()
        .map(|block| {
            let seen = mask.past + block.start + block.count;
            let queries = (queries.narrow(0, block.start, block.count)?.transpose(0, 1)?.contiguous()? * scale)?;
            let queries = queries.to_dtype(keys.dtype())?;
            let keys = keys.narrow(1, 0, seen)?;
            let values = values.narrow(1, 0, seen)?;
            attend_block(config, &queries, &keys, &values, block)
        })
        .collect::<Result<Vec<_>>>()?;
    if let [only] = blocks.as_slice() { Ok(only.clone()) } else { Tensor::cat(&blocks, 0) }
}

/// The heads that share keys and values are stacked into the rows of one product, so that nothing is repeated.
fn attend_block(
    config: &ModelConfig,
    queries: &Tensor,
    keys: &Tensor,
    values: &Tensor,
    block: &QueryBlock,
) -> Result<Tensor> {
    let stacked = (config.kv_heads, config.heads / config.kv_heads * block.count, config.head_dim);
    let scores = queries.reshape(stacked)?.matmul(&keys.t()?)?.to_dtype(DType::F32)?;
    let scores = match &block.mask {
        Some(mask) => {
            let shape = scores.shape().clone();
            scores.reshape((config.heads, block.count, ()))?.broadcast_add(mask)?.reshape(shape)?
        }
        None => scores,
    };
    let mixed = softmax_last_dim(&scores)?.to_dtype(values.dtype())?.matmul(values)?;
    mixed
        .reshape((config.heads, block.count, config.head_dim))?
        .transpose(0, 1)?
        .reshape((block.count, config.query_width()))
}

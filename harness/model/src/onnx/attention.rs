//! Grouped-query attention from projected queries, keys and values.

mod opset17;

use pocketwatt_protocol::GraphKind;

use super::{
    builder::{Builder, MICROSOFT, ONNX, Value, float, int},
    ports::CachePorts,
    positions::Positions,
};
use crate::ModelConfig;

/// Projections of the new tokens, each `[S, heads * head_dim]` with its own number of heads, after a batch
/// dimension of 1 where the operator needs one: queries and keys in f32, values in [`Builder::format`].
#[derive(Clone, Copy)]
pub(super) struct Projections {
    pub(super) query: Value,
    pub(super) key: Value,
    pub(super) value: Value,
}

impl Projections {
    /// All three side by side, which the operator of ONNX Runtime also accepts.
    pub(super) fn joined(all: Value) -> Self {
        Self { query: all, key: Value::ABSENT, value: Value::ABSENT }
    }
}

/// `rotates` says whether this block rotates queries and keys by their positions.
pub(super) fn attention(
    builder: &mut Builder,
    config: &ModelConfig,
    positions: Positions,
    rotates: bool,
    cache: CachePorts,
    projected: Projections,
) -> Value {
    match positions {
        Positions::Opset17 { rows, mask } => {
            opset17::attention(builder, config, rotates.then_some(rows), mask, cache, projected)
        }
        Positions::Opset23 { tables, position_ids, mask } => {
            let Projections { query, key, value } = projected;
            let rotate = |builder: &mut Builder, x, heads| {
                builder.node(
                    "RotaryEmbedding",
                    &[x, tables.cosines, tables.sines, position_ids],
                    vec![int("num_heads", heads)],
                )
            };
            let (query, key) = if rotates {
                (rotate(builder, query, config.heads), rotate(builder, key, config.kv_heads))
            } else {
                (query, key)
            };
            let output = builder.fresh("Attention");
            // A mask rather than `is_causal`: opset 23 leaves open how that flag counts cached positions.
            builder.node_into(
                ONNX,
                "Attention",
                &[query, key, value, mask, cache.past_key, cache.past_value],
                &[output, cache.present_key, cache.present_value],
                vec![
                    int("q_num_heads", config.heads),
                    int("kv_num_heads", config.kv_heads),
                    float("scale", scale(config)),
                ],
            );
            output
        }
        Positions::Onnxruntime { tables, last_position, total_length } => {
            let Projections { query, key, value } = projected;
            let output = builder.fresh("GroupQueryAttention");
            let mut inputs = vec![query, key, value, cache.past_key, cache.past_value, last_position, total_length];
            if rotates {
                inputs.extend([tables.cosines, tables.sines]);
            }
            builder.node_into(
                MICROSOFT,
                "GroupQueryAttention",
                &inputs,
                &[output, cache.present_key, cache.present_value],
                vec![
                    int("num_heads", config.heads),
                    int("kv_num_heads", config.kv_heads),
                    int("do_rotary", usize::from(rotates)),
                    int("rotary_interleaved", 0),
                    float("scale", scale(config)),
                ],
            );
            output
        }
    }
}

/// The factor of scores: the inverse square root of the head's width.
fn scale(config: &ModelConfig) -> f32 {
    1.0 / (config.head_dim as f32).sqrt()
}

/// Adds the batch dimension for operators that need it: only the plain operators of opset 17 work on rows.
pub(super) fn with_batch(
    builder: &mut Builder,
    config: &ModelConfig,
    kind: GraphKind,
    projected: Projections,
) -> Projections {
    if kind == GraphKind::Opset17 {
        return projected;
    }
    let queries = builder.integers(&[1, -1, config.query_width() as i64]);
    let keys = builder.integers(&[1, -1, config.kv_width() as i64]);
    Projections {
        query: builder.node("Reshape", &[projected.query, queries], vec![]),
        key: builder.node("Reshape", &[projected.key, keys], vec![]),
        value: builder.node("Reshape", &[projected.value, keys], vec![]),
    }
}

/// Removes it again: rows `[S, width]`.
pub(super) fn without_batch(builder: &mut Builder, config: &ModelConfig, kind: GraphKind, attended: Value) -> Value {
    if kind == GraphKind::Opset17 {
        return attended;
    }
    let rows = builder.integers(&[-1, config.query_width() as i64]);
    builder.node("Reshape", &[attended, rows], vec![])
}

//! Attention in plain operators that every engine has.

use super::{Projections, scale};
use crate::{
    ModelConfig,
    onnx::{
        builder::{Builder, ONNX, Value, axis, ints},
        ports::CachePorts,
        positions::Rotary,
    },
};

pub(super) fn attention(
    builder: &mut Builder,
    config: &ModelConfig,
    rotary: Option<Rotary>,
    mask: Value,
    cache: CachePorts,
    projected: Projections,
) -> Value {
    let query = heads_first(builder, config, projected.query, config.heads);
    let key = heads_first(builder, config, projected.key, config.kv_heads);
    let value = heads_first(builder, config, projected.value, config.kv_heads);
    let (query, key) = match rotary {
        Some(rotary) => (rotate(builder, config, rotary, query), rotate(builder, config, rotary, key)),
        None => (query, key),
    };
    let (query, key) = (builder.narrowed(query), builder.narrowed(key));
    builder.node_into(ONNX, "Concat", &[cache.past_key, key], &[cache.present_key], vec![axis(2)]);
    builder.node_into(ONNX, "Concat", &[cache.past_value, value], &[cache.present_value], vec![axis(2)]);

    // Query heads in groups that share a key head: the product broadcasts over the group, and nothing is repeated.
    let (group, head_dim) = ((config.heads / config.kv_heads) as i64, config.head_dim as i64);
    let grouped = builder.integers(&[config.kv_heads as i64, group, -1, head_dim]);
    let shared = builder.integers(&[config.kv_heads as i64, 1, -1, head_dim]);
    let query = builder.node("Reshape", &[query, grouped], vec![]);
    let key = builder.node("Reshape", &[cache.present_key, shared], vec![]);
    let value = builder.node("Reshape", &[cache.present_value, shared], vec![]);

    let key = builder.node("Transpose", &[key], vec![ints("perm", &[0, 1, 3, 2])]);
    let scores = builder.node("MatMul", &[query, key], vec![]);
    let scores = builder.widened(scores);
    let factor = builder.number(scale(config));
    let scores = builder.node("Mul", &[scores, factor], vec![]);
    let scores = builder.node("Add", &[scores, mask], vec![]);
    let weights = builder.node("Softmax", &[scores], vec![axis(-1)]);
    let weights = builder.narrowed(weights);
    let mixed = builder.node("MatMul", &[weights, value], vec![]);

    let heads = builder.integers(&[config.heads as i64, -1, head_dim]);
    let mixed = builder.node("Reshape", &[mixed, heads], vec![]);
    let mixed = builder.node("Transpose", &[mixed], vec![ints("perm", &[1, 0, 2])]);
    let rows = builder.integers(&[-1, config.query_width() as i64]);
    builder.node("Reshape", &[mixed, rows], vec![])
}

/// `[S, heads * head_dim]` to `[1, heads, S, head_dim]`.
fn heads_first(builder: &mut Builder, config: &ModelConfig, x: Value, heads: usize) -> Value {
    let split = builder.integers(&[1, -1, heads as i64, config.head_dim as i64]);
    let x = builder.node("Reshape", &[x, split], vec![]);
    builder.node("Transpose", &[x], vec![ints("perm", &[0, 2, 1, 3])])
}

/// `x * cos + rotate_half(x) * sin`, where `rotate_half` turns `(low, high)` into `(-high, low)`.
fn rotate(builder: &mut Builder, config: &ModelConfig, rotary: Rotary, x: Value) -> Value {
    let (half, whole) = ((config.head_dim / 2) as i64, config.head_dim as i64);
    let low = last_axis(builder, x, 0, half);
    let high = last_axis(builder, x, half, whole);
    let high = builder.node("Neg", &[high], vec![]);
    let turned = builder.node("Concat", &[high, low], vec![axis(3)]);
    let along = builder.node("Mul", &[x, rotary.cosines], vec![]);
    let across = builder.node("Mul", &[turned, rotary.sines], vec![]);
    builder.node("Add", &[along, across], vec![])
}

fn last_axis(builder: &mut Builder, x: Value, start: i64, end: i64) -> Value {
    let range = [builder.integers(&[start]), builder.integers(&[end]), builder.integers(&[3])];
    builder.node("Slice", &[x, range[0], range[1], range[2]], vec![])
}

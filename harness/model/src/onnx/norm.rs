//! RMSNorm: `x / sqrt(mean(x^2) + eps) * weight`, over the last axis, in f32.

use pocketwatt_protocol::GraphKind;

use super::builder::{Builder, MICROSOFT, Value, axis, float, int, ints};
use crate::{ModelConfig, ModelError};

pub(super) fn rms_norm(
    builder: &mut Builder,
    config: &ModelConfig,
    kind: GraphKind,
    x: Value,
    weight: &str,
) -> Result<Value, ModelError> {
    let weight = builder.weight(weight)?;
    let x = builder.widened(x);
    let normed = rms_norm_by(builder, config, kind, x, weight);
    Ok(builder.narrowed(normed))
}

/// [`rms_norm`] with a weight that already exists.
fn rms_norm_by(builder: &mut Builder, config: &ModelConfig, kind: GraphKind, x: Value, weight: Value) -> Value {
    let eps = config.rms_norm_eps as f32;
    match kind {
        GraphKind::Opset17 => {
            let two = builder.number(2.0);
            let squares = builder.node("Pow", &[x, two], vec![]);
            let mean = builder.node("ReduceMean", &[squares], vec![ints("axes", &[-1]), int("keepdims", 1)]);
            let eps = builder.number(eps);
            let mean = builder.node("Add", &[mean, eps], vec![]);
            let root = builder.node("Sqrt", &[mean], vec![]);
            let scaled = builder.node("Div", &[x, root], vec![]);
            builder.node("Mul", &[scaled, weight], vec![])
        }
        GraphKind::Opset23 => builder.node("RMSNormalization", &[x, weight], vec![axis(-1), float("epsilon", eps)]),
        // ONNX Runtime keeps its own version of this operator in the standard's domain.
        GraphKind::Onnxruntime => {
            builder.node("SimplifiedLayerNormalization", &[x, weight], vec![axis(-1), float("epsilon", eps)])
        }
    }
}

/// Queries or keys `[S, heads * head_dim]` with every head divided by its root mean square.
///
/// Models do this after the rotation. A rotation keeps a head's length, so here it comes before: `GroupQueryAttention`
/// rotates by itself, and the keys that it caches are then correct.
pub(super) fn norm_of_heads(
    builder: &mut Builder,
    config: &ModelConfig,
    kind: GraphKind,
    x: Value,
    heads: usize,
) -> Value {
    let split = builder.integers(&[-1, heads as i64, config.head_dim as i64]);
    let rows = builder.integers(&[-1, (heads * config.head_dim) as i64]);
    let ones = builder.vector("ones", vec![1.0; config.head_dim]);
    let x = builder.node("Reshape", &[x, split], vec![]);
    let x = rms_norm_by(builder, config, kind, x, ones);
    builder.node("Reshape", &[x, rows], vec![])
}

/// The residual stream `x + branch`, and its norm.
pub(super) fn add_and_norm(
    builder: &mut Builder,
    config: &ModelConfig,
    kind: GraphKind,
    x: Value,
    branch: Value,
    weight: &str,
) -> Result<(Value, Value), ModelError> {
    if kind != GraphKind::Onnxruntime {
        let x = builder.node("Add", &[x, branch], vec![]);
        return Ok((x, rms_norm(builder, config, kind, x, weight)?));
    }
    let weight = builder.weight(weight)?;
    let operator = "SkipSimplifiedLayerNormalization";
    let (normed, sum) = (builder.fresh(operator), builder.fresh(operator));
    builder.node_into(
        MICROSOFT,
        operator,
        &[x, branch, weight],
        // The outputs between them are mean and inverse deviation, which only training needs.
        &[normed, Value::ABSENT, Value::ABSENT, sum],
        vec![float("epsilon", config.rms_norm_eps as f32)],
    );
    Ok((sum, normed))
}

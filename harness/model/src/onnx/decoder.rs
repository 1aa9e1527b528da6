//! The decoder from token ids to the logits of the last token.

use pocketwatt_protocol::{GraphKind, Precision};

use super::{
    attention::{Projections, attention, with_batch, without_batch},
    builder::{Builder, Draft, Value},
    linear::Linear,
    norm::{add_and_norm, norm_of_heads, rms_norm},
    ports::Ports,
    positions::{Positions, temperature},
};
use crate::{ModelConfig, ModelError, WeightFile};

/// Computes on rows `[S, width]`, or on `[1, S, width]` where nothing needs rows ([`has_batch`]).
pub(super) fn decoder(
    config: &ModelConfig,
    kind: GraphKind,
    precision: Precision,
    weights: &WeightFile,
) -> Result<Draft, ModelError> {
    let mut builder = Builder::new(weights, precision);
    let linear = Linear { config, kind, precision };
    let ports = Ports::declare(&mut builder, config, kind);
    let positions = Positions::new(&mut builder, config, kind, &ports);
    let temperature = temperature(&mut builder, config, &ports);
    let has_batch = has_batch(linear);
    let mut stream = embed(&mut builder, linear, &ports)?;
    // What the last block still has to add to the stream: it is added together with the next norm.
    let mut pending = None;
    for (executed, &cache) in ports.caches.iter().enumerate() {
        let block = config.block_of(executed);
        let layer = format!("model.layers.{block}");
        let weight = |part: &str| format!("{layer}.{part}.weight");

        builder.scope(format!("layer.{executed}/attention"));
        let normed;
        (stream, normed) = continue_stream(&mut builder, config, kind, stream, pending, &weight("input_layernorm"))?;
        let input = linear.input(&mut builder, normed);
        let weights = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"].map(weight);
        let projected = if has_batch {
            Projections::joined(linear.joined(&mut builder, input, &weights)?.0)
        } else {
            let [query, key, value] = linear.products(&mut builder, input, &weights)?;
            let projected = Projections { query: builder.widened(query), key: builder.widened(key), value };
            let projected = adjusted(&mut builder, config, kind, block, temperature, projected);
            with_batch(&mut builder, config, kind, projected)
        };
        let attended = attention(&mut builder, config, positions, config.rotates(block), cache, projected);
        let attended = if has_batch { attended } else { without_batch(&mut builder, config, kind, attended) };
        let attended = linear.input(&mut builder, attended);
        let attended = linear.product(&mut builder, attended, &weight("self_attn.o_proj"))?;

        builder.scope(format!("layer.{executed}/feed_forward"));
        let normed;
        (stream, normed) =
            continue_stream(&mut builder, config, kind, stream, Some(attended), &weight("post_attention_layernorm"))?;
        pending = Some(feed_forward(&mut builder, linear, normed, &weight)?);
    }
    builder.scope("head");
    head(&mut builder, linear, &ports, stream, pending)?;
    Ok(builder.finish())
}

/// Whether the batch dimension is kept from the embedding to the head: where products accept it, and nothing works on single
/// heads. Attention then also accepts queries, keys and values as they come out of one product. Without the reshapes and
/// splits between them, ONNX Runtime has a quarter fewer nodes to start at every token.
fn has_batch(linear: Linear) -> bool {
    let config = linear.config;
    let heads_apart = |block| config.normalises_queries(block) || config.temperature(block).is_some();
    linear.joins() && !(0..config.layers).any(heads_apart)
}

fn embed(builder: &mut Builder, linear: Linear, ports: &Ports) -> Result<Value, ModelError> {
    builder.scope("embedding");
    if has_batch(linear) {
        return linear.rows(builder, ports.input_ids);
    }
    let flat = builder.integers(&[-1]);
    let tokens = builder.node("Reshape", &[ports.input_ids, flat], vec![]);
    linear.rows(builder, tokens)
}

/// Adds the pending result to the residual stream. Returns the stream and its norm.
fn continue_stream(
    builder: &mut Builder,
    config: &ModelConfig,
    kind: GraphKind,
    stream: Value,
    pending: Option<Value>,
    norm_weight: &str,
) -> Result<(Value, Value), ModelError> {
    match pending {
        Some(branch) => add_and_norm(builder, config, kind, stream, branch, norm_weight),
        None => Ok((stream, rms_norm(builder, config, kind, stream, norm_weight)?)),
    }
}

/// Queries and keys as attention compares them, except for their rotation: most models do not change them.
fn adjusted(
    builder: &mut Builder,
    config: &ModelConfig,
    kind: GraphKind,
    block: usize,
    temperature: Option<Value>,
    projected: Projections,
) -> Projections {
    let Projections { mut query, mut key, value } = projected;
    if config.normalises_queries(block) {
        query = norm_of_heads(builder, config, kind, query, config.heads);
        key = norm_of_heads(builder, config, kind, key, config.kv_heads);
    }
    if let Some(factors) = temperature.filter(|_| config.temperature(block).is_some()) {
        query = builder.node("Mul", &[query, factors], vec![]);
    }
    Projections { query, key, value }
}

/// SwiGLU: `down(silu(gate(x)) * up(x))`.
fn feed_forward(
    builder: &mut Builder,
    linear: Linear,
    x: Value,
    weight: &impl Fn(&str) -> String,
) -> Result<Value, ModelError> {
    let input = linear.input(builder, x);
    let [gate, up] = linear.products(builder, input, &["mlp.gate_proj", "mlp.up_proj"].map(weight))?;
    let [gate, up] = [gate, up].map(|x| builder.widened(x));
    let sigmoid = builder.node("Sigmoid", &[gate], vec![]);
    let gate = builder.node("Mul", &[gate, sigmoid], vec![]);
    let gated = builder.node("Mul", &[gate, up], vec![]);
    let gated = builder.narrowed(gated);
    let gated = linear.input(builder, gated);
    linear.product(builder, gated, &weight("mlp.down_proj"))
}

/// The last token's logits: the others are dropped before the head, which is by far the largest product.
fn head(
    builder: &mut Builder,
    linear: Linear,
    ports: &Ports,
    stream: Value,
    pending: Option<Value>,
) -> Result<(), ModelError> {
    let Linear { config, kind, .. } = linear;
    let (_, normed) = continue_stream(builder, config, kind, stream, pending, "model.norm.weight")?;
    let tokens = i64::from(has_batch(linear));
    let range = [builder.integers(&[-1]), builder.integers(&[i64::MAX]), builder.integers(&[tokens])];
    let mut last = builder.node("Slice", &[normed, range[0], range[1], range[2]], vec![]);
    if has_batch(linear) {
        let row = builder.integers(&[-1, config.hidden as i64]);
        last = builder.node("Reshape", &[last, row], vec![]);
    }
    let last = linear.input(builder, last);
    linear.head(builder, last, ports.logits)
}

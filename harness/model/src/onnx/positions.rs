//! Rotary positions and the causal mask, computed once in a forward pass and used by every block.

use onnx_rs::ast::DataType;
use pocketwatt_protocol::GraphKind;

use super::{
    builder::{Builder, Value, axis, int},
    ports::{Ports, PositionPorts},
};
use crate::ModelConfig;

/// Cosines and sines of rotary positions.
#[derive(Clone, Copy)]
pub(super) struct Rotary {
    pub(super) cosines: Value,
    pub(super) sines: Value,
}

/// What attention needs to know about positions. `S` tokens are new, `P` are in the cache.
#[derive(Clone, Copy)]
pub(super) enum Positions {
    /// Rows of the rotary tables for the new tokens, `[1, 1, S, head_dim]`, and a mask `[S, P + S]` that is added.
    Opset17 { rows: Rotary, mask: Value },
    /// Whole tables, and a mask `[S, P + S]` that is added. The operator also allows a boolean mask, but tract adds that as
    /// 0 and 1.
    Opset23 { tables: Rotary, position_ids: Value, mask: Value },
    /// Whole tables, and the lengths from which the operator computes positions and mask itself.
    Onnxruntime { tables: Rotary, last_position: Value, total_length: Value },
}

impl Positions {
    pub(super) fn new(builder: &mut Builder, config: &ModelConfig, kind: GraphKind, ports: &Ports) -> Self {
        builder.scope("positions");
        let half = config.head_dim / 2;
        let (cosines, sines) = config.rope_tables(config.context);
        let tables = Rotary {
            cosines: builder.table("rotary.cosines", half, cosines),
            sines: builder.table("rotary.sines", half, sines),
        };
        let position_ids = match ports.position {
            PositionPorts::Lengths { last_position, total_length } => {
                return Self::Onnxruntime { tables, last_position, total_length };
            }
            PositionPorts::Ids(position_ids) => position_ids,
        };
        let flat = builder.integers(&[-1]);
        let positions = builder.node("Reshape", &[position_ids, flat], vec![]);
        let visible = visible(builder, ports, positions);
        let mask = additive(builder, visible);
        if kind == GraphKind::Opset23 {
            return Self::Opset23 { tables, position_ids, mask };
        }
        let rows = Rotary {
            cosines: rotary_rows(builder, tables.cosines, positions),
            sines: rotary_rows(builder, tables.sines, positions),
        };
        Self::Opset17 { rows, mask }
    }
}

/// The factors of the queries of blocks without rotation, `[S, 1]`; `None` where they are 1 everywhere.
///
/// A table, as for rotary positions, because not all engines have every operator of its formula.
pub(super) fn temperature(builder: &mut Builder, config: &ModelConfig, ports: &Ports) -> Option<Value> {
    let temperature = (0..config.layers).find_map(|block| config.temperature(block))?;
    builder.scope("positions");
    let factors = (0..config.context).map(|position| temperature.factor(position) as f32).collect();
    let table = builder.table("attention.temperature", 1, factors);
    let flat = builder.integers(&[-1]);
    Some(match ports.position {
        PositionPorts::Ids(position_ids) => {
            let positions = builder.node("Reshape", &[position_ids, flat], vec![]);
            builder.node("Gather", &[table, positions], vec![])
        }
        // The new tokens are the last `S` up to the last position.
        PositionPorts::Lengths { last_position, .. } => {
            let new = length(builder, ports.input_ids, 1);
            let new = builder.node("Reshape", &[new, flat], vec![]);
            let last = builder.node("Cast", &[last_position], vec![int("to", DataType::Int64 as usize)]);
            let one = builder.integers(&[1]);
            let end = builder.node("Add", &[last, one], vec![]);
            let start = builder.node("Sub", &[end, new], vec![]);
            let rows = builder.integers(&[0]);
            builder.node("Slice", &[table, start, end, rows], vec![])
        }
    })
}

/// Whether the token at position `q` may see position `k`: `k <= q`, `[S, P + S]`.
fn visible(builder: &mut Builder, ports: &Ports, positions: Value) -> Value {
    let past = length(builder, ports.caches[0].past_key, 2);
    let new = length(builder, ports.input_ids, 1);
    let total = builder.node("Add", &[past, new], vec![]);
    let (zero, one) = (builder.integer(0), builder.integer(1));
    let keys = builder.node("Range", &[zero, total, one], vec![]);
    let (first, second) = (builder.integers(&[0]), builder.integers(&[1]));
    let keys = builder.node("Unsqueeze", &[keys, first], vec![]);
    let queries = builder.node("Unsqueeze", &[positions, second], vec![]);
    builder.node("LessOrEqual", &[keys, queries], vec![])
}

fn length(builder: &mut Builder, tensor: Value, dimension: i64) -> Value {
    let shape = builder.node("Shape", &[tensor], vec![]);
    let dimension = builder.integer(dimension);
    builder.node("Gather", &[shape, dimension], vec![])
}

/// The lowest finite number: added to a score, it leaves nothing of it after softmax, since every token sees at least
/// itself. Minus infinity would do the same, but becomes NaN in engines that scale the mask or compute `0 * mask`.
fn additive(builder: &mut Builder, visible: Value) -> Value {
    let (zero, lowest) = (builder.number(0.0), builder.number(f32::MIN));
    builder.node("Where", &[visible, zero, lowest], vec![])
}

/// Rotate-half pairs dimension `i` with `i + head_dim / 2`, so both halves of a row are equal.
fn rotary_rows(builder: &mut Builder, table: Value, positions: Value) -> Value {
    let rows = builder.node("Gather", &[table, positions], vec![]);
    let rows = builder.node("Concat", &[rows, rows], vec![axis(-1)]);
    let batch_and_heads = builder.integers(&[0, 1]);
    builder.node("Unsqueeze", &[rows, batch_and_heads], vec![])
}

//! Inputs and outputs of a graph: what a backend has to pass and may read, by name.
//!
//! | graph | inputs | outputs |
//! |---|---|---|
//! | all | `input_ids` i64 `[1, S]` | `logits` f32 `[1, vocabulary]`, of the last of the `S` tokens |
//! | opset17, opset23 | `position_ids` i64 `[1, S]`; for each executed layer `e` the cached `past_key_values.e.key` and `.value` f32 `[1, kv_heads, P, head_dim]` | `present.e.key` and `.value` `[1, kv_heads, P+S, head_dim]` |
//! | onnxruntime | `seqlens_k` i32 `[1]`: the last position; `total_sequence_length` i32: that plus one; caches as above, of any length `M` that holds all positions | `present.e.key` and `.value`, to be bound to the buffers of the past |
//!
//! In f16 the caches are f16, and everything else is as above.

use onnx_rs::ast::DataType;
use pocketwatt_protocol::GraphKind;

use super::builder::{Builder, Length, Value};
use crate::ModelConfig;

pub(super) struct Ports {
    pub(super) input_ids: Value,
    pub(super) position: PositionPorts,
    /// One pair for each executed layer.
    pub(super) caches: Vec<CachePorts>,
    pub(super) logits: Value,
}

pub(super) enum PositionPorts {
    /// The position of each new token.
    Ids(Value),
    /// In ONNX Runtime's operator, `seqlens_k` is the last position.
    Lengths { last_position: Value, total_length: Value },
}

#[derive(Clone, Copy)]
pub(super) struct CachePorts {
    pub(super) past_key: Value,
    pub(super) past_value: Value,
    pub(super) present_key: Value,
    pub(super) present_value: Value,
}

impl Ports {
    pub(super) fn declare(builder: &mut Builder, config: &ModelConfig, kind: GraphKind) -> Self {
        let new_tokens = || vec![Length::Fixed(1), Length::Symbol("S")];
        let input_ids = builder.input("input_ids", DataType::Int64, new_tokens());
        let position = match kind {
            GraphKind::Opset17 | GraphKind::Opset23 => {
                PositionPorts::Ids(builder.input("position_ids", DataType::Int64, new_tokens()))
            }
            GraphKind::Onnxruntime => PositionPorts::Lengths {
                last_position: builder.input("seqlens_k", DataType::Int32, vec![Length::Fixed(1)]),
                total_length: builder.input("total_sequence_length", DataType::Int32, vec![]),
            },
        };
        let logits =
            builder.output("logits", DataType::Float, vec![Length::Fixed(1), Length::Fixed(config.vocabulary)]);
        let (past, present) = match kind {
            GraphKind::Opset17 | GraphKind::Opset23 => ("P", "P+S"),
            GraphKind::Onnxruntime => ("M", "M"),
        };
        let cache = |length| {
            vec![
                Length::Fixed(1),
                Length::Fixed(config.kv_heads),
                Length::Symbol(length),
                Length::Fixed(config.head_dim),
            ]
        };
        let format = builder.format();
        let caches = (0..config.executed_layers())
            .map(|e| CachePorts {
                past_key: builder.input(format!("past_key_values.{e}.key"), format, cache(past)),
                past_value: builder.input(format!("past_key_values.{e}.value"), format, cache(past)),
                present_key: builder.output(format!("present.{e}.key"), format, cache(present)),
                present_value: builder.output(format!("present.{e}.value"), format, cache(present)),
            })
            .collect();
        Self { input_ids, position, caches, logits }
    }
}

//! Activations rounded to 8 bits between the least and the greatest value of each token (arXiv 2402.14905, section 4.3), and
//! their products with rounded weights.

use onnx_rs::ast::DataType;
use pocketwatt_protocol::GraphKind;

use super::builder::{Builder, ONNX, Value, int, ints, to};

/// Steps between the least and the greatest value.
const STEPS: f32 = 255.0;
/// Avoids a division by zero for a token of zeros; far below any scale that occurs.
const LEAST_SCALE: f32 = 1e-20;

/// Rows of activations in codes.
#[derive(Clone, Copy)]
pub(super) struct Rounded {
    /// u8 `[S, in]`.
    codes: Value,
    /// `[S, 1]`.
    scale: Value,
    /// The code of zero, `[S, 1]`.
    zero: Value,
}

/// Rounds each row of `x [S, in]`: `code = clamp(round(x / scale) + zero, 0, 255)`. Zero itself always has a code.
pub(super) fn round(builder: &mut Builder, kind: GraphKind, x: Value) -> Rounded {
    let nothing = builder.number(0.0);
    let least = reduce(builder, kind, "ReduceMin", x);
    let least = builder.node("Min", &[least, nothing], vec![]);
    let greatest = reduce(builder, kind, "ReduceMax", x);
    let greatest = builder.node("Max", &[greatest, nothing], vec![]);
    let span = builder.node("Sub", &[greatest, least], vec![]);
    let (steps, floor) = (builder.number(STEPS), builder.number(LEAST_SCALE));
    let scale = builder.node("Div", &[span, steps], vec![]);
    let scale = builder.node("Max", &[scale, floor], vec![]);
    let zero = builder.node("Div", &[least, scale], vec![]);
    let zero = builder.node("Round", &[zero], vec![]);
    let zero = builder.node("Neg", &[zero], vec![]);
    let codes = builder.node("Div", &[x, scale], vec![]);
    let codes = builder.node("Round", &[codes], vec![]);
    let codes = builder.node("Add", &[codes, zero], vec![]);
    let codes = builder.node("Clip", &[codes, nothing, steps], vec![]);
    let codes = builder.node("Cast", &[codes], vec![to(DataType::Uint8)]);
    Rounded { codes, scale, zero }
}

/// `(codes x weights - zero x sums) x scale x scales`, where `weights` are codes `[in, out]` in which 128 means zero.
pub(super) fn product_into(builder: &mut Builder, x: Rounded, [weights, scales, sums]: [Value; 3], output: Value) {
    let zero_of_weights = builder.byte(128);
    let product = builder.node("MatMulInteger", &[x.codes, weights, Value::ABSENT, zero_of_weights], vec![]);
    let product = builder.node("Cast", &[product], vec![to(DataType::Float)]);
    let offset = builder.node("Mul", &[x.zero, sums], vec![]);
    let product = builder.node("Sub", &[product, offset], vec![]);
    let product = builder.node("Mul", &[product, x.scale], vec![]);
    builder.node_into(ONNX, "Mul", &[product, scales], &[output], vec![]);
}

/// Reduces the last axis, which stays with length 1. From opset 18 on the axes are an input.
fn reduce(builder: &mut Builder, kind: GraphKind, operator: &'static str, x: Value) -> Value {
    match kind {
        GraphKind::Opset17 | GraphKind::Onnxruntime => {
            builder.node(operator, &[x], vec![ints("axes", &[-1]), int("keepdims", 1)])
        }
        GraphKind::Opset23 => {
            let axes = builder.integers(&[-1]);
            builder.node(operator, &[x, axes], vec![int("keepdims", 1)])
        }
    }
}

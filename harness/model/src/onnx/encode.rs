use onnx_rs::ast::{
    DataLocation, DataType, Dimension, Graph, Model, Node, OpType, OperatorSetId, StringStringEntry, TensorProto,
    TensorShape, TensorShapeDimension, TensorTypeProto, TypeProto, TypeValue, ValueInfo,
};
use pocketwatt_protocol::GraphKind;

use super::builder::{Contents, Draft, DraftNode, Initializer, Length, MICROSOFT, ONNX, Port, Value};

/// Versions that a graph requires: no newer than its operators need, so that older engines load it.
fn versions(draft: &Draft, kind: GraphKind) -> (i64, Vec<OperatorSetId<'static>>) {
    let (ir_version, standard) = match kind {
        GraphKind::Opset17 | GraphKind::Onnxruntime => (8, 17),
        GraphKind::Opset23 => (11, 23),
    };
    let mut operators = vec![OperatorSetId { domain: ONNX, version: standard }];
    if draft.nodes.iter().any(|node| node.domain == MICROSOFT) {
        operators.push(OperatorSetId { domain: MICROSOFT, version: 1 });
    }
    (ir_version, operators)
}

/// The file's bytes. Equal drafts give equal bytes.
pub(super) fn encode(draft: &Draft, kind: GraphKind, weights_file: &str) -> Vec<u8> {
    let (ir_version, opset_import) = versions(draft, kind);
    let graph = Graph {
        name: "decoder",
        node: draft.nodes.iter().map(|node| encode_node(draft, node)).collect(),
        initializer: draft.initializers.iter().map(|tensor| encode_initializer(draft, tensor, weights_file)).collect(),
        input: draft.inputs.iter().map(|port| encode_port(draft, port)).collect(),
        output: draft.outputs.iter().map(|port| encode_port(draft, port)).collect(),
        ..Default::default()
    };
    onnx_rs::encode(&Model {
        ir_version,
        producer_name: "pocketwatt",
        producer_version: env!("CARGO_PKG_VERSION"),
        opset_import,
        graph: Some(graph),
        ..Default::default()
    })
}

fn encode_node<'a>(draft: &'a Draft, node: &'a DraftNode) -> Node<'a> {
    let names = |values: &[Value]| values.iter().map(|value| name(draft, *value)).collect();
    Node {
        input: names(&node.inputs),
        output: names(&node.outputs),
        name: &node.name,
        op_type: OpType::from(node.operator),
        domain: node.domain,
        attribute: node.attributes.clone(),
        ..Default::default()
    }
}

fn encode_initializer<'a>(draft: &'a Draft, tensor: &'a Initializer, weights_file: &'a str) -> TensorProto<'a> {
    let (name, shape) = (name(draft, tensor.value), tensor.shape.clone());
    match &tensor.contents {
        Contents::Integers(values) => TensorProto::from_i64(name, shape, values.clone()),
        Contents::Byte(value) => TensorProto::from_raw(name, shape, DataType::Uint8, std::slice::from_ref(value)),
        Contents::Numbers(values) => TensorProto::from_f32(name, shape, values.clone()),
        Contents::Weights { format, offset, bytes } => {
            let entry = |key, value| StringStringEntry { key, value };
            TensorProto::from_raw(name, shape, *format, &[])
                .with_data_location(DataLocation::External)
                .with_external_data(vec![
                    entry("location", weights_file),
                    entry("offset", offset),
                    entry("length", bytes),
                ])
        }
    }
}

fn encode_port<'a>(draft: &'a Draft, port: &Port) -> ValueInfo<'a> {
    let dim = port
        .shape
        .iter()
        .map(|length| {
            let value = match *length {
                Length::Fixed(length) => Dimension::Value(length as i64),
                Length::Symbol(name) => Dimension::Param(name),
            };
            TensorShapeDimension { value, ..Default::default() }
        })
        .collect();
    let tensor = TensorTypeProto { elem_type: port.format, shape: Some(TensorShape { dim }) };
    ValueInfo {
        name: name(draft, port.value),
        r#type: Some(TypeProto { value: Some(TypeValue::Tensor(tensor)), ..Default::default() }),
        ..Default::default()
    }
}

fn name(draft: &Draft, value: Value) -> &str {
    &draft.names[value.0]
}

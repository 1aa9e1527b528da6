use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write,
    path::Path,
};

use onnx_rs::ast::{DataLocation, DataType, Graph, OpType, TypeValue};
use pocketwatt_protocol::GraphKind;

use super::*;
use crate::{ModelConfig, Preset, precision::prepare_weights, sha256_of_file};

/// Calls `check` with every kind of graph of models that differ where graphs can.
fn for_each_graph(check: impl Fn(&str, GraphKind, &ModelFolder, &Graph)) {
    let tiny = Preset::find("tiny").unwrap().config();
    let models = [
        ("tiny", tiny.clone()),
        ("shared layers", ModelConfig { layer_repeats: 2, ..tiny.clone() }),
        ("untied head", ModelConfig { tied_head: false, ..tiny.clone() }),
        ("narrow attention", ModelConfig { heads: 2, kv_heads: 2, hidden: 64, ..tiny }),
        ("QK norm and a block without rotation", Preset::find("tiny-r1").unwrap().config()),
    ];
    for (name, config) in models {
        let root = tempfile::tempdir().unwrap();
        let folder = hollow(&config, "F32", root.path());
        for kind in GraphKind::ALL {
            let bytes = fs::read(write_graph(&folder, kind, Precision::F32).unwrap().path).unwrap();
            let model = onnx_rs::parse(&bytes).unwrap();
            check(&format!("{name}, {}", kind.name()), kind, &folder, &model.graph.unwrap());
        }
    }
}

fn tiny(root: &Path) -> ModelFolder {
    hollow(&Preset::find("tiny").unwrap().config(), "F32", root)
}

/// A model whose weights are all zero and take no space: graphs need only the weight file's header.
fn hollow(config: &ModelConfig, format: &str, path: &Path) -> ModelFolder {
    fs::write(path.join("config.json"), config.to_json()).unwrap();
    let width = if format == "F32" { 4 } else { 2 };
    let mut header = serde_json::Map::new();
    let mut end = 0;
    for tensor in config.tensors() {
        let start = end;
        end += width * tensor.shape.iter().product::<usize>();
        let entry = serde_json::json!({ "dtype": format, "shape": tensor.shape, "data_offsets": [start, end] });
        header.insert(tensor.name, entry);
    }
    let header = serde_json::to_vec(&header).unwrap();
    let mut file = fs::File::create(path.join("model.safetensors")).unwrap();
    file.write_all(&(header.len() as u64).to_le_bytes()).unwrap();
    file.write_all(&header).unwrap();
    file.set_len((8 + header.len() + end) as u64).unwrap();
    ModelFolder::open(path).unwrap()
}

#[test]
fn operators_of_each_kind_are_the_expected_ones() {
    let root = tempfile::tempdir().unwrap();
    let folder = tiny(root.path());
    let histogram = |kind| {
        let bytes = fs::read(write_graph(&folder, kind, Precision::F32).unwrap().path).unwrap();
        let mut counts = BTreeMap::<String, usize>::new();
        let graph = onnx_rs::parse(&bytes).unwrap().graph.unwrap();
        for node in &graph.node {
            *counts.entry(node.op_type.as_str().to_owned()).or_default() += 1;
        }
        counts.iter().map(|(operator, count)| format!("{operator} {count}")).collect::<Vec<_>>().join(", ")
    };
    insta::assert_snapshot!(histogram(GraphKind::Opset17), @"Add 16, Concat 10, Div 5, Gather 5, Gemm 15, LessOrEqual 1, MatMul 4, Mul 19, Neg 4, Pow 5, Range 1, ReduceMean 5, Reshape 18, Shape 2, Sigmoid 2, Slice 9, Softmax 2, Sqrt 5, Transpose 10, Unsqueeze 4, Where 1");
    insta::assert_snapshot!(histogram(GraphKind::Opset23), @"Add 5, Attention 2, Gather 3, Gemm 15, LessOrEqual 1, Mul 4, RMSNormalization 5, Range 1, Reshape 10, RotaryEmbedding 4, Shape 2, Sigmoid 2, Slice 1, Unsqueeze 2, Where 1");
    insta::assert_snapshot!(histogram(GraphKind::Onnxruntime), @"Gather 1, Gemm 15, GroupQueryAttention 2, Mul 4, Reshape 9, Sigmoid 2, SimplifiedLayerNormalization 1, SkipSimplifiedLayerNormalization 4, Slice 1");
}

#[test]
fn norms_of_queries_and_missing_rotation_are_in_the_graph() {
    let root = tempfile::tempdir().unwrap();
    let folder = hollow(&Preset::find("tiny-r1").unwrap().config(), "F32", root.path());
    let count = |kind, operator: &str| {
        let bytes = fs::read(write_graph(&folder, kind, Precision::F32).unwrap().path).unwrap();
        let graph = onnx_rs::parse(&bytes).unwrap().graph.unwrap();
        graph.node.iter().filter(|node| node.op_type.as_str() == operator).count()
    };
    // Three blocks, of which two rotate and normalise: two norms for each of them beside the seven of the stream.
    assert_eq!(count(GraphKind::Opset23, "RotaryEmbedding"), 4);
    assert_eq!(count(GraphKind::Opset23, "RMSNormalization"), 7 + 4);
    assert_eq!(count(GraphKind::Opset17, "Neg"), 4);
    assert_eq!(count(GraphKind::Opset17, "ReduceMean"), 7 + 4);
    assert_eq!(count(GraphKind::Onnxruntime, "SimplifiedLayerNormalization"), 1 + 4);
    let bytes = fs::read(write_graph(&folder, GraphKind::Onnxruntime, Precision::F32).unwrap().path).unwrap();
    let graph = onnx_rs::parse(&bytes).unwrap().graph.unwrap();
    let attention = graph.node.iter().filter(|node| node.op_type.as_str() == "GroupQueryAttention");
    let rotary: Vec<i64> = attention
        .map(|node| node.attribute.iter().find(|attribute| attribute.name == "do_rotary").unwrap().i)
        .collect();
    assert_eq!(rotary, [1, 0, 1]);
}

#[test]
fn only_the_onnxruntime_graph_needs_operators_outside_the_standard() {
    for_each_graph(|name, kind, _, graph| {
        let domains: BTreeSet<&str> = graph.node.iter().map(|node| node.domain).collect();
        assert_eq!(domains.contains("com.microsoft"), kind == GraphKind::Onnxruntime, "{name}");
    });
}

#[test]
fn every_value_is_computed_once_and_before_it_is_used() {
    for_each_graph(|name, _, _, graph| {
        let mut known = BTreeSet::from([""]);
        let given =
            graph.input.iter().map(|port| port.name).chain(graph.initializer.iter().map(|tensor| tensor.name()));
        for value in given {
            assert!(known.insert(value), "{name}: {value} is declared twice");
        }
        let mut nodes = BTreeSet::new();
        for node in &graph.node {
            assert!(nodes.insert(node.name), "{name}: two nodes are called {}", node.name);
            for input in &node.input {
                assert!(known.contains(input), "{name}: {} uses {input} before it is there", node.name);
            }
            for output in node.output.iter().filter(|output| !output.is_empty()) {
                assert!(known.insert(output), "{name}: {output} is computed twice");
            }
        }
        for port in &graph.output {
            assert!(known.contains(port.name), "{name}: nothing computes {}", port.name);
        }
    });
}

#[test]
fn every_weight_is_referred_to_where_it_lies_and_none_is_copied() {
    for_each_graph(|name, kind, folder, graph| {
        let weights = folder.weights().unwrap();
        let file_bytes = fs::metadata(weights.path()).unwrap().len();
        let mut referred = BTreeSet::new();
        for tensor in graph.initializer.iter().filter(|tensor| tensor.data_location() == DataLocation::External) {
            let tied_head = tensor.name() == "lm_head.weight" && folder.config().tied_head;
            assert!(!tied_head || kind == GraphKind::Onnxruntime, "{name}: the head is declared twice");
            let stored = if tied_head { "model.embed_tokens.weight" } else { tensor.name() };
            let location = weights.tensor(stored).unwrap();
            let entry = |key| tensor.external_data().iter().find(|entry| entry.key == key).unwrap().value;
            assert_eq!(entry("location"), "model.safetensors", "{name}: {stored}");
            assert_eq!(entry("offset").parse(), Ok(location.offset), "{name}: {stored}");
            assert_eq!(entry("length").parse(), Ok(location.bytes), "{name}: {stored}");
            assert!(location.offset + location.bytes <= file_bytes, "{name}: {stored}");
            let shape: Vec<usize> = tensor.dims().iter().map(|&length| length as usize).collect();
            assert_eq!(shape, location.shape, "{name}: {stored}");
            referred.insert(stored.to_owned());
        }
        let expected: BTreeSet<String> = folder.config().tensors().into_iter().map(|tensor| tensor.name).collect();
        assert_eq!(referred, expected, "{name}");
    });
}

#[test]
fn a_layer_that_runs_twice_has_two_caches() {
    for_each_graph(|name, _, folder, graph| {
        let caches = graph.input.iter().filter(|port| port.name.starts_with("past_key_values.")).count();
        assert_eq!(caches, 2 * folder.config().executed_layers(), "{name}");
        let products = graph.node.iter().filter(|node| node.op_type == OpType::Gemm).count();
        assert_eq!(products, 7 * folder.config().executed_layers() + 1, "{name}");
    });
}

/// Every node's factors are of one format, products multiply f16, and norms, softmax and SwiGLU compute in f32.
#[test]
fn in_f16_products_and_caches_are_f16_and_what_lies_between_is_f32() {
    let root = tempfile::tempdir().unwrap();
    let folder = tiny(root.path());
    prepare_weights(&folder, "source", Precision::F16).unwrap();
    let bytes = fs::read(write_graph(&folder, GraphKind::Opset17, Precision::F16).unwrap().path).unwrap();
    let graph = onnx_rs::parse(&bytes).unwrap().graph.unwrap();
    let mut formats: BTreeMap<&str, DataType> =
        graph.initializer.iter().map(|tensor| (tensor.name(), tensor.data_type())).collect();
    for port in graph.input.iter().chain(&graph.output) {
        let Some(TypeValue::Tensor(tensor)) = port.r#type.as_ref().and_then(|port| port.value.as_ref()) else {
            panic!("{} is no tensor", port.name);
        };
        let cache = port.name.starts_with("past") || port.name.starts_with("present");
        let format = if cache { DataType::Float16 } else { tensor.elem_type };
        assert_eq!(tensor.elem_type, format, "{}", port.name);
        formats.insert(port.name, format);
    }
    for node in &graph.node {
        let found: Vec<DataType> = node.input.iter().map(|input| formats[input]).collect();
        let output = match node.op_type.as_str() {
            "Gemm" | "MatMul" => {
                assert_eq!(found, [DataType::Float16; 2], "{}", node.name);
                DataType::Float16
            }
            "Pow" | "ReduceMean" | "Div" | "Softmax" | "Sigmoid" | "Mul" | "Neg" => {
                assert!(found.iter().all(|format| *format == DataType::Float), "{}: {found:?}", node.name);
                DataType::Float
            }
            "Add" | "Concat" => {
                assert!(found.iter().all(|format| *format == found[0]), "{}: {found:?}", node.name);
                found[0]
            }
            "Cast" => {
                let to = node.attribute.iter().find(|attribute| attribute.name == "to").unwrap().i;
                let format = if to == 10 { DataType::Float16 } else { DataType::Float };
                assert_ne!(found[0], format, "{} changes nothing", node.name);
                format
            }
            "Shape" => DataType::Int64,
            "LessOrEqual" => DataType::Bool,
            "Where" => found[1],
            _ => found[0],
        };
        for name in &node.output {
            assert_eq!(*formats.entry(name).or_insert(output), output, "{}", node.name);
        }
    }
    for (kind, precision) in [(GraphKind::Opset23, Precision::F16), (GraphKind::Opset17, Precision::Bf16)] {
        let error = write_graph(&folder, kind, precision).unwrap_err().to_string();
        assert!(error.contains(&format!("{} in {} was requested", kind.name(), precision.name())), "{error}");
    }
}

#[test]
fn the_second_call_finds_the_graph_and_a_damaged_one_is_replaced() {
    let root = tempfile::tempdir().unwrap();
    let folder = tiny(root.path());
    let first = write_graph(&folder, GraphKind::Opset17, Precision::F32).unwrap();
    assert_eq!(sha256_of_file(&first.path).unwrap(), first.sha256);
    let name = first.path.file_name().unwrap().to_str().unwrap().to_owned();
    assert_eq!(name, format!("opset17-{}.onnx", &first.sha256[..16]));

    let written = fs::metadata(&first.path).unwrap().modified().unwrap();
    assert_eq!(write_graph(&folder, GraphKind::Opset17, Precision::F32).unwrap(), first);
    assert_eq!(fs::metadata(&first.path).unwrap().modified().unwrap(), written, "it was written again");

    let bytes = fs::read(&first.path).unwrap();
    fs::write(&first.path, &bytes[..bytes.len() / 2]).unwrap();
    assert_eq!(write_graph(&folder, GraphKind::Opset17, Precision::F32).unwrap(), first);
    assert_eq!(fs::read(&first.path).unwrap(), bytes);
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 3, "config, weights and graph, but nothing temporary: {left:?}");
}

#[test]
fn each_kind_and_each_configuration_has_a_file_of_its_own() {
    let root = tempfile::tempdir().unwrap();
    let folder = tiny(root.path());
    let mut names: BTreeSet<_> =
        GraphKind::ALL.map(|kind| write_graph(&folder, kind, Precision::F32).unwrap().path).into();
    let other = ModelConfig { rope_theta: 20_000.0, ..folder.config().clone() };
    fs::write(folder.path().join("config.json"), other.to_json()).unwrap();
    let folder = ModelFolder::open(folder.path()).unwrap();
    names.extend(GraphKind::ALL.map(|kind| write_graph(&folder, kind, Precision::F32).unwrap().path));
    assert_eq!(names.len(), 6);
}

#[test]
fn weights_in_half_precision_are_refused_with_their_name() {
    let root = tempfile::tempdir().unwrap();
    let folder = hollow(&Preset::find("tiny").unwrap().config(), "F16", root.path());
    let error = write_graph(&folder, GraphKind::Opset17, Precision::F32).unwrap_err().to_string();
    let error = error.replace(&root.path().display().to_string(), "ROOT");
    insta::assert_snapshot!(error, @r#"ROOT/model.safetensors is not valid: tensor "model.embed_tokens.weight" is F16, but graphs refer to F32 weights: import the model again"#);
}

#[test]
fn a_folder_that_cannot_be_written_is_an_error_that_names_the_graph() {
    let root = tempfile::tempdir().unwrap();
    let folder = tiny(root.path());
    let graph = write_graph(&folder, GraphKind::Opset17, Precision::F32).unwrap();
    fs::remove_file(&graph.path).unwrap();
    // Something else is at the path of the graph.
    fs::create_dir(&graph.path).unwrap();
    let error = write_graph(&folder, GraphKind::Opset17, Precision::F32).unwrap_err().to_string();
    assert!(error.starts_with("cannot write") && error.contains("opset17-"), "{error}");
    let left = fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 3, "nothing temporary may be left");
}

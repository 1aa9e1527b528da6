//! Tract against the reference.

use std::{fs, path::Path};

use pocketwatt_model::{reference::ReferenceCase, write_graph};
use pocketwatt_protocol::{GraphKind, LoadOptions, ModelFiles, MonotonicClock, Precision};
use pocketwatt_runner::{
    Backend, LoadStages, Model,
    conformance::{self, Expectation, F32_TOLERANCE, HALF_TOLERANCE, ROUNDED_TOLERANCE},
};

use tract_onnx::{
    onnx,
    pb::{TensorProto, tensor_proto::DataType},
    prelude::*,
    tract_core::ops::matmul::optimized::OptMatMul,
};

use crate::{backend::TractBackend, blocks, load, threads::Threads};

#[test]
fn conforms_on_the_opset17_graph() {
    run(GraphKind::Opset17, Precision::F32, 1);
}

#[test]
fn conforms_on_the_opset23_graph() {
    run(GraphKind::Opset23, Precision::F32, 1);
}

#[test]
fn conforms_on_two_threads() {
    run(GraphKind::Opset17, Precision::F32, 2);
    run(GraphKind::Opset23, Precision::F32, 2);
}

#[test]
fn conforms_with_rounded_weights() {
    for precision in [Precision::Int4, Precision::W8a8] {
        run(GraphKind::Opset17, precision, 1);
        run(GraphKind::Opset23, precision, 1);
        run(GraphKind::Opset17, precision, 2);
    }
}

#[test]
fn conforms_in_f16() {
    run(GraphKind::Opset17, Precision::F16, 1);
    run(GraphKind::Opset17, Precision::F16, 2);
}

/// The suite's tolerance would accept f32 as f16: so this checks both factors of every product, and the cache.
#[test]
fn f16_is_not_widened_to_f32() {
    let root = tempfile::tempdir().unwrap();
    let case = ReferenceCase::all_in(root.path(), Precision::F16).unwrap().remove(0);
    let graph = write_graph(&case.folder, GraphKind::Opset17, Precision::F16).unwrap();
    let threads = Threads::start(1).unwrap();
    let plan = load::prepare(load::read(&graph.path).unwrap(), &threads).unwrap();
    let model = plan.model();
    let products: Vec<_> = model.nodes.iter().filter(|node| node.op_is::<OptMatMul>()).collect();
    for product in &products {
        let kernels = product.op.info().unwrap();
        let kernels: Vec<&String> = kernels.iter().filter(|line| line.contains("matmul(")).collect();
        let half = |line: &&String| line.matches("PackedF16").count() == 2 && !line.contains("PackedF32");
        assert!(!kernels.is_empty() && kernels.iter().all(half), "{product}: {kernels:?}");
    }
    // Seven with weights and two with the cache in each block, and the head.
    assert_eq!(products.len(), case.folder.config().layers * 9 + 1);

    let [whole, half] = [Precision::F32, Precision::F16].map(|precision| {
        let root = root.path().join(precision.name());
        let case = ReferenceCase::all_in(&root, precision).unwrap().remove(0);
        let graph = Some(write_graph(&case.folder, GraphKind::Opset17, precision).unwrap());
        let options = LoadOptions { precision, ..options(1, 32) };
        let files = ModelFiles { graph, ..case.files };
        let mut model = TractBackend.load(&files, &options, &mut LoadStages::new(&MonotonicClock)).unwrap();
        let mut session = model.session().unwrap();
        session.forward(&case.tokens, &mut Vec::new()).unwrap();
        session.kv_cache_bytes()
    });
    assert_eq!(whole, 2 * half);
}

/// Memory is part of what is measured.
#[test]
fn matrices_of_4_bits_are_read_once() {
    let root = tempfile::tempdir().unwrap();
    let mut shared = 0;
    for case in ReferenceCase::all_in(root.path(), Precision::Int4).unwrap() {
        let graph = write_graph(&case.folder, GraphKind::Opset17, Precision::Int4).unwrap();
        let mut graph = onnx().proto_model_for_path(&graph.path).unwrap().graph.unwrap();
        blocks::rewrite(&mut graph);
        let config = case.folder.config();
        let reads = graph.node.iter().filter(|node| node.op_type == "Blocks").count();
        assert_eq!(reads, 7 * config.layers + if config.tied_head { 1 } else { 2 });
        let uses =
            graph.node.iter().filter(|node| node.op_type.ends_with("Blocks") && node.op_type != "Blocks").count();
        assert_eq!(uses, 7 * config.layers * config.layer_repeats + 2);
        shared += uses - reads;
        let is_code = |tensor: &&TensorProto| tensor.data_type == DataType::Uint8 as i32;
        assert_eq!(graph.initializer.iter().filter(is_code).count(), 0, "codes that tract would read by itself");
    }
    assert!(shared > 7, "no case shares blocks");
}

fn run(kind: GraphKind, precision: Precision, threads: u32) {
    let root = tempfile::tempdir().unwrap();
    for case in ReferenceCase::all_in(root.path(), precision).unwrap() {
        let scratch = root.path().join(format!("{}-damaged", case.name));
        fs::create_dir(&scratch).unwrap();
        let expectation = Expectation {
            files: ModelFiles { graph: Some(write_graph(&case.folder, kind, precision).unwrap()), ..case.files },
            options: LoadOptions { precision, ..options(threads, (case.tokens.len() + case.greedy.len()) as u32) },
            tokens: case.tokens,
            logits: case.logits,
            greedy: if precision == Precision::F32 { case.greedy } else { Vec::new() },
            tolerance: match precision {
                Precision::F32 => F32_TOLERANCE,
                Precision::F16 => HALF_TOLERANCE,
                _ => ROUNDED_TOLERANCE,
            },
            scratch,
        };
        conformance::run(&TractBackend, &expectation).unwrap_or_else(|failures| {
            panic!("{} in {} on the {} graph: {failures}", case.name, precision.name(), kind.name())
        });
    }
}

#[test]
fn a_graph_that_tract_cannot_run_is_refused_with_those_it_can() {
    let root = tempfile::tempdir().unwrap();
    let files = tiny(root.path(), GraphKind::Onnxruntime);
    let message = refusal(&files, 8);
    assert!(message.ends_with("operators that tract does not have: use opset17 or opset23"), "{message}");
    let message = refusal(&ModelFiles { graph: None, ..files }, 8);
    assert_eq!(message, "no graph was given: tract runs opset17 and opset23");
}

#[test]
fn a_context_beyond_the_models_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let files = tiny(root.path(), GraphKind::Opset17);
    for context_tokens in [0, 2049] {
        let message = refusal(&files, context_tokens);
        assert!(message.contains("1 to 2048 positions"), "{message}");
    }
}

/// Any damage ends in an error of one line or, where it hit nothing that matters, in a model.
#[test]
fn a_damaged_graph_is_no_crash() {
    let root = tempfile::tempdir().unwrap();
    let files = tiny(root.path(), GraphKind::Opset17);
    let path = files.graph.as_ref().unwrap().path.clone();
    let graph = fs::read(&path).unwrap();
    let mut refused = 0;
    for step in 0..40 {
        let place = graph.len() * step / 40;
        for damaged in [graph[..place].to_vec(), flipped(&graph, place), cut(&graph, place)] {
            fs::write(&path, damaged).unwrap();
            if let Err(error) = load(&files, 8) {
                let message = format!("{error:#}");
                assert!(message.len() < 600 && !message.contains('\n'), "{message}");
                refused += 1;
            }
        }
    }
    assert!(refused > 60, "only {refused} of 120 damaged graphs were refused");
}

fn flipped(graph: &[u8], place: usize) -> Vec<u8> {
    let mut damaged = graph.to_vec();
    damaged[place] ^= 0x15;
    damaged
}

fn cut(graph: &[u8], place: usize) -> Vec<u8> {
    let mut damaged = graph.to_vec();
    damaged.drain(place..(place + 3).min(graph.len()));
    damaged
}

fn tiny(root: &Path, kind: GraphKind) -> ModelFiles {
    let case = ReferenceCase::all(root).unwrap().remove(0);
    ModelFiles { graph: Some(write_graph(&case.folder, kind, Precision::F32).unwrap()), ..case.files }
}

fn refusal(files: &ModelFiles, context_tokens: u32) -> String {
    format!("{:#}", load(files, context_tokens).err().unwrap())
}

fn load(files: &ModelFiles, context_tokens: u32) -> anyhow::Result<Box<dyn Model>> {
    TractBackend.load(files, &options(1, context_tokens), &mut LoadStages::new(&MonotonicClock))
}

fn options(threads: u32, context_tokens: u32) -> LoadOptions {
    LoadOptions { threads, precision: Precision::F32, context_tokens }
}

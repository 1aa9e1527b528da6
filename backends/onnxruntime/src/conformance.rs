//! ONNX Runtime against the reference, on each kind of graph.

use std::fs;

use pocketwatt_model::{reference::ReferenceCase, write_graph};
use pocketwatt_protocol::{GraphKind, LoadOptions, ModelFiles, Precision};
use pocketwatt_runner::conformance::{self, Expectation};

use crate::backend::OnnxruntimeBackend;

#[test]
fn conforms_on_the_opset17_graph() {
    run(GraphKind::Opset17, 1);
}

#[test]
fn conforms_on_the_opset23_graph() {
    run(GraphKind::Opset23, 1);
}

#[test]
fn conforms_on_the_onnxruntime_graph() {
    run(GraphKind::Onnxruntime, 1);
}

#[test]
fn conforms_on_two_threads() {
    run(GraphKind::Onnxruntime, 2);
}

fn run(kind: GraphKind, threads: u32) {
    let root = tempfile::tempdir().unwrap();
    for case in ReferenceCase::all(root.path()).unwrap() {
        let scratch = root.path().join(format!("{}-damaged", case.name));
        fs::create_dir(&scratch).unwrap();
        let context_tokens = (case.tokens.len() + case.greedy.len()) as u32;
        let expectation = Expectation {
            options: LoadOptions { threads, precision: Precision::F32, context_tokens },
            files: ModelFiles { graph: Some(write_graph(&case.folder, kind).unwrap()), ..case.files },
            tokens: case.tokens,
            logits: case.logits,
            greedy: case.greedy,
            scratch,
        };
        conformance::run(&OnnxruntimeBackend, &expectation)
            .unwrap_or_else(|failures| panic!("{} on the {} graph: {failures}", case.name, kind.name()));
    }
}

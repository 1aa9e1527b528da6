//! ONNX Runtime against the reference, on each kind of graph.

use std::fs;

use pocketwatt_model::{reference::ReferenceCase, write_graph};
use pocketwatt_protocol::{GraphKind, LoadOptions, ModelFiles, Precision};
use pocketwatt_runner::conformance::{self, Expectation, F32_TOLERANCE, ROUNDED_TOLERANCE};

use crate::backend::OnnxruntimeBackend;

#[test]
fn conforms_on_the_opset17_graph() {
    run(GraphKind::Opset17, Precision::F32, 1);
}

#[test]
fn conforms_on_the_opset23_graph() {
    run(GraphKind::Opset23, Precision::F32, 1);
}

#[test]
fn conforms_on_the_onnxruntime_graph() {
    run(GraphKind::Onnxruntime, Precision::F32, 1);
}

#[test]
fn conforms_on_two_threads() {
    run(GraphKind::Onnxruntime, Precision::F32, 2);
}

#[test]
fn conforms_with_rounded_weights() {
    for precision in [Precision::Int8, Precision::W8a8, Precision::Int4] {
        for kind in GraphKind::ALL {
            run(kind, precision, 1);
        }
        run(GraphKind::Onnxruntime, precision, 2);
    }
}

fn run(kind: GraphKind, precision: Precision, threads: u32) {
    let root = tempfile::tempdir().unwrap();
    for case in ReferenceCase::all_in(root.path(), precision).unwrap() {
        let scratch = root.path().join(format!("{}-damaged", case.name));
        fs::create_dir(&scratch).unwrap();
        let context_tokens = (case.tokens.len() + case.greedy.len()) as u32;
        let expectation = Expectation {
            options: LoadOptions { threads, precision, context_tokens },
            files: ModelFiles { graph: Some(write_graph(&case.folder, kind, precision).unwrap()), ..case.files },
            tokens: case.tokens,
            logits: case.logits,
            greedy: if precision == Precision::F32 { case.greedy } else { Vec::new() },
            tolerance: if precision == Precision::F32 { F32_TOLERANCE } else { ROUNDED_TOLERANCE },
            scratch,
        };
        conformance::run(&OnnxruntimeBackend, &expectation).unwrap_or_else(|failures| {
            panic!("{} in {} on the {} graph: {failures}", case.name, precision.name(), kind.name())
        });
    }
}

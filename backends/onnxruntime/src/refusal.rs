//! Files that must end in an error that says what is wrong with them, and not in a crash of the engine.

use std::{fs, path::Path};

use pocketwatt_model::{reference::ReferenceCase, sha256_of_file, write_graph};
use pocketwatt_protocol::{GraphFile, GraphKind, LoadOptions, ModelFiles, MonotonicClock, Precision};
use pocketwatt_runner::{Backend, LoadStages};

use crate::backend::OnnxruntimeBackend;

const OPTIONS: LoadOptions = LoadOptions { threads: 1, precision: Precision::F32, context_tokens: 16 };

fn case(root: &Path) -> ReferenceCase {
    ReferenceCase::all(root).unwrap().remove(0)
}

/// The error of loading with `graph` in place of the right one.
fn error(case: &ReferenceCase, graph: Option<GraphFile>, options: &LoadOptions) -> String {
    let files = ModelFiles { graph, ..case.files.clone() };
    match OnnxruntimeBackend.load(&files, options, &mut LoadStages::new(&MonotonicClock)) {
        Ok(_) => panic!("it was loaded"),
        Err(error) => format!("{error:#}"),
    }
}

fn rewritten(graph: &GraphFile, bytes: &[u8]) -> GraphFile {
    fs::write(&graph.path, bytes).unwrap();
    GraphFile { sha256: sha256_of_file(&graph.path).unwrap(), ..graph.clone() }
}

#[test]
fn no_graph_at_all() {
    let root = tempfile::tempdir().unwrap();
    let error = error(&case(root.path()), None, &OPTIONS);
    assert_eq!(error, "no graph was given, and ONNX Runtime needs one");
}

#[test]
fn a_graph_that_is_not_there() {
    let root = tempfile::tempdir().unwrap();
    let case = case(root.path());
    let graph = write_graph(&case.folder, GraphKind::Opset17, Precision::F32).unwrap();
    fs::remove_file(&graph.path).unwrap();
    let error = error(&case, Some(graph), &OPTIONS);
    assert!(error.contains("cannot read") && error.contains(".onnx"), "{error}");
}

#[test]
fn a_graph_that_has_changed_since_it_was_written() {
    let root = tempfile::tempdir().unwrap();
    let case = case(root.path());
    let graph = write_graph(&case.folder, GraphKind::Opset17, Precision::F32).unwrap();
    let mut bytes = fs::read(&graph.path).unwrap();
    bytes[1000] ^= 1;
    fs::write(&graph.path, &bytes).unwrap();
    let error = error(&case, Some(graph), &OPTIONS);
    assert!(error.contains("has changed since it was written") && error.contains("delete it"), "{error}");
}

#[test]
fn a_graph_of_another_kind_than_the_request_says() {
    let root = tempfile::tempdir().unwrap();
    let case = case(root.path());
    let graph = write_graph(&case.folder, GraphKind::Opset17, Precision::F32).unwrap();
    let error = error(&case, Some(GraphFile { kind: GraphKind::Onnxruntime, ..graph }), &OPTIONS);
    assert!(error.contains("is not a graph of kind onnxruntime"), "{error}");
    assert!(error.contains(r#"input 2 is "position_ids", expected "seqlens_k""#), "{error}");
}

#[test]
fn a_graph_with_fewer_layers_than_the_configuration() {
    let root = tempfile::tempdir().unwrap();
    let mut cases = ReferenceCase::all(root.path()).unwrap();
    let (shared, single) = (cases.remove(1), cases.remove(0));
    let graph = write_graph(&single.folder, GraphKind::Opset17, Precision::F32).unwrap();
    let path = shared.files.folder.join("foreign.onnx");
    fs::copy(&graph.path, &path).unwrap();
    let error = error(&shared, Some(GraphFile { path, ..graph }), &OPTIONS);
    assert!(error.contains(r#"expected "past_key_values.2.key""#), "{error}");
}

#[test]
fn garbage_and_pieces_of_graphs() {
    let root = tempfile::tempdir().unwrap();
    let case = case(root.path());
    let graph = write_graph(&case.folder, GraphKind::Onnxruntime, Precision::F32).unwrap();
    let bytes = fs::read(&graph.path).unwrap();
    let pieces = [0, 1, 10, 100, 1000, bytes.len() / 2, bytes.len() - 1].map(|end| bytes[..end].to_vec());
    let garbage = vec![vec![0; 4096], vec![0xff; 4096], b"not a graph".to_vec()];
    for bytes in pieces.into_iter().chain(garbage) {
        let error = error(&case, Some(rewritten(&graph, &bytes)), &OPTIONS);
        assert!(error.contains("ONNX Runtime") && error.contains("cannot load"), "{} bytes: {error}", bytes.len());
    }
}

#[test]
fn options_that_make_no_sense() {
    let root = tempfile::tempdir().unwrap();
    let case = case(root.path());
    let graph = write_graph(&case.folder, GraphKind::Onnxruntime, Precision::F32).unwrap();
    for context_tokens in [0, 2049] {
        let error = error(&case, Some(graph.clone()), &LoadOptions { context_tokens, ..OPTIONS });
        assert!(error.contains("the model has 1 to 2048 positions"), "{error}");
    }
    let error = error(&case, Some(graph), &LoadOptions { threads: 0, ..OPTIONS });
    assert!(error.contains("at least one thread"), "{error}");
}

//! A loaded graph, checked to have the inputs and outputs of its kind.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use ort::session::{Session as OrtSession, builder::GraphOptimizationLevel};
use pocketwatt_model::{ModelConfig, sha256_of_file};
use pocketwatt_protocol::{GraphFile, GraphKind};

use crate::engine::Engine;

/// Reads a graph and the weights that it refers to.
///
/// # Errors
/// When the file differs from what the harness wrote, ONNX Runtime refuses it, or it is of another kind.
pub(crate) fn load(engine: &Engine, file: &GraphFile, config: &ModelConfig, threads: usize) -> Result<OrtSession> {
    let found = sha256_of_file(&file.path)?;
    ensure!(
        found == file.sha256,
        "{} has changed since it was written: its sha256 is {found}, expected {}; delete it, and it will be written again",
        file.path.display(),
        file.sha256
    );
    let session = open(engine, &file.path, threads)
        .with_context(|| format!("ONNX Runtime {} cannot load {}", engine.version, file.path.display()))?;
    check_ports(&session, file.kind, config)
        .with_context(|| format!("{} is not a graph of kind {}", file.path.display(), file.kind.name()))?;
    Ok(session)
}

/// Measured with MobileLLM 125M in f32, 128 tokens of prompt and 128 of output, on one thread, as multiples of the
/// weights' bytes and of the speed with these options:
///
/// | options | peak memory | decode | prefill |
/// |---|---|---|---|
/// | these, onnxruntime graph | 1.22 | 1 (80-84 % of the bandwidth on a quiet machine, 72-85 % on a busy one) | 1 |
/// | these, opset23 graph | 1.28 | 0.98 | 1 |
/// | these, opset17 graph | 1.29 | 0.9 | 1 |
/// | without packing of weights | 1.11 | 0.67 | 0.85 |
/// | without the memory arena, onnxruntime graph | 1.22-1.25 | 1 | 0.8-0.9 |
/// | without the memory arena, opset17 graph | 1.39 | 1 | 0.9-1 |
///
/// Packing copies the weights out of the mapped file, matrix by matrix, and unmaps each: the copy replaces the mapping
/// rather than adding to it. Allocators of the environment and initializers outside the arena made no difference.
fn open(engine: &Engine, path: &Path, threads: usize) -> ort::Result<OrtSession> {
    OrtSession::builder(&engine.environment)?
        .with_intra_threads(threads)?
        .with_inter_threads(1)?
        // Waiting threads spin, which is ONNX Runtime's default: it is measured as it ships. With 2 threads on 2 quiet cores
        // spinning decodes 1.1 to 1.3 times as fast as blocking, for the same processor time. Where another program wants
        // a core it is the opposite: half the speed, for 1.7 times the processor time. A single thread never waits.
        .with_intra_op_spinning(true)?
        .with_optimization_level(GraphOptimizationLevel::All)?
        // It plans memory for each combination of input shapes, and a growing text has a new one at every token.
        .with_memory_pattern(false)?
        .commit_from_file(path)
}

/// Names of the inputs that hold the past and of the outputs that hold the present, layer by layer.
pub(crate) fn cache_names(config: &ModelConfig) -> impl Iterator<Item = (String, String)> {
    (0..config.executed_layers()).flat_map(|executed| {
        ["key", "value"]
            .map(|part| (format!("past_key_values.{executed}.{part}"), format!("present.{executed}.{part}")))
    })
}

/// Checks names and order: sessions feed inputs and read outputs by position.
fn check_ports(session: &OrtSession, kind: GraphKind, config: &ModelConfig) -> Result<()> {
    let mut inputs: Vec<String> = match kind {
        GraphKind::Opset17 | GraphKind::Opset23 => vec!["input_ids".into(), "position_ids".into()],
        GraphKind::Onnxruntime => vec!["input_ids".into(), "seqlens_k".into(), "total_sequence_length".into()],
    };
    let mut outputs = vec!["logits".to_owned()];
    for (past, present) in cache_names(config) {
        inputs.push(past);
        outputs.push(present);
    }
    compare("input", &inputs, session.inputs().iter().map(|port| port.name()))?;
    compare("output", &outputs, session.outputs().iter().map(|port| port.name()))
}

fn compare<'a>(what: &str, expected: &[String], found: impl Iterator<Item = &'a str>) -> Result<()> {
    let found: Vec<&str> = found.collect();
    for (index, expected) in expected.iter().enumerate() {
        match found.get(index) {
            Some(found) if found == expected => {}
            Some(found) => bail!("{what} {} is {found:?}, expected {expected:?}", index + 1),
            None => bail!("{what} {} is missing, expected {expected:?}", index + 1),
        }
    }
    ensure!(found.len() == expected.len(), "it has {} {what}s, expected {}", found.len(), expected.len());
    Ok(())
}

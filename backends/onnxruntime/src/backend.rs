use anyhow::{Context, Result, bail, ensure};
use ort::session::Session as OrtSession;
use pocketwatt_model::{ModelConfig, precision::open_weights};
use pocketwatt_protocol::{BackendInfo, GraphKind, LoadOptions, ModelFiles, ModelInfo, Precision};
use pocketwatt_runner::{Backend, LoadStages, Model, Session, build_description, platform};

use crate::{engine::Engine, graph, growing::GrowingSession, shared::SharedSession};

/// ONNX Runtime on the processor.
pub(crate) struct OnnxruntimeBackend;

impl Backend for OnnxruntimeBackend {
    fn info(&self) -> Result<BackendInfo> {
        let engine = Engine::get()?;
        Ok(BackendInfo {
            name: "onnxruntime".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            engine: "ONNX Runtime".into(),
            engine_version: engine.version,
            accelerator: "cpu".into(),
            build: format!("{}; {}; library sha256 {}", build_description(), ort::info(), engine.sha256),
            platform: Some(Box::new(platform())),
        })
    }

    /// Reading and preparing happen in one call of the engine, so no stages are told apart.
    fn load(&self, files: &ModelFiles, options: &LoadOptions, _stages: &mut LoadStages) -> Result<Box<dyn Model>> {
        match options.precision {
            Precision::F32 | Precision::Int8 | Precision::W8a8 | Precision::Int4 => {}
            // The engine's kernels for processors convert both to f32 and back, at every product.
            Precision::F16 | Precision::Bf16 => {
                bail!("ONNX Runtime does not compute in {} on processors", options.precision.name())
            }
        }
        ensure!(options.threads >= 1, "threads is 0, at least one thread has to compute");
        let (config, _) = open_weights(files, options.precision)?;
        let capacity = options.context_tokens as usize;
        ensure!(
            (1..=config.context).contains(&capacity),
            "context_tokens is {capacity}, the model has 1 to {} positions",
            config.context
        );
        let file = files.graph.as_ref().context("no graph was given, and ONNX Runtime needs one")?;
        let session = graph::load(&Engine::get()?, file, &config, options.threads as usize)?;
        Ok(Box::new(OnnxruntimeModel { session, config, kind: file.kind, capacity }))
    }
}

struct OnnxruntimeModel {
    session: OrtSession,
    config: ModelConfig,
    kind: GraphKind,
    capacity: usize,
}

impl Model for OnnxruntimeModel {
    fn info(&self) -> ModelInfo {
        ModelInfo { vocabulary: self.config.vocabulary as u32, implementation: format!("{} graph", self.kind.name()) }
    }

    fn session(&mut self) -> Result<Box<dyn Session + '_>> {
        Ok(match self.kind {
            GraphKind::Opset17 | GraphKind::Opset23 => {
                Box::new(GrowingSession::new(&mut self.session, &self.config, self.capacity)?)
            }
            GraphKind::Onnxruntime => Box::new(SharedSession::new(&mut self.session, &self.config, self.capacity)?),
        })
    }
}

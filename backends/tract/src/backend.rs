use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use pocketwatt_model::precision::open_weights;
use pocketwatt_protocol::{BackendInfo, GraphKind, LoadOptions, LoadStage, ModelFiles, ModelInfo, Precision};
use pocketwatt_runner::{Backend, LoadStages, Model, Session, build_description, platform};
use tract_onnx::prelude::TypedRunnableModel;

use crate::{failure::guarded, load, memory, session::TractSession, threads::Threads};

/// Tract does not report its version at run time. A test compares this with the lock file.
const ENGINE_VERSION: &str = "0.23.9";

/// Tract on the processor.
pub struct TractBackend;

impl Backend for TractBackend {
    fn info(&self) -> Result<BackendInfo> {
        Ok(BackendInfo {
            name: "tract".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            engine: "tract".into(),
            engine_version: ENGINE_VERSION.into(),
            accelerator: "cpu".into(),
            build: build_description(),
            platform: Some(Box::new(platform())),
        })
    }

    fn load(&self, files: &ModelFiles, options: &LoadOptions, stages: &mut LoadStages) -> Result<Box<dyn Model>> {
        match options.precision {
            Precision::F32 | Precision::F16 | Precision::W8a8 | Precision::Int4 => {}
            other => bail!("this backend does not compute in {}", other.name()),
        }
        let graph = files.graph.as_ref().context("no graph was given: tract runs opset17 and opset23")?;
        match graph.kind {
            GraphKind::Opset17 | GraphKind::Opset23 => {}
            GraphKind::Onnxruntime => {
                bail!("the graph onnxruntime needs operators that tract does not have: use opset17 or opset23")
            }
        }
        let threads = Threads::start(options.threads)?;

        memory::free_weights_at_once();
        stages.begin(LoadStage::Read);
        let (config, _) = open_weights(files, options.precision)?;
        let capacity = options.context_tokens as usize;
        ensure!(
            (1..=config.context).contains(&capacity),
            "context_tokens is {capacity}, the model has 1 to {} positions",
            config.context
        );
        let parsed = guarded("read the graph", || threads.run(|| load::read(&graph.path)))?;

        stages.begin(LoadStage::Prepare);
        let plan = guarded("prepare the graph", || threads.run(|| load::prepare(parsed, &threads)))?;
        memory::keep_intermediate_results();
        Ok(Box::new(TractModel { plan, threads, kind: graph.kind, vocabulary: config.vocabulary, capacity }))
    }
}

struct TractModel {
    plan: Arc<TypedRunnableModel>,
    threads: Threads,
    kind: GraphKind,
    vocabulary: usize,
    capacity: usize,
}

impl Model for TractModel {
    fn info(&self) -> ModelInfo {
        ModelInfo { vocabulary: self.vocabulary as u32, implementation: self.kind.name().into() }
    }

    fn session(&mut self) -> Result<Box<dyn Session + '_>> {
        Ok(Box::new(TractSession::new(&self.plan, &self.threads, self.vocabulary, self.capacity)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engine_version_is_the_locked_one() {
        let lock = include_str!("../../../Cargo.lock");
        for engine in ["tract-onnx", "tract-core", "tract-linalg", "tract-transformers"] {
            let entry = format!("name = \"{engine}\"\nversion = \"{ENGINE_VERSION}\"\n");
            assert!(lock.contains(&entry), "Cargo.lock holds another {engine} than {ENGINE_VERSION}");
        }
    }
}

use anyhow::{Result, ensure};
use pocketwatt_model::precision::open_weights;
use pocketwatt_protocol::{BackendInfo, LoadOptions, LoadStage, ModelFiles, ModelInfo, TokenId};
use pocketwatt_runner::{Backend, LoadStages, Model, Session, build_description, check_tokens, platform};

use crate::{cache::KeyValueCache, decoder::Decoder, threads, weights::Weights};

/// Candle does not report its version at run time. A test compares this with the lock file.
const ENGINE_VERSION: &str = "0.11.1";

/// Candle on the processor.
pub struct CandleBackend;

impl Backend for CandleBackend {
    fn info(&self) -> Result<BackendInfo> {
        Ok(BackendInfo {
            name: "candle".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            engine: "candle".into(),
            engine_version: ENGINE_VERSION.into(),
            accelerator: "cpu".into(),
            build: build_description(),
            platform: Some(Box::new(platform())),
        })
    }

    fn load(&self, files: &ModelFiles, options: &LoadOptions, stages: &mut LoadStages) -> Result<Box<dyn Model>> {
        threads::ensure_count(options.threads)?;
        let capacity = options.context_tokens as usize;
        stages.begin(LoadStage::Read);
        let (config, file) = open_weights(files, options.precision)?;
        ensure!(
            (1..=config.context).contains(&capacity),
            "context_tokens is {capacity}, the model has 1 to {} positions",
            config.context
        );
        let weights = Weights::read(&config, &file, options.precision)?;
        stages.begin(LoadStage::Prepare);
        Ok(Box::new(CandleModel { decoder: Decoder::new(config, weights, capacity)?, capacity }))
    }
}

struct CandleModel {
    decoder: Decoder,
    capacity: usize,
}

impl Model for CandleModel {
    fn info(&self) -> ModelInfo {
        ModelInfo { vocabulary: self.decoder.config().vocabulary as u32, implementation: "own model".into() }
    }

    fn session(&mut self) -> Result<Box<dyn Session + '_>> {
        let cache = KeyValueCache::new(self.decoder.config(), self.decoder.format(), self.capacity)?;
        Ok(Box::new(CandleSession { decoder: &self.decoder, cache }))
    }
}

struct CandleSession<'a> {
    decoder: &'a Decoder,
    cache: KeyValueCache,
}

impl Session for CandleSession<'_> {
    fn forward(&mut self, tokens: &[TokenId], logits: &mut Vec<f32>) -> Result<()> {
        check_tokens(tokens, self.cache.len(), self.cache.capacity(), self.decoder.config().vocabulary)?;
        Ok(self.decoder.forward(tokens, &mut self.cache, logits)?)
    }

    fn len(&self) -> usize {
        self.cache.len()
    }

    fn reset(&mut self) -> Result<()> {
        self.cache.clear();
        Ok(())
    }

    /// Candle computes on the processor at once: when `forward` returns, nothing is pending.
    fn synchronize(&mut self) -> Result<()> {
        Ok(())
    }

    fn kv_cache_bytes(&self) -> u64 {
        self.cache.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engine_version_is_the_locked_one() {
        let lock = include_str!("../../../Cargo.lock");
        let entry = format!("name = \"candle-core\"\nversion = \"{ENGINE_VERSION}\"\n");
        assert!(lock.contains(&entry), "Cargo.lock holds another candle-core than {ENGINE_VERSION}");
    }
}

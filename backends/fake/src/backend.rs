use std::{thread, time::Duration};

use anyhow::{Result, anyhow, ensure};
use pocketwatt_model::{ModelConfig, ModelFolder, WeightFile};
use pocketwatt_protocol::{BackendInfo, LoadOptions, LoadStage, ModelFiles, ModelInfo, TokenId};
use pocketwatt_runner::{Backend, LoadStages, Model, Session, build_description, check_tokens, platform};

use crate::{
    fault::{Fault, Moment, strike},
    script::Script,
};

/// A backend without an engine.
pub struct FakeBackend {
    script: Script,
    /// Why the script could not be understood: reported in place of the greeting.
    refusal: Option<String>,
}

impl FakeBackend {
    /// A backend that follows the script, or reports why there is none.
    pub fn new(script: Result<Script>) -> Self {
        match script {
            Ok(script) => Self { script, refusal: None },
            Err(error) => Self { script: Script::default(), refusal: Some(format!("{error:#}")) },
        }
    }

    /// The script that it follows.
    pub fn script(&self) -> &Script {
        &self.script
    }
}

impl Backend for FakeBackend {
    fn info(&self) -> Result<BackendInfo> {
        if let Some(refusal) = &self.refusal {
            return Err(anyhow!("{refusal}"));
        }
        strike(self.script.fault, Moment::Start)?;
        Ok(BackendInfo {
            name: self.script.name.clone(),
            version: env!("CARGO_PKG_VERSION").into(),
            engine: "fake".into(),
            engine_version: env!("CARGO_PKG_VERSION").into(),
            accelerator: "cpu".into(),
            build: build_description(),
            platform: Some(Box::new(platform())),
        })
    }

    fn load(&self, files: &ModelFiles, options: &LoadOptions, stages: &mut LoadStages) -> Result<Box<dyn Model>> {
        stages.begin(LoadStage::Read);
        let config = ModelFolder::open(&files.folder)?.config().clone();
        // Nothing is computed with the weights, but a folder without them is not a model.
        WeightFile::open(&files.weights)?;
        let capacity = options.context_tokens as usize;
        ensure!(
            (1..=config.context).contains(&capacity),
            "context_tokens is {capacity}, the model has 1 to {} positions",
            config.context
        );
        stages.begin(LoadStage::Prepare);
        take(self.script.load);
        strike(self.script.fault, Moment::Load)?;
        Ok(Box::new(FakeModel { config, capacity, script: self.script.clone(), sessions: 0 }))
    }
}

struct FakeModel {
    config: ModelConfig,
    capacity: usize,
    script: Script,
    /// Sessions opened so far: one for each iteration.
    sessions: u32,
}

impl Model for FakeModel {
    fn info(&self) -> ModelInfo {
        ModelInfo { vocabulary: self.config.vocabulary as u32, implementation: "no model".into() }
    }

    fn session(&mut self) -> Result<Box<dyn Session + '_>> {
        self.sessions += 1;
        let fault = self.script.fault.filter(|_| self.sessions == self.script.iteration);
        Ok(Box::new(FakeSession { model: self, fault, past: Past::default() }))
    }
}

struct FakeSession<'a> {
    model: &'a FakeModel,
    /// The fault of this iteration.
    fault: Option<Fault>,
    past: Past,
}

impl Session for FakeSession<'_> {
    fn forward(&mut self, tokens: &[TokenId], logits: &mut Vec<f32>) -> Result<()> {
        let FakeModel { config, capacity, script, .. } = self.model;
        check_tokens(tokens, self.past.length, *capacity, config.vocabulary)?;
        // A session does not know what it works on: a single token after others is taken for an output token.
        let (moment, duration) = if self.past.length > 0 && tokens.len() == 1 {
            (Moment::Decode, script.decode)
        } else {
            (Moment::Prefill, script.prefill * tokens.len() as u32)
        };
        take(duration);
        strike(self.fault, moment)?;
        for token in tokens {
            self.past.append(*token);
        }
        logits.clear();
        logits.resize(config.vocabulary, 0.0);
        logits[self.past.best_token(config).0 as usize] = 1.0;
        Ok(())
    }

    fn len(&self) -> usize {
        self.past.length
    }

    fn reset(&mut self) -> Result<()> {
        self.past = Past::default();
        Ok(())
    }

    /// When `forward` returns, nothing is pending.
    fn synchronize(&mut self) -> Result<()> {
        Ok(())
    }

    /// The size of a real cache; nothing is allocated.
    fn kv_cache_bytes(&self) -> u64 {
        self.past.length as u64 * self.model.config.kv_bytes_per_token()
    }
}

/// All tokens so far, as a number that depends on each of them and on their order.
#[derive(Clone, Copy, Debug, Default)]
struct Past {
    length: usize,
    digest: u64,
}

impl Past {
    fn append(&mut self, token: TokenId) {
        self.length += 1;
        // The mixing step of SplitMix64.
        let mut mixed = self.digest.wrapping_add(u64::from(token.0)).wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        self.digest = mixed ^ (mixed >> 31);
    }

    /// The token that the digest picks, or the next one where that would end the text.
    fn best_token(self, config: &ModelConfig) -> TokenId {
        let vocabulary = config.vocabulary as u64;
        let candidates = (0..vocabulary).map(|step| ((self.digest % vocabulary + step) % vocabulary) as u32);
        let mut going_on = candidates.filter(|token| !config.eos_tokens.contains(token));
        TokenId(going_on.next().unwrap_or_default())
    }
}

fn take(duration: Duration) {
    if !duration.is_zero() {
        thread::sleep(duration);
    }
}

#[cfg(test)]
mod tests {
    use pocketwatt_model::{Preset, generate_seeded};
    use pocketwatt_protocol::Precision;
    use pocketwatt_runner::conformance::{self, Expectation, F32_TOLERANCE};

    use super::*;

    fn best_after(tokens: &[TokenId], config: &ModelConfig) -> TokenId {
        let mut past = Past::default();
        tokens.iter().for_each(|token| past.append(*token));
        past.best_token(config)
    }

    #[test]
    fn conforms() {
        let root = tempfile::tempdir().unwrap();
        let config = Preset::find("tiny").unwrap().config();
        let folder = generate_seeded(&config, "tiny", 1, &root.path().join("tiny")).unwrap();
        let tokens: Vec<TokenId> = (0..12).map(|index| TokenId(index * 37 % 512)).collect();
        let logits = |length: usize| {
            let best = best_after(&tokens[..length], &config).0;
            (0..512).map(|token| if token == best { 1.0 } else { 0.0 }).collect()
        };
        let mut text = tokens.clone();
        while text.len() < 32 {
            text.push(best_after(&text, &config));
        }
        let expectation = Expectation {
            files: ModelFiles {
                folder: folder.path().to_owned(),
                weights: folder.path().join("model.safetensors"),
                weights_sha256: String::new(),
                graph: None,
            },
            options: LoadOptions { threads: 1, precision: Precision::F32, context_tokens: 32 },
            logits: (1..=tokens.len()).map(logits).collect(),
            greedy: text.split_off(tokens.len()),
            tolerance: F32_TOLERANCE,
            tokens,
            scratch: root.path().join("damaged"),
        };
        conformance::run(&FakeBackend::new(Ok(Script::default())), &expectation).unwrap();
    }

    #[test]
    fn an_answer_never_ends_early() {
        let config = ModelConfig { vocabulary: 4, eos_tokens: vec![0, 3], ..Preset::find("tiny").unwrap().config() };
        let best: Vec<u32> = (0..100).map(|token| best_after(&[TokenId(token)], &config).0).collect();
        assert!(best.iter().all(|token| [1, 2].contains(token)), "{best:?}");
        assert!(best.contains(&1) && best.contains(&2), "{best:?}");
    }
}

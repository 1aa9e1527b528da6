//! A backend for this crate's tests: correct in everything that the conformance suite checks, with one fault on request.

use std::{fs, path::Path, rc::Rc};

use anyhow::{Context, Result, bail, ensure};
use pocketwatt_protocol::{BackendInfo, FakeClock, LoadOptions, LoadStage, ModelFiles, ModelInfo, Precision, TokenId};

use crate::{Backend, LoadStages, Model, Session, check_tokens};

/// Entries of the vocabulary.
pub const VOCABULARY: usize = 10;
/// How long a processed token takes on the backend's clock, in nanoseconds.
pub const TOKEN_NS: u64 = 1000;

/// The single fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    None,
    InfoFails,
    LoadFails,
    SessionFails,
    /// `forward` fails once this many positions are cached.
    ForwardFailsAt(usize),
    /// The reported vocabulary is one too large.
    WrongVocabulary,
    /// Every logit is a little too large.
    WrongLogits,
    /// Logits are NaN.
    NanLogits,
    /// Only the last chunk is processed.
    ForgetsEarlierChunks,
    /// A text of one token is processed as if it were at position 0.
    DecodesAtPositionZero,
    /// Correct up to this position, wrong after it.
    WrongBehind(usize),
    /// `forward` appends to the caller's buffer.
    AppendsLogits,
    /// `len` counts calls.
    CountsCalls,
    /// `reset` does nothing.
    ResetKeepsThePast,
    /// All sessions share the model's cache.
    SessionsShareTheirCache,
    /// Tokens are not checked.
    ChecksNothing,
    /// The session holds one position less than requested.
    CapacityTooSmall,
    /// After an error, the session stays broken.
    BrokenByARefusal,
    /// The reported size of the cache is 0.
    ReportsNoCacheSize,
    /// The reported size of the cache is that of the last chunk.
    ReportsLastChunksSize,
    /// Any contents of the folder are loaded.
    LoadsAnything,
    /// The length of the weights is not compared with the configuration.
    IgnoresTheShape,
}

/// After token `t` its most probable token is `t + 1` modulo the vocabulary; the other logits depend on all tokens so
/// far and on their positions.
pub struct ScriptedBackend {
    pub clock: Rc<FakeClock>,
    pub fault: Fault,
}

impl ScriptedBackend {
    /// On a clock that starts at 0 and advances by 1 ns at every reading.
    pub fn new(fault: Fault) -> Self {
        Self { clock: Rc::new(FakeClock::new(0, 1)), fault }
    }

    /// The loaded model.
    pub fn model(&self) -> Box<dyn Model> {
        let model = ScriptedModel { clock: Rc::clone(&self.clock), fault: self.fault, capacity: 64, kept: Vec::new() };
        Box::new(model)
    }
}

/// A model in `folder` that [`ScriptedBackend`] accepts: weights of as many bytes as the configuration says.
pub fn write_model(folder: &Path) -> ModelFiles {
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("config.json"), r#"{"vocab_size": 10, "intermediate_size": 128}"#).unwrap();
    fs::write(folder.join("model.safetensors"), [0; 128]).unwrap();
    ModelFiles {
        folder: folder.to_owned(),
        weights: folder.join("model.safetensors"),
        weights_sha256: "00".into(),
        graph: None,
    }
}

/// Options for `context_tokens` positions.
pub fn options(context_tokens: u32) -> LoadOptions {
    LoadOptions { threads: 1, precision: Precision::F32, context_tokens }
}

/// The correct logits after `tokens`.
pub fn right_logits(tokens: &[TokenId]) -> Vec<f32> {
    let mut state = 7_u64;
    for (position, token) in tokens.iter().enumerate() {
        state = (state * 31 + (u64::from(token.0) + 1) * (position as u64 + 3)) % 10_007;
    }
    let next = tokens.last().map_or(0, |token| (token.0 as usize + 1) % VOCABULARY);
    let noise = |entry: usize| ((state * (entry as u64 + 1)) % 97) as f32 / 97.0;
    (0..VOCABULARY).map(|entry| noise(entry) + if entry == next { 10.0 } else { 0.0 }).collect()
}

impl Backend for ScriptedBackend {
    fn info(&self) -> Result<BackendInfo> {
        ensure!(self.fault != Fault::InfoFails, "the engine's library is missing");
        Ok(BackendInfo {
            name: "scripted".into(),
            version: "1".into(),
            engine: "scripted".into(),
            engine_version: "1".into(),
            accelerator: "cpu".into(),
            build: "test".into(),
            platform: None,
        })
    }

    fn load(&self, files: &ModelFiles, options: &LoadOptions, stages: &mut LoadStages) -> Result<Box<dyn Model>> {
        stages.begin(LoadStage::Read);
        ensure!(self.fault != Fault::LoadFails, "the weights are missing");
        if self.fault != Fault::LoadsAnything {
            let config = fs::read_to_string(files.folder.join("config.json"))?;
            let weights = fs::read(files.folder.join("model.safetensors")).context("cannot read the weights")?;
            ensure!(!weights.is_empty() && weights.len() % 128 == 0, "the weights are truncated");
            let fits = config.contains(&format!("\"intermediate_size\": {}}}", weights.len()));
            ensure!(fits || self.fault == Fault::IgnoresTheShape, "the weights have another shape");
        }
        stages.begin(LoadStage::Prepare);
        let less = usize::from(self.fault == Fault::CapacityTooSmall);
        let capacity = options.context_tokens as usize - less;
        Ok(Box::new(ScriptedModel { clock: Rc::clone(&self.clock), fault: self.fault, capacity, kept: Vec::new() }))
    }
}

struct ScriptedModel {
    clock: Rc<FakeClock>,
    fault: Fault,
    capacity: usize,
    /// What a session leaves behind for the next one, if that is the fault.
    kept: Vec<TokenId>,
}

impl Model for ScriptedModel {
    fn info(&self) -> ModelInfo {
        let more = u32::from(self.fault == Fault::WrongVocabulary);
        ModelInfo { vocabulary: VOCABULARY as u32 + more, implementation: "script".into() }
    }

    fn session(&mut self) -> Result<Box<dyn Session + '_>> {
        ensure!(self.fault != Fault::SessionFails, "no memory for the cache");
        let cached = self.kept.clone();
        Ok(Box::new(ScriptedSession { model: self, cached, calls: 0, last_chunk: 0, broken: false }))
    }
}

struct ScriptedSession<'a> {
    model: &'a mut ScriptedModel,
    cached: Vec<TokenId>,
    calls: usize,
    last_chunk: usize,
    broken: bool,
}

impl Session for ScriptedSession<'_> {
    fn forward(&mut self, tokens: &[TokenId], logits: &mut Vec<f32>) -> Result<()> {
        let fault = self.model.fault;
        ensure!(!self.broken, "the session is broken");
        if fault != Fault::ChecksNothing {
            let checked = check_tokens(tokens, self.cached.len(), self.model.capacity, VOCABULARY);
            self.broken = checked.is_err() && fault == Fault::BrokenByARefusal;
            checked?;
        }
        if fault == Fault::ForwardFailsAt(self.cached.len()) {
            bail!("the accelerator is gone");
        }
        self.model.clock.advance(TOKEN_NS * tokens.len() as u64);
        self.cached.extend_from_slice(tokens);
        self.calls += 1;
        self.last_chunk = tokens.len();
        if fault == Fault::SessionsShareTheirCache {
            self.model.kept.clone_from(&self.cached);
        }
        let seen = match fault {
            Fault::ForgetsEarlierChunks => tokens,
            Fault::DecodesAtPositionZero if tokens.len() == 1 => tokens,
            Fault::WrongBehind(position) if self.cached.len() > position => &self.cached[1..],
            _ => &self.cached,
        };
        let mut right = right_logits(seen);
        match fault {
            Fault::WrongLogits => right.iter_mut().for_each(|logit| *logit += 0.01),
            Fault::NanLogits => right.fill(f32::NAN),
            // This also changes the greedy token.
            Fault::WrongBehind(position) if self.cached.len() > position => right.rotate_left(1),
            _ => {}
        }
        if fault != Fault::AppendsLogits {
            logits.clear();
        }
        logits.extend(right);
        Ok(())
    }

    fn len(&self) -> usize {
        if self.model.fault == Fault::CountsCalls { self.calls } else { self.cached.len() }
    }

    fn reset(&mut self) -> Result<()> {
        self.calls = 0;
        if self.model.fault != Fault::ResetKeepsThePast {
            self.cached.clear();
        }
        Ok(())
    }

    fn synchronize(&mut self) -> Result<()> {
        Ok(())
    }

    fn kv_cache_bytes(&self) -> u64 {
        match self.model.fault {
            Fault::ReportsNoCacheSize => 0,
            Fault::ReportsLastChunksSize => self.last_chunk as u64,
            _ => 8 * self.cached.len() as u64,
        }
    }
}

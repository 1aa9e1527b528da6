use anyhow::Result;
use pocketwatt_protocol::{BackendInfo, LoadOptions, ModelFiles, ModelInfo, TokenId};

use crate::LoadStages;

/// An inference engine. One crate under `backends/` implements it.
pub trait Backend {
    /// Name and version of the backend; the engine's version is that of the library actually loaded.
    ///
    /// # Errors
    /// When the engine's library cannot be found or opened.
    fn info(&self) -> Result<BackendInfo>;

    /// Reads and prepares the weights. Timed as the load phase; a backend that can tell reading from preparing says
    /// so through `stages`.
    ///
    /// # Errors
    /// When the files do not make up a model that this engine runs.
    fn load(&self, files: &ModelFiles, options: &LoadOptions, stages: &mut LoadStages) -> Result<Box<dyn Model>>;
}

/// Loaded weights. A generation never changes them; `&mut` because engines keep scratch space beside them.
pub trait Model {
    /// What was loaded.
    fn info(&self) -> ModelInfo;

    /// Opens a session with an empty key-value cache. Not timed.
    ///
    /// # Errors
    /// When the cache cannot be allocated.
    fn session(&mut self) -> Result<Box<dyn Session + '_>>;
}

/// One generation in progress.
pub trait Session {
    /// Appends `tokens` at position [`Session::len`] and replaces `logits` by those of the last of them
    /// (vocabulary-size numbers).
    ///
    /// # Errors
    /// [`crate::InputError`] for tokens that [`crate::check_tokens`] refuses, and whatever the engine reports. After
    /// an error the session is only good for [`Session::reset`].
    fn forward(&mut self, tokens: &[TokenId], logits: &mut Vec<f32>) -> Result<()>;

    /// Positions in the cache.
    fn len(&self) -> usize;

    /// Whether the cache is empty.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Empties the cache.
    ///
    /// # Errors
    /// Whatever the engine reports.
    fn reset(&mut self) -> Result<()>;

    /// Blocks until all work queued on the accelerator has finished. No default: a GPU backend that forgot it would
    /// report launch times as latencies.
    ///
    /// # Errors
    /// Whatever the engine reports.
    fn synchronize(&mut self) -> Result<()>;

    /// Bytes that the key-value cache occupies now, as allocated.
    fn kv_cache_bytes(&self) -> u64;
}

//! Candle's threads. It has no setting for them: matrix products, its barrier pool and rayon each read the environment
//! for themselves, some at every call. So the harness sets the variable when it starts this program, and a request
//! for another number is refused instead of being measured with the wrong one.

use anyhow::{Result, ensure};
use candle_core::utils::{barrier_pool, get_num_threads};

/// What candle reads.
const VARIABLE: &str = "RAYON_NUM_THREADS";
/// Overrides it for the barrier pool, which attention uses.
const POOL_VARIABLE: &str = "CANDLE_NUM_THREADS";

/// Refuses to compute with another number of threads than was asked for.
pub fn ensure_count(threads: u32) -> Result<()> {
    let found = get_num_threads();
    ensure!(
        found == threads as usize,
        "{threads} threads were asked for, candle would use {found}: start this program with {VARIABLE}={threads}"
    );
    let overridden = std::env::var(POOL_VARIABLE).ok();
    ensure!(
        overridden.as_deref().is_none_or(|value| value == threads.to_string()),
        "{POOL_VARIABLE} is {:?}, but {threads} threads were asked for: unset it",
        overridden.unwrap_or_default()
    );
    Ok(())
}

/// Starts the threads while loading, so that the first token does not pay for it.
pub fn start() {
    barrier_pool();
}

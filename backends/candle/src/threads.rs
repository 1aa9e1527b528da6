//! Candle's threads. It has no setting for them: matrix products and its pool each read the environment themselves,
//! some at every call. So the harness sets the variable when it starts this program, and this program refuses a request for
//! another number instead of measuring with the wrong one.

use anyhow::{Result, ensure};
use candle_core::utils::{barrier_pool, get_num_threads, with_threadpool};

/// The variable that candle reads.
const VARIABLE: &str = "RAYON_NUM_THREADS";
/// Overrides it for the second pool, on which candle runs large element-wise operations.
const SECOND_POOL_VARIABLE: &str = "CANDLE_NUM_THREADS";

/// Refuses to compute with another number of threads than requested. Starts them, so that the first token does not.
pub fn ensure_count(threads: u32) -> Result<()> {
    let found = get_num_threads();
    ensure!(
        found == threads as usize,
        "{threads} threads were requested, candle would use {found}: start this program with {VARIABLE}={threads}"
    );
    let second_pool = barrier_pool().n_workers() + 1;
    ensure!(
        second_pool == found,
        "{threads} threads were requested, candle's second pool has {second_pool}: unset {SECOND_POOL_VARIABLE}"
    );
    Ok(())
}

/// Runs `work` on a thread of candle's pool. From another thread, every small parallel operation, several in each block,
/// would be handed over to the pool and waited for, even with a single thread in the pool.
pub fn with_pool<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    with_threadpool(work)
}

//! Tract's threads.

use std::sync::Arc;

use anyhow::{Result, bail, ensure};
use tract_linalg::multithread::Executor;

/// A larger number is taken for a mistake: tract panics if the system cannot start a pool.
const MOST_THREADS: u32 = 256;

/// The threads of one loaded model.
///
/// All of tract's work runs inside its own pool, even with one thread. Some of tract's operators, its fused attention
/// among them, use rayon's current pool whatever tract's executor says, and outside of any pool that means all
/// processors: a one-thread measurement would have used two. With several threads it also saves handing every single
/// product over from an outside thread.
pub struct Threads {
    pool: Executor,
    count: u32,
}

impl Threads {
    /// Starts the threads, so that the first token does not pay for it.
    pub fn start(count: u32) -> Result<Self> {
        ensure!(
            (1..=MOST_THREADS).contains(&count),
            "{count} threads were requested, 1 to {MOST_THREADS} are possible"
        );
        Ok(Self { pool: Executor::multithread(count as usize), count })
    }

    /// The setting for matrix products. For one thread it is the plain path, which does not split them.
    pub fn executor(&self) -> Executor {
        if self.count == 1 { Executor::SingleThread } else { self.pool.clone() }
    }

    /// Runs `work` on these threads, and waits for it.
    pub fn run<R: Send>(&self, work: impl FnOnce() -> Result<R> + Send) -> Result<R> {
        match &self.pool {
            Executor::MultiThread(pool) => Arc::clone(pool).install(work),
            // The variants for web builds of tract, which have no threads of their own.
            other => bail!("tract started no thread pool, but {other:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_numbers_of_threads_are_refused() {
        for count in [0, MOST_THREADS + 1] {
            let error = Threads::start(count).err().unwrap();
            assert_eq!(error.to_string(), format!("{count} threads were requested, 1 to 256 are possible"));
        }
    }

    #[test]
    fn products_are_only_split_between_several_threads() {
        assert!(matches!(Threads::start(1).unwrap().executor(), Executor::SingleThread));
        assert!(matches!(Threads::start(2).unwrap().executor(), Executor::MultiThread(_)));
    }
}

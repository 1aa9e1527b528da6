//! Tract's threads.

use std::sync::Arc;

use anyhow::{Result, bail, ensure};
use tract_linalg::multithread::Executor;

/// More is taken for a mistake: a pool that the system cannot start makes tract panic.
const MOST_THREADS: u32 = 256;

/// The threads of one loaded model.
///
/// All of tract's work runs inside its own pool, with one thread too. Some of tract's operators, its fused attention
/// among them, spread over rayon's current pool whatever tract's executor says, and outside of any pool that is all
/// processors: a one-thread measurement would have used two. For several threads it also saves handing every single
/// product over from a thread outside.
pub struct Threads {
    pool: Executor,
    count: u32,
}

impl Threads {
    /// Starts them, so that the first token does not pay for it.
    pub fn start(count: u32) -> Result<Self> {
        ensure!(
            (1..=MOST_THREADS).contains(&count),
            "{count} threads were asked for, 1 to {MOST_THREADS} are possible"
        );
        Ok(Self { pool: Executor::multithread(count as usize), count })
    }

    /// What matrix products are to use. For one thread it is the plain path, which does not split them.
    pub fn executor(&self) -> Executor {
        if self.count == 1 { Executor::SingleThread } else { self.pool.clone() }
    }

    /// Runs `work` on these threads, and waits for it.
    pub fn run<R: Send>(&self, work: impl FnOnce() -> Result<R> + Send) -> Result<R> {
        match &self.pool {
            Executor::MultiThread(pool) => Arc::clone(pool).install(work),
            // The variants of tract's web builds, which have no threads of their own.
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
            assert_eq!(error.to_string(), format!("{count} threads were asked for, 1 to 256 are possible"));
        }
    }

    #[test]
    fn products_are_only_split_between_several_threads() {
        assert!(matches!(Threads::start(1).unwrap().executor(), Executor::SingleThread));
        assert!(matches!(Threads::start(2).unwrap().executor(), Executor::MultiThread(_)));
    }
}

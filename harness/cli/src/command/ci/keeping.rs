//! The run of a commit in a history, where a job keeps one.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use pocketwatt_history::{Moment, OfCommit};
use pocketwatt_record::{Run, RunFolder};

use crate::{
    command::history::{AddedRun, add_run},
    refusal::Refusal,
    report::Results,
};

/// Whether and as what the run is kept.
#[derive(Args, Debug, Default)]
pub(super) struct KeepingArguments {
    /// Add the run to the history in this folder, as that of --commit; see `pocketwatt history add`.
    #[arg(long, value_name = "FOLDER", requires_all = ["commit", "branch", "time"])]
    history: Option<PathBuf>,
    /// With --history: the branch for which it was measured.
    #[arg(long, value_name = "NAME", requires = "history")]
    branch: Option<String>,
    /// With --history: when the commit was made, as `git show -s --format=%cI` prints it.
    #[arg(long, value_name = "TIME", requires = "history")]
    time: Option<Moment>,
    /// With --history: what the commit says about itself; its first line is kept.
    #[arg(long, value_name = "TEXT", requires = "history")]
    message: Option<String>,
}

/// A history, and what is added to it.
#[derive(Debug)]
pub(super) struct Keeping {
    history: PathBuf,
    of: OfCommit,
}

impl KeepingArguments {
    /// What was asked for, before anything is measured.
    ///
    /// # Errors
    /// When the commit is none that a history can have.
    pub fn check(self, commit: Option<&str>) -> Result<Option<Keeping>> {
        let Self { history: Some(history), branch: Some(branch), time: Some(time), message } = self else {
            return Ok(None);
        };
        let commit =
            commit.unwrap_or_default().parse().map_err(|error| Refusal::error(format!("--commit: {error}")))?;
        Ok(Some(Keeping { history, of: OfCommit { commit, branch, time, message } }))
    }
}

impl Keeping {
    /// Adds the run.
    ///
    /// # Errors
    /// When nothing was measured, it is kept as something else, or the folder cannot be written.
    pub fn keep(&self, folder: &RunFolder, run: &Run, results: &dyn Results) -> Result<AddedRun> {
        add_run(&self.history, &self.of, folder, run, results)
    }
}

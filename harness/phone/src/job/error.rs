use std::{
    io,
    path::{Path, PathBuf},
};

use thiserror::Error;

use super::JobId;

/// Why something about a job cannot be done.
#[derive(Debug, Error)]
pub enum JobError {
    /// There is no such job, or it was not started.
    #[error("there is no job {id} that was started")]
    NotStarted {
        /// Its name.
        id: JobId,
    },
    /// A job is being carried out, and there can only be one.
    #[error("{holder} is going on")]
    Busy {
        /// Who: `job ID, process 7`.
        holder: String,
    },
    /// A file or folder.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// What was to be done with it: `read`.
        doing: &'static str,
        /// Where it is.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file says something else than it should.
    #[error("{} is not understood: {words}", path.display())]
    NotUnderstood {
        /// Where it is.
        path: PathBuf,
        /// Why not.
        words: String,
    },
    /// Standard output.
    #[error("cannot write to standard output: {0}")]
    Output(io::Error),
}

impl JobError {
    /// For `map_err`.
    pub(super) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { doing, path: path.to_owned(), source }
    }
}

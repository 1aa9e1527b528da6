use std::{io, path::PathBuf};

use thiserror::Error;

/// Why a model cannot be used. Each names the offender and the next step.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ModelError {
    /// A file could not be read or written.
    #[error("cannot {action} {path}")]
    Io {
        /// `read`, `write`, ...
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A file's contents are not what its format demands.
    #[error("{path} is not valid: {reason}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and where.
        reason: String,
    },
    /// A configuration that no decoder can have, or that this project cannot run.
    #[error("the model configuration is not usable: {0}")]
    Config(String),
    /// A tensor that the configuration asks for.
    #[error("tensor {name:?} is missing in {path}")]
    MissingTensor {
        /// Its name.
        name: String,
        /// The weight file.
        path: PathBuf,
    },
    /// A tensor of another shape than the configuration gives it.
    #[error("tensor {name:?} in {path} has shape {found:?}, the configuration asks for {expected:?}")]
    WrongShape {
        /// Its name.
        name: String,
        /// The weight file.
        path: PathBuf,
        /// Shape in the file.
        found: Vec<usize>,
        /// Shape by the configuration.
        expected: Vec<usize>,
    },
}

impl ModelError {
    /// Wraps an I/O error with what was being done to which file.
    pub fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }

    /// A file whose contents are wrong.
    pub fn invalid(path: impl Into<PathBuf>, reason: impl Into<String>) -> Self {
        Self::Invalid { path: path.into(), reason: reason.into() }
    }
}

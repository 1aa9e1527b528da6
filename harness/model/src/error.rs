use std::{io, path::PathBuf};

use thiserror::Error;

use crate::{Preset, staging::SPARE_BYTES};

/// Why a model cannot be used. Each error names the offender and the next step.
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
    /// A file's contents violate its format.
    #[error("{path} is not valid: {reason}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and where.
        reason: String,
    },
    /// A tokenizer or a chat template whose text process failed.
    #[cfg(feature = "tokenizer")]
    #[error("{path} is not usable: {end} (while {doing}); get the file again from where the model was published")]
    Text {
        /// The file.
        path: PathBuf,
        /// What the process was doing with it.
        doing: &'static str,
        /// How it ended.
        end: crate::TextEnd,
    },
    /// A configuration that no decoder can have, or that this project cannot run.
    #[error("the model configuration is not usable: {0}")]
    Config(String),
    /// A tensor that the configuration requires.
    #[error("tensor {name:?} is missing in {path}")]
    MissingTensor {
        /// Its name.
        name: String,
        /// The weight file.
        path: PathBuf,
    },
    /// A tensor with another shape than the configuration requires.
    #[error("tensor {name:?} in {path} has shape {found:?}, the configuration requires {expected:?}")]
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
    /// A weight that is out of a precision's range: it would become infinite.
    #[error("{precision} holds numbers up to {largest:e}, but tensor {name:?} has a weight of {value:e}")]
    OutOfRange {
        /// The precision.
        precision: &'static str,
        /// The largest number that it holds.
        largest: f32,
        /// The tensor's name.
        name: String,
        /// The first weight beyond it.
        value: f32,
    },
    /// A graph that does not exist in the requested precision.
    #[error("only opset17 is written in f16, and no graph in bf16: {kind} in {precision} was requested")]
    NoGraph {
        /// The graph.
        kind: &'static str,
        /// The precision.
        precision: &'static str,
    },
    /// A name that no model of the library can have.
    #[error("{name:?} cannot be the name of a model: letters, digits and -_.+ can, beginning with a letter or digit")]
    Name {
        /// The name.
        name: String,
    },
    /// A model that is not in the library.
    #[error("there is no model {name:?}{hint}")]
    UnknownModel {
        /// The name asked for.
        name: String,
        /// How to get it, or which name was probably meant.
        hint: String,
    },
    /// The folder of a new model already exists.
    #[error("{path} exists already: choose another name, or remove it")]
    Exists {
        /// The folder.
        path: PathBuf,
    },
    /// A file changed since it was generated or imported.
    #[error("{path} changed since the model was made (sha256 {found}, was {expected}): generate or import it again")]
    Changed {
        /// The file.
        path: PathBuf,
        /// SHA-256 in the manifest.
        expected: String,
        /// SHA-256 now.
        found: String,
    },
    /// A seed from which this version of the program generates other weights.
    #[error(
        "the seed of {path} gives other weights than when the model was generated (sha256 {found}, was {expected}): generate \
        it again with --force"
    )]
    OtherSeededWeights {
        /// The model's folder.
        path: PathBuf,
        /// SHA-256 of the f32 weights in the manifest.
        expected: String,
        /// SHA-256 of the weights that the seed gives now.
        found: String,
    },
    /// The disk is too full for a model.
    #[error(
        "{path} has no room for the model: {needed} bytes are needed and {spare} more must stay free, but {free} are free; \
        free some, or set POCKETWATT_CACHE to a folder on another disk"
    )]
    NoSpace {
        /// A folder on that disk.
        path: PathBuf,
        /// Size of the model.
        needed: u64,
        /// Bytes that must stay free on the disk.
        spare: u64,
        /// Bytes that may still be written.
        free: u64,
    },
    /// No environment variable says where models are kept.
    #[error(
        "there is no folder to keep models in: set POCKETWATT_CACHE to one (HOME and XDG_CACHE_HOME are not set either)"
    )]
    NoCacheFolder,
}

impl ModelError {
    /// Replaces the file that an error names by another one, where only we have seen the first.
    #[cfg(feature = "tokenizer")]
    pub(crate) fn about(self, theirs: impl FnOnce(&std::path::Path) -> PathBuf) -> Self {
        match self {
            Self::Invalid { path, reason } => Self::Invalid { path: theirs(&path), reason },
            Self::Text { path, doing, end } => Self::Text { path: theirs(&path), doing, end },
            other => other,
        }
    }

    /// What is wrong, without the file: for notes about a file that is used anyway.
    #[cfg(feature = "tokenizer")]
    pub(crate) fn reason(&self) -> String {
        match self {
            Self::Invalid { reason, .. } => reason.clone(),
            other => other.to_string(),
        }
    }

    /// Wraps an I/O error with the action and the file.
    pub fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }

    /// A model that is not in the library, where `nearest` is the most similar name.
    pub fn unknown_model(name: &str, nearest: Option<&str>) -> Self {
        let preset = |name: &str| Preset::find(name).is_some();
        let hint = match nearest {
            _ if preset(name) => format!(": `pocketwatt model generate {name}` makes it, with random weights"),
            Some(nearest) if preset(nearest) => {
                format!(
                    "; did you mean {nearest:?}? `pocketwatt model generate {nearest}` makes it, with random weights"
                )
            }
            Some(nearest) => format!("; did you mean {nearest:?}?"),
            None => ": `pocketwatt model list` shows those there are, \
                     `pocketwatt model generate PRESET` and `pocketwatt model import FILE` make others"
                .into(),
        };
        Self::UnknownModel { name: name.to_owned(), hint }
    }

    /// Turns an I/O error of a write into [`ModelError::NoSpace`] if the disk filled up in spite of the earlier check.
    pub(crate) fn or_full(self, needed: u64) -> Self {
        match self {
            Self::Io { path, source, .. }
                if [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded].contains(&source.kind()) =>
            {
                Self::NoSpace { path, needed, spare: SPARE_BYTES, free: 0 }
            }
            other => other,
        }
    }

    /// A file whose contents are wrong.
    pub fn invalid(path: impl Into<PathBuf>, reason: impl Into<String>) -> Self {
        Self::Invalid { path: path.into(), reason: reason.into() }
    }
}

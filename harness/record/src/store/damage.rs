use std::io::{self, ErrorKind};

use serde::Serialize;
use thiserror::Error;

use crate::{FormatVersion, RECORD_FORMAT};

/// Most characters of a file's own text that a reason quotes.
const WORDS: usize = 200;

/// Why a file is not the record, or the `run.json`, that belongs in its place. The text continues the file's name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Damage {
    /// A link, folder, pipe, socket or device.
    #[error("is no file of a run: {0}")]
    NotAFile(String),
    /// The system refused.
    #[error("cannot be read: {0}")]
    Unreadable(String),
    /// It does not exist.
    #[error("is gone")]
    Missing,
    /// It has no bytes.
    #[error("is empty")]
    Empty,
    /// It is longer than any file that is read.
    #[error("is too large: {0}")]
    TooLarge(String),
    /// Half a file, or a file of another kind.
    #[error("is not a valid result file: {0}")]
    Malformed(String),
    /// Written by a version that this one cannot read.
    #[error("has format {0}, this version reads {RECORD_FORMAT}: use a newer pocketwatt")]
    Newer(FormatVersion),
    /// The record of another case than its name and the plan say.
    #[error("is the record of another case: {0}")]
    OtherCase(String),
    /// The record of a case with this name from another run.
    #[error("is the record of another run: {0}")]
    OtherRun(String),
    /// No case of the plan has a file with this name.
    #[error("is named like no case of the plan{}", .holds.as_ref().map_or(String::new(), |id| format!(", and holds the record of {id:?}")))]
    Unplanned {
        /// The case of the plan whose record it holds, if it does.
        holds: Option<String>,
    },
}

/// A file below `cases/` that is not the record that its name says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damaged {
    /// Its name, with the ending.
    pub file: String,
    /// The case of the plan whose record it should be; absent where the plan has none with that name.
    pub case: Option<String>,
    /// What is wrong.
    pub damage: Damage,
}

impl Damage {
    /// The damage for a read error.
    pub(crate) fn of(error: &io::Error) -> Self {
        let words = error.to_string();
        match error.kind() {
            ErrorKind::NotFound => Self::Missing,
            ErrorKind::InvalidInput => Self::NotAFile(words),
            ErrorKind::FileTooLarge => Self::TooLarge(words),
            _ => Self::Unreadable(words),
        }
    }

    /// The kind, for programs.
    pub fn kind(&self) -> DamageKind {
        match self {
            Self::NotAFile(_) => DamageKind::NotAFile,
            Self::Unreadable(_) => DamageKind::Unreadable,
            Self::Missing => DamageKind::Missing,
            Self::Empty => DamageKind::Empty,
            Self::TooLarge(_) => DamageKind::TooLarge,
            Self::Malformed(_) => DamageKind::Malformed,
            Self::Newer(_) => DamageKind::Newer,
            Self::OtherCase(_) => DamageKind::OtherCase,
            Self::OtherRun(_) => DamageKind::OtherRun,
            Self::Unplanned { .. } => DamageKind::Unplanned,
        }
    }
}

/// [`Damage`] without its details.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "as the variants of Damage")]
pub enum DamageKind {
    NotAFile,
    Unreadable,
    Missing,
    Empty,
    TooLarge,
    Malformed,
    Newer,
    OtherCase,
    OtherRun,
    Unplanned,
}

/// Text from a file, shortened for a reason.
pub(crate) fn shortened(text: &str) -> String {
    match text.char_indices().nth(WORDS) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

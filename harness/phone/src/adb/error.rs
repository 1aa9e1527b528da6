use std::{io, path::PathBuf};

use thiserror::Error;

use super::Serial;

/// Why adb gave no answer. No message holds a serial number.
#[derive(Debug, Error)]
pub enum AdbError {
    /// The program does not start.
    #[error("cannot start {}: {source}", program.display())]
    Start {
        /// Its path.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There was no end within the time limit.
    #[error("adb could not {doing} within {limit_s} s")]
    Silent {
        /// `list the phones`.
        doing: &'static str,
        /// In seconds.
        limit_s: u64,
    },
    /// A transfer made no progress.
    #[error("adb could not {doing}: nothing moved for {limit_s} s")]
    Standstill {
        /// `copy a file to the phone`.
        doing: &'static str,
        /// In seconds.
        limit_s: u64,
    },
    /// The answer is longer than any that is expected.
    #[error("adb could not {doing}: the answer is longer than {most_bytes} bytes")]
    Endless {
        /// `run a command on the phone`.
        doing: &'static str,
        /// The longest answer.
        most_bytes: usize,
    },
    /// A file is longer than it was said to be.
    #[error("adb could not {doing}: it is longer than the {most_bytes} bytes that were listed")]
    TooLong {
        /// `copy a file from the phone`.
        doing: &'static str,
        /// The length that it should have.
        most_bytes: u64,
    },
    /// adb reports a failure.
    #[error("adb could not {doing}: {words}")]
    Failed {
        /// `list the phones`.
        doing: &'static str,
        /// The end of its messages.
        words: String,
    },
    /// The connection ended in the middle of an answer, whatever exit status adb had.
    #[error("the connection to the phone ended in the middle of an answer ({words})")]
    Lost {
        /// The end of adb's messages.
        words: String,
    },
}

impl AdbError {
    /// The same without the phone's serial number.
    pub(super) fn without(self, phone: &Serial) -> Self {
        let clean = |words: String| words.replace(phone.as_argument(), "the phone");
        match self {
            Self::Failed { doing, words } => Self::Failed { doing, words: clean(words) },
            Self::Lost { words } => Self::Lost { words: clean(words) },
            other => other,
        }
    }
}

use std::{fmt, io, path::PathBuf};

use pocketwatt_record::FormatVersion;
use thiserror::Error;

/// Why a history cannot be used.
#[derive(Debug, Error)]
pub enum HistoryError {
    /// A name that is no commit's.
    #[error(
        "{0:?} is not the name of a commit: it has 7 to 64 hexadecimal digits, as `git rev-parse HEAD` prints them"
    )]
    NoCommit(String),
    /// A time that cannot be read.
    #[error(
        "{0:?} is not a time with its distance from UTC, as RFC 3339 has it: `git show -s --format=%cI` prints one"
    )]
    NoTime(String),
    /// A name of a branch, or a message, that is too long.
    #[error("the {what} has {characters} characters, more than {most}")]
    TooLong {
        /// What is too long.
        what: &'static str,
        /// Its length.
        characters: usize,
        /// The most that is accepted.
        most: usize,
    },
    /// No name of a branch.
    #[error("the name of the branch is empty: `git branch --show-current` prints it, unless no branch is checked out")]
    NoBranch,
    /// A run that is kept as another commit's.
    #[error(
        "the run {run:?} is kept as that of commit {commit}, and a run is of one commit: measure this one, or name its run"
    )]
    OtherCommit {
        /// The run.
        run: String,
        /// The other commit.
        commit: String,
    },
    /// A run that is kept as something else.
    #[error("the run {run:?} is kept already, with {what} {kept}, not {wanted}: to keep it so, remove {file} first")]
    KeptOtherwise {
        /// The run.
        run: String,
        /// In what both differ.
        what: &'static str,
        /// What is kept.
        kept: String,
        /// What was wanted.
        wanted: String,
        /// The file in which it is kept.
        file: PathBuf,
    },
    /// A commit that was made at two times.
    #[error("the commit {commit} is kept with the time {kept}, not {wanted}, in {file}: a commit is made once")]
    OtherTime {
        /// The commit.
        commit: String,
        /// When it was made, as it is kept.
        kept: String,
        /// When it was made, as was said now.
        wanted: String,
        /// A file with the first of them.
        file: PathBuf,
    },
    /// A run without anything to keep.
    #[error("the run {0:?} has no record of the measured build")]
    NothingMeasured(String),
    /// There is no such folder.
    #[error("{0} is no history: it has no folder `entries`; `pocketwatt history add` makes one")]
    NoHistory(PathBuf),
    /// More files than anybody's history has.
    #[error("{folder} has more than {most} files")]
    TooMany {
        /// The folder.
        folder: PathBuf,
        /// The most that are read.
        most: usize,
    },
    /// The system refused.
    #[error("cannot {action} {path}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// With which file or folder.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A number that JSON cannot hold.
    #[error("the run cannot be written as an entry: {0}")]
    Unstorable(serde_json::Error),
}

/// Why a file below `entries/` is not an entry. The text continues the file's name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EntryDamage {
    /// It is called like no entry.
    #[error("is named like no entry")]
    Foreign,
    /// A link, folder, pipe, socket or device.
    #[error("is no file of a history: {0}")]
    NotAFile(String),
    /// The system refused.
    #[error("cannot be read: {0}")]
    Unreadable(String),
    /// It is longer than any entry.
    #[error("is too large: {0}")]
    TooLarge(String),
    /// Its content is not the one that it is named after.
    #[error("was changed or cut off: its content is not the one that it is named after")]
    OtherContent,
    /// Its content is another thing.
    #[error("is not an entry: {0}")]
    Malformed(String),
    /// It is an entry under another name than its own, such as a renamed copy.
    #[error("is an entry with another name: its own is {0}")]
    OtherName(String),
    /// Written by a version that this one cannot read.
    #[error("has {what} {format}: use a newer pocketwatt")]
    Newer {
        /// What has this format.
        what: Formatted,
        /// Its format.
        format: FormatVersion,
    },
    /// Written by a version that is too old for this one.
    #[error("has {what} {format}, older than any that this pocketwatt reads: use an older one")]
    Older {
        /// What has this format.
        what: Formatted,
        /// Its format.
        format: FormatVersion,
    },
}

/// What has a format of its own in the file of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Formatted {
    /// The entry.
    Entry,
    /// The run, or a record of it.
    Record,
}

impl fmt::Display for Formatted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Entry => "format",
            Self::Record => "records of format",
        })
    }
}

impl EntryDamage {
    /// The damage for a read error.
    pub(crate) fn of(error: &io::Error) -> Self {
        let words = error.to_string();
        match error.kind() {
            io::ErrorKind::InvalidInput => Self::NotAFile(words),
            io::ErrorKind::FileTooLarge => Self::TooLarge(words),
            _ => Self::Unreadable(words),
        }
    }
}

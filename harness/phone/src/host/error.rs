use std::{io, path::PathBuf};

use thiserror::Error;

use super::NotStarted;
use crate::{adb::AdbError, job::BadManifest};

/// Why a job could not be brought to a phone, followed, or brought home. No message holds a serial number.
#[derive(Debug, Error)]
pub enum HostError {
    /// adb gave no answer.
    #[error(transparent)]
    Adb(#[from] AdbError),
    /// A command on the phone failed.
    #[error("the phone could not {doing}: {words}")]
    Failed {
        /// `list its jobs`.
        doing: &'static str,
        /// The exit status and the end of its messages.
        words: String,
    },
    /// A phone's answer makes no sense.
    #[error("the phone's answer to \"{doing}\" cannot be read: {words}")]
    Answer {
        /// `list its jobs`.
        doing: &'static str,
        /// What is wrong with it.
        words: String,
    },
    /// There is no room.
    #[error(
        "the phone has {free_bytes} bytes free below /data/local/tmp, and {needed_bytes} are needed ({largest}): remove something there, \
         such as what earlier runs left, with `pocketwatt phone clean`, or use fewer models"
    )]
    NoRoom {
        /// Free bytes.
        free_bytes: u64,
        /// Bytes that are missing, with a reserve.
        needed_bytes: u64,
        /// The largest files of these.
        largest: String,
    },
    /// It was full before all was there.
    #[error(
        "the phone is full: no space was left below /data/local/tmp for {path} ({bytes} bytes). Remove something there, such as what earlier runs \
         left, with `pocketwatt phone clean`, or use fewer models; what has arrived is not sent again"
    )]
    Full {
        /// The file for which there was no room.
        path: String,
        /// Its length.
        bytes: u64,
    },
    /// A file arrived otherwise than it was sent, again and again.
    #[error("{path} did not arrive as it was sent, {times} times; the last time: {words}")]
    Damaged {
        /// Where it should be.
        path: String,
        /// How often it was tried.
        times: u32,
        /// What went wrong last.
        words: String,
    },
    /// A local file cannot be read or written.
    #[error("cannot {doing} {}: {source}", path.display())]
    Local {
        /// `read`.
        doing: &'static str,
        /// Its path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What the phone lists is not believed.
    #[error(transparent)]
    Manifest(#[from] BadManifest),
    /// The programs do not run on it.
    #[error("{0}")]
    NotStarted(Box<NotStarted>),
}

impl HostError {
    pub(super) fn local(doing: &'static str, path: &std::path::Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Local { doing, path, source }
    }

    /// Whether the phone may answer again once it is connected anew.
    pub fn is_lost_connection(&self) -> bool {
        match self {
            Self::Adb(error) => {
                !matches!(error, AdbError::Start { .. } | AdbError::Endless { .. } | AdbError::TooLong { .. })
            }
            _ => false,
        }
    }
}

use std::{
    io,
    path::{Path, PathBuf},
};

use pocketwatt_files::NameError;
use thiserror::Error;

use super::Damage;
use crate::PlanError;

/// Why results could not be stored or read.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The file system refused.
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
    /// Not one of our files, damaged, or of a version that this one cannot read.
    #[error("{path} {damage}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        damage: Damage,
    },
    /// A plan whose records could not be stored.
    #[error("the plan cannot be stored")]
    Unstorable(#[source] PlanError),
    /// The folder of the records is a link, or something else that is not a folder.
    #[error("{0} is no folder: links are not followed here")]
    Elsewhere(PathBuf),
    /// A word that cannot be the name of a file.
    #[error("a record cannot be stored")]
    Name(#[from] NameError),
    /// There is nothing to show.
    #[error("no runs in {0}: measure one with `pocketwatt run`")]
    NoRuns(PathBuf),
}

impl StoreError {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }

    pub(crate) fn damaged(path: &Path) -> impl FnOnce(Damage) -> Self {
        let path = path.to_owned();
        move |damage| Self::Damaged { path, damage }
    }
}

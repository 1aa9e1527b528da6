//! Why there is no scenario or study.

use std::{fmt::Display, io};

use pocketwatt_dataset::DatasetError;
use thiserror::Error;

use crate::unknown::UnknownName;

/// Why there is no scenario or study of a name, in a file, or in a run.
#[derive(Debug, Error)]
pub enum ScenarioError {
    /// Nothing has that name.
    #[error(transparent)]
    Unknown(#[from] UnknownName),
    /// Its file cannot be read.
    #[error("cannot read the {thing} {file}: {reason}")]
    Unreadable {
        /// `scenario` or `study`.
        thing: &'static str,
        /// The file, as the user named it.
        file: String,
        /// What the system said.
        reason: io::Error,
    },
    /// What was written or asked for makes no sense; the text says what, and the next step.
    #[error("{0}")]
    Refused(String),
    /// A data set that it names cannot be read or used.
    #[error(transparent)]
    Data(#[from] DatasetError),
    /// The data that ship with the program could not be written out for reading.
    #[error("cannot make a folder for the data that ship with pocketwatt")]
    Scratch(#[source] io::Error),
    /// The data that were stored with a run are not what this program stores.
    #[error(transparent)]
    Stored(#[from] serde_json::Error),
    /// One of these, and where it was met.
    #[error("{place}")]
    In {
        /// The file or the part of a run.
        place: String,
        /// What was met there.
        #[source]
        error: Box<Self>,
    },
}

impl ScenarioError {
    /// Says where it was met.
    pub(crate) fn at(self, place: impl Display) -> Self {
        Self::In { place: place.to_string(), error: Box::new(self) }
    }

    /// A file that is no TOML, or not of the form.
    pub(crate) fn malformed(error: &toml::de::Error) -> Self {
        Self::Refused(error.to_string().trim_end().to_owned())
    }
}

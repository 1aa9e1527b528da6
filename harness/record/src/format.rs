use std::{fmt, fs, path::Path};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{Record, Run, StoreError};

/// Version of the files this build writes.
pub const RECORD_FORMAT: FormatVersion = FormatVersion { major: 1, minor: 3 };

/// Version of a stored file. A reader takes every minor version of its major version; older major versions stay
/// readable for ever, through conversions kept beside their fixtures.
///
/// So nothing stored may have `deny_unknown_fields`: it would make every addition a new major version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FormatVersion {
    /// Changed when an older reader would misread the file.
    pub major: u32,
    /// Changed when something was added.
    pub minor: u32,
}

impl fmt::Display for FormatVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.major, self.minor)
    }
}

/// Reads a record.
///
/// # Errors
/// When it cannot be read, is not a record, or was written by a newer version.
pub fn read_record(path: &Path) -> Result<Record, StoreError> {
    read(path)
}

/// Reads a `run.json`.
///
/// # Errors
/// As [`read_record`].
pub fn read_run(path: &Path) -> Result<Run, StoreError> {
    read(path)
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<T, StoreError> {
    #[derive(Deserialize)]
    struct Head {
        format: FormatVersion,
    }
    let text = fs::read_to_string(path).map_err(StoreError::io("read", path))?;
    let malformed =
        |error: serde_json::Error| StoreError::Malformed { path: path.to_owned(), reason: error.to_string() };
    let head: Head = serde_json::from_str(&text).map_err(malformed)?;
    if head.format.major != RECORD_FORMAT.major {
        return Err(StoreError::Version { path: path.to_owned(), found: head.format });
    }
    serde_json::from_str(&text).map_err(malformed)
}

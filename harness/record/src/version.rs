use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Version of the files this build writes.
pub const RECORD_FORMAT: FormatVersion = FormatVersion { major: 1, minor: 12 };

/// Version of a stored file. A reader accepts every minor version of its major version; older major versions stay
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

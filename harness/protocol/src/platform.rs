use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const BYTES_IN_KIBIBYTE: u64 = 1024;

/// What a runner was compiled for and with, and the C library and memory pages that it runs with. Any of these can change what an
/// engine computes with, and how fast: compilers decide which kernels an engine has, the C library how it copies and allocates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Platform {
    /// Target triple, such as `aarch64-unknown-linux-gnu`.
    pub target: String,
    /// The Rust compiler, with its version; absent if it did not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rust_compiler: Option<String>,
    /// The C compiler, with its version, which compiles the C and assembly parts of an engine; absent if there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub c_compiler: Option<String>,
    /// The C library, with its version as it was loaded; without a version where the library does not have one to ask for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub c_library: Option<String>,
    /// Size of a memory page, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_bytes: Option<u64>,
}

impl fmt::Display for Platform {
    /// `aarch64-unknown-linux-gnu, rustc 1.95.0, gcc 12.2.0, glibc 2.36, pages of 16 KiB`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.target)?;
        for part in [&self.rust_compiler, &self.c_compiler, &self.c_library].into_iter().flatten() {
            write!(formatter, ", {part}")?;
        }
        match self.page_bytes {
            Some(bytes) => write!(formatter, ", pages of {} KiB", bytes / BYTES_IN_KIBIBYTE),
            None => Ok(()),
        }
    }
}

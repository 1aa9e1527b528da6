use std::{io, path::PathBuf};

use thiserror::Error;

/// Why something could not be read or measured.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum MeterError {
    /// A file of the kernel could not be read.
    #[error("cannot read {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The sampler's thread could not be started.
    #[error("cannot start the sampler's thread")]
    Thread(#[source] io::Error),
    /// The bandwidth probe needs more memory than there is.
    #[error("the bandwidth probe needs {wanted} bytes of memory, {available} are free: close other programs")]
    Memory {
        /// Bytes of its buffer.
        wanted: u64,
        /// Bytes that are free.
        available: u64,
    },
    /// The bandwidth probe was asked for an impossible number of threads.
    #[error("the bandwidth probe cannot use {0} threads: 1 to 1024 are possible")]
    Threads(u32),
}

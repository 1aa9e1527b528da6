//! Standard output: results and nothing else.

use std::io::{self, ErrorKind, Write};

use anyhow::{Context, Result};

/// Writes results. A reader that has seen enough, such as `head`, is no error.
///
/// # Errors
/// When they cannot be written.
pub fn write(text: &str) -> Result<()> {
    let mut output = io::stdout().lock();
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result.context("cannot write to standard output"),
    }
}

//! Standard output: results and nothing else.

use std::io::{self, ErrorKind, Write};

use anyhow::{Context, Result};
use serde::Serialize;

use crate::{
    inert,
    report::{Style, strip_foreign_escapes},
};

/// Writes results. A reader that has seen enough, such as `head`, is no error.
///
/// Whoever laid them out made them safe to show. Should a text have slipped through, no more than a colour does here.
///
/// # Errors
/// When they cannot be written.
pub fn write(text: &str) -> Result<()> {
    let mut output = io::stdout().lock();
    let text = strip_foreign_escapes(text, &Style::detect());
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result.context("cannot write to standard output"),
    }
}

/// Writes a document for programs.
///
/// # Errors
/// When it has no form in JSON, or cannot be written.
pub fn write_json(document: &impl Serialize) -> Result<()> {
    write(&(inert::json(&serde_json::to_string_pretty(document)?) + "\n"))
}

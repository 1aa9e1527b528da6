//! Standard output, which is only for results.

use std::io::{self, BufWriter, ErrorKind, StdoutLock, Write};

use anyhow::{Context, Result};
use serde::Serialize;

use crate::{
    inert,
    report::{Style, strip_foreign_escapes},
};

/// Writes results. A reader that stops early, such as `head`, is not an error.
///
/// The caller has made the text safe to show. If something slipped through, it can do no more here than change a colour.
///
/// # Errors
/// When they cannot be written.
pub fn write(text: &str) -> Result<()> {
    let mut output = Parts::open();
    output.write(text)?;
    output.finish()
}

/// Standard output for results that are written in parts.
#[derive(Debug)]
pub struct Parts {
    output: BufWriter<StdoutLock<'static>>,
    style: Style,
    /// Whether the reader is gone.
    closed: bool,
}

impl Parts {
    /// Nothing is written yet.
    pub fn open() -> Self {
        Self { output: BufWriter::new(io::stdout().lock()), style: Style::detect(), closed: false }
    }

    /// Writes a part, unless the reader is gone.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&mut self, text: &str) -> Result<()> {
        if self.closed {
            return Ok(());
        }
        let written = self.output.write_all(strip_foreign_escapes(text, &self.style).as_bytes());
        self.ended(written)
    }

    /// Flushes what was written.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(mut self) -> Result<()> {
        if self.closed {
            return Ok(());
        }
        let flushed = self.output.flush();
        self.ended(flushed)
    }

    fn ended(&mut self, written: io::Result<()>) -> Result<()> {
        match written {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(())
            }
            result => result.context("cannot write to standard output"),
        }
    }
}

/// Writes a document for programs.
///
/// # Errors
/// When it cannot be written as JSON, or not be written at all.
pub fn write_json(document: &impl Serialize) -> Result<()> {
    write(&(inert::json(&serde_json::to_string_pretty(document)?) + "\n"))
}

//! Standard output: results and nothing else.

use std::io::{self, BufWriter, ErrorKind, StdoutLock, Write};

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
    let mut output = Parts::open();
    output.write(text)?;
    output.finish()
}

/// Standard output, for results that come part by part.
#[derive(Debug)]
pub struct Parts {
    output: BufWriter<StdoutLock<'static>>,
    style: Style,
    /// Nobody reads on.
    closed: bool,
}

impl Parts {
    /// Nothing yet.
    pub fn open() -> Self {
        Self { output: BufWriter::new(io::stdout().lock()), style: Style::detect(), closed: false }
    }

    /// Writes a part; nothing once the reader has seen enough.
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

    /// What was written last is on its way, too.
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
/// When it has no form in JSON, or cannot be written.
pub fn write_json(document: &impl Serialize) -> Result<()> {
    write(&(inert::json(&serde_json::to_string_pretty(document)?) + "\n"))
}

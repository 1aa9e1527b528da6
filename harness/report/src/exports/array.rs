//! JSON that is written one part at a time: all results together may not fit into memory.

use anyhow::Context;
use serde::Serialize;

use crate::output::{Output, inert};

/// A list or an object whose parts are written one by one, each on its own line.
pub struct Parts {
    open: &'static str,
    close: &'static str,
    is_empty: bool,
}

impl Parts {
    /// Between these.
    pub fn between(open: &'static str, close: &'static str) -> Self {
        Self { open, close, is_empty: true }
    }

    /// Adds a part of a list.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn add(&mut self, part: &impl Serialize, output: &mut Output) -> anyhow::Result<()> {
        self.add_text(&json(part)?, output)
    }

    /// Adds a member of an object.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn add_member(&mut self, name: &str, part: &impl Serialize, output: &mut Output) -> anyhow::Result<()> {
        self.add_text(&format!("{}: {}", json(&name)?, json(part)?), output)
    }

    fn add_text(&mut self, text: &str, output: &mut Output) -> anyhow::Result<()> {
        output(if self.is_empty { self.open } else { "," })?;
        self.is_empty = false;
        output("\n  ")?;
        output(text)
    }

    /// Ends it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn end(self, output: &mut Output) -> anyhow::Result<()> {
        output(if self.is_empty { self.open } else { "\n" })?;
        output(self.close)?;
        output("\n")
    }
}

fn json(part: &impl Serialize) -> anyhow::Result<String> {
    Ok(inert::json(&serde_json::to_string(part).context("cannot write a result as JSON")?))
}

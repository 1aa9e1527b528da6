//! The files that a job writes.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use clap::Args;
use pocketwatt_files::write_atomically;

use crate::report::Review;

/// What to write, and where to.
#[derive(Args, Debug, Default)]
pub(super) struct FileArguments {
    /// Write the comment of the pull request (Markdown) into this file. Its first line is a hidden marker, by which a job finds the
    /// comment that it wrote before.
    #[arg(long, value_name = "FILE")]
    comment: Option<PathBuf>,
    /// Write the summary of the job (Markdown) into this file.
    #[arg(long, value_name = "FILE")]
    summary: Option<PathBuf>,
    /// Write the verdict (JSON) into this file.
    #[arg(long, value_name = "FILE")]
    verdict: Option<PathBuf>,
}

impl FileArguments {
    /// Writes each file that was asked for; a reader sees all of it or nothing.
    ///
    /// # Errors
    /// When a record cannot be read, or a file cannot be written.
    pub fn write(&self, review: &Review) -> Result<()> {
        let put = |path: &Option<PathBuf>, text: &dyn Fn() -> Result<String>| match path {
            Some(path) => write(path, &text()?),
            None => Ok(()),
        };
        put(&self.comment, &|| review.comment())?;
        put(&self.summary, &|| review.summary())?;
        put(&self.verdict, &|| review.document())
    }
}

fn write(path: &Path, text: &str) -> Result<()> {
    write_atomically(path, |file| file.write_all(text.as_bytes()))
        .with_context(|| format!("cannot write {}", path.display()))
}

//! The files that a job writes.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;

use crate::{command::document, refusal::Refusal, report::Review};

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
    /// Whether each has a place of its own.
    ///
    /// # Errors
    /// When two are the same file.
    pub fn check(&self) -> Result<()> {
        let named = [("--comment", &self.comment), ("--summary", &self.summary), ("--verdict", &self.verdict)];
        let named = named.into_iter().filter_map(|(option, path)| Some((option, place(path.as_deref()?))));
        let mut taken: Vec<(&str, PathBuf)> = Vec::new();
        for (option, place) in named {
            if let Some((other, _)) = taken.iter().find(|(_, other)| *other == place) {
                return Err(Refusal::error(format!(
                    "{other} and {option} are one file, {}: name another one",
                    place.display()
                )));
            }
            taken.push((option, place));
        }
        Ok(())
    }

    /// Writes each file that was asked for, the verdict first; a reader sees all of it or nothing. One that cannot be written does not keep
    /// the others from it.
    ///
    /// # Errors
    /// When a record cannot be read, or a file cannot be written.
    pub fn write(&self, review: &Review) -> Result<()> {
        let put = |path: &Option<PathBuf>, text: &dyn Fn() -> Result<String>| match path {
            Some(path) => document::write(Some(path), |output| output(&text()?)),
            None => Ok(()),
        };
        let verdict = put(&self.verdict, &|| review.document());
        let summary = put(&self.summary, &|| review.summary());
        let comment = put(&self.comment, &|| review.comment());
        verdict.and(summary).and(comment)
    }
}

/// A path without the detours of its folder; as it is where that does not exist.
fn place(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match (path.canonicalize(), folder.canonicalize(), path.file_name()) {
        (Ok(place), ..) => place,
        (_, Ok(folder), Some(name)) => folder.join(name),
        _ => path.to_owned(),
    }
}

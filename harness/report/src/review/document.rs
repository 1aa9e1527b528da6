//! A review as a document for programs.

use pocketwatt_meter::DeviceFacts;
use pocketwatt_record::FormatVersion;
use serde::Serialize;

use crate::{
    comparison::json,
    facts::imitations_of,
    output::inert,
    review::{builds::Overall, data::Review},
};

/// Version of this document, independent of that of the records.
const REVIEW_FORMAT: FormatVersion = FormatVersion { major: 1, minor: 2 };

#[derive(Serialize)]
struct Document<'a> {
    format: FormatVersion,
    key: &'a str,
    /// All verdicts in one.
    verdict: Overall,
    /// Whether the job fails, and with which exit status.
    fails: bool,
    status: u8,
    /// By which rule it fails, where everything was measured.
    rule: &'a str,
    commit: Option<&'a str>,
    /// The commit of the change, where the head is its merge with the base.
    merge_of: Option<&'a str>,
    base_commit: Option<&'a str>,
    run: &'a str,
    /// Of the run, as the program found it.
    folder: String,
    started_unix_ms: u64,
    pocketwatt: &'a str,
    device: &'a DeviceFacts,
    /// What of the numbers is imitated.
    imitations: Vec<&'static str>,
    /// Cases of which a build has no record.
    unreached: &'a [String],
    /// Cases that were stopped before they had all of their blocks.
    interrupted: &'a [String],
    /// As `pocketwatt compare --format json` writes it: A is the base, B the head.
    comparison: json::Document<'a>,
}

impl Review<'_> {
    /// The document.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn document(&self) -> anyhow::Result<String> {
        let document = Document {
            format: REVIEW_FORMAT,
            key: self.key,
            verdict: self.builds.overall(),
            fails: self.consequence.status() != 0,
            status: self.consequence.status(),
            rule: self.rule,
            commit: self.commit,
            merge_of: self.merge_of,
            base_commit: self.base_commit,
            run: &self.run.id,
            folder: self.folder.display().to_string(),
            started_unix_ms: self.run.started_unix_ms,
            pocketwatt: &self.run.pocketwatt,
            device: &self.run.device,
            imitations: imitations_of(self.run, self.results)?,
            unreached: &self.builds.unreached,
            interrupted: &self.builds.interrupted,
            comparison: json::document(&self.builds.comparison),
        };
        Ok(inert::json(&serde_json::to_string_pretty(&document)?) + "\n")
    }
}

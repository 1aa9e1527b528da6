//! A review as a document for programs.

use pocketwatt_meter::DeviceFacts;
use pocketwatt_record::FormatVersion;
use serde::Serialize;

use crate::{
    comparison::json,
    facts::imitations_of,
    output::inert,
    review::data::{Overall, Review},
};

/// Version of this document, independent of that of the records.
const REVIEW_FORMAT: FormatVersion = FormatVersion { major: 1, minor: 1 };

#[derive(Serialize)]
struct Document<'a> {
    format: FormatVersion,
    key: &'a str,
    /// All verdicts in one.
    verdict: Overall,
    /// Whether the job fails, and by which rule.
    fails: bool,
    rule: &'a str,
    commit: Option<&'a str>,
    base_commit: Option<&'a str>,
    run: &'a str,
    started_unix_ms: u64,
    pocketwatt: &'a str,
    device: &'a DeviceFacts,
    /// What of the numbers is imitated.
    imitations: Vec<&'static str>,
    /// Cases of which a build has no record.
    unreached: &'a [String],
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
            verdict: self.overall(),
            fails: self.fails,
            rule: self.rule,
            commit: self.commit,
            base_commit: self.base_commit,
            run: &self.run.id,
            started_unix_ms: self.run.started_unix_ms,
            pocketwatt: &self.run.pocketwatt,
            device: &self.run.device,
            imitations: imitations_of(self.run, self.results)?,
            unreached: self.unreached,
            comparison: json::document(self.comparison),
        };
        Ok(inert::json(&serde_json::to_string_pretty(&document)?) + "\n")
    }
}

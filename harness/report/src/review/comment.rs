//! A review as the comment of a pull request, and as the summary of a job.

use crate::{
    facts::imitations_of,
    review::{
        data::Review,
        parts::{answer, certainty, changes, numbers, provenance, undecided},
        section::fitting,
        words::{consequence, counts, headline, interruption},
    },
};

/// Most bytes of a comment: GitHub takes 65,536 characters, GitLab a million.
const MOST_COMMENT: usize = 60_000;
/// Most bytes of a summary: GitHub takes a mebibyte of all steps.
const MOST_SUMMARY: usize = 900_000;

impl Review<'_> {
    /// The first line of the comment, by which a job finds the one that it wrote before.
    pub fn marker(&self) -> String {
        format!("<!-- pocketwatt-ci {} -->", self.key)
    }

    /// The verdict, and what follows from it, in one line.
    ///
    /// # Errors
    /// When a record cannot be read.
    pub fn line(&self) -> anyhow::Result<String> {
        let words = format!("{}: {}. {}", headline(self), counts(self), consequence(self));
        let imitations = imitations_of(self.run, self.results)?.into_iter().map(str::to_owned);
        let warnings = imitations.chain(interruption(self));
        Ok(warnings.fold(words, |words, warning| format!("{words} {warning}")))
    }

    /// The comment: the verdict, what changed, what was not decided; the rest is folded. Of what does not fit, the first cases stand there,
    /// and the others are counted.
    ///
    /// # Errors
    /// When a record cannot be read.
    pub fn comment(&self) -> anyhow::Result<String> {
        let [first, others] = undecided(self);
        let sections = [
            changes(self),
            first,
            others,
            certainty(self).folded("How sure this is"),
            provenance(self)?.folded("Device and versions"),
            numbers(self).folded("All numbers"),
        ];
        Ok(fitting(&format!("{}\n{}", self.marker(), answer(self)?), &sections, MOST_COMMENT))
    }

    /// The same for the summary of a job, with nothing folded.
    ///
    /// # Errors
    /// When a record cannot be read.
    pub fn summary(&self) -> anyhow::Result<String> {
        let [first, others] = undecided(self);
        let sections = [
            changes(self),
            first,
            others,
            certainty(self).headed("### How sure this is"),
            provenance(self)?.headed("### Device and versions"),
            numbers(self).headed("## All numbers"),
        ];
        Ok(fitting(&answer(self)?, &sections, MOST_SUMMARY))
    }
}

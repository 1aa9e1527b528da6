//! A review as the comment of a pull request, and as the summary of a job.

use crate::{
    facts::imitations_of,
    review::{
        data::Review,
        parts::{answer, certainty, changes, folded, numbers, provenance, undecided},
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

    /// The comment: the verdict, what changed, what was not decided; the rest is folded. What does not fit is left out, the details first.
    ///
    /// # Errors
    /// When a record cannot be read.
    pub fn comment(&self) -> anyhow::Result<String> {
        let parts = [
            changes(self),
            undecided(self),
            folded("How sure this is", &certainty(self)),
            folded("Device and versions", &provenance(self)?),
            folded("All numbers", &numbers(self)),
        ];
        Ok(fitting(&format!("{}\n{}", self.marker(), answer(self)?), &parts, MOST_COMMENT))
    }

    /// The same for the summary of a job, with nothing folded.
    ///
    /// # Errors
    /// When a record cannot be read.
    pub fn summary(&self) -> anyhow::Result<String> {
        let parts = [
            changes(self),
            undecided(self),
            format!("### How sure this is\n\n{}", certainty(self)),
            format!("### Device and versions\n\n{}", provenance(self)?),
            format!("## All numbers\n\n{}", numbers(self)),
        ];
        Ok(fitting(&answer(self)?, &parts, MOST_SUMMARY))
    }
}

/// The parts that fit, in their order, and how many do not.
fn fitting(head: &str, parts: &[String], most: usize) -> String {
    let (mut text, mut left_out) = (head.to_owned(), 0);
    for part in parts.iter().filter(|part| !part.is_empty()) {
        if text.len() + part.len() + 1 > most {
            left_out += 1;
        } else {
            text += &format!("\n{}\n", part.trim_end());
        }
    }
    if left_out > 0 {
        text += "\nThe rest is too long for this place: the stored run has all of it.\n";
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_left_out_and_told() {
        let parts = ["one".to_owned(), String::new(), "x".repeat(100), "two".to_owned()];
        assert_eq!(fitting("head\n", &parts, 1000).lines().count(), 7);
        let cut = fitting("head\n", &parts, 50);
        assert!(cut.starts_with("head\n\none\n\ntwo\n") && cut.ends_with("the stored run has all of it.\n"), "{cut}");
    }
}

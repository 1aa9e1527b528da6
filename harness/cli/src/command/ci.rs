//! `pocketwatt ci`: the head of a change beside its base, for a job of any CI system: plain files in and out.

mod files;
mod keeping;
mod pairs;

use std::cell::Cell;

use anyhow::Result;
use clap::Args;
use pocketwatt_record::{Run, RunFolder};

use self::{
    files::FileArguments,
    keeping::{Keeping, KeepingArguments},
    pairs::compare_builds,
};
use super::{
    compare::ComparisonArguments,
    judgement::JudgementArguments,
    output,
    run::{RunArguments, begin_option_ids, run_and},
    stored_run,
};
use crate::{
    exit::Exit,
    phone::Given,
    refusal::Refusal,
    report::{Builds, Consequence, Review, Stored},
};

/// What to measure or to take, what to write, and when to fail.
#[derive(Args, Debug)]
pub struct CiArguments {
    /// Take a stored run, which was measured with --baseline-runners, rather than to measure one: its name, its folder, or `latest`.
    #[arg(long = "run", value_name = "RUN", conflicts_with_all = begin_option_ids())]
    stored: Option<String>,
    #[command(flatten)]
    files: FileArguments,
    /// Tells several comments of one pull request apart, such as those of two devices.
    #[arg(long, value_name = "NAME", default_value = "default", value_parser = key)]
    key: String,
    /// The commit of the head, for people.
    #[arg(long, value_name = "SHA")]
    commit: Option<String>,
    /// The commit of the change, where the head is its merge with the base; for people.
    #[arg(long, value_name = "SHA")]
    merge_of: Option<String>,
    /// The commit of the base, for people.
    #[arg(long, value_name = "SHA")]
    base_commit: Option<String>,
    #[command(flatten)]
    keeping: KeepingArguments,
    #[command(flatten)]
    run: RunArguments,
}

/// This many cases or files of each kind that are no part of the verdict are named on standard error.
const NAMED: usize = 20;

/// Options that only this command has, or that say how it judges: a phone measures, and no more.
const NOT_FOR_PHONES: [&str; 15] = [
    "stored",
    "comment",
    "summary",
    "verdict",
    "key",
    "commit",
    "merge_of",
    "base_commit",
    "history",
    "branch",
    "time",
    "message",
    "fail_on",
    "decide",
    "margin",
];

impl CiArguments {
    /// Tells which options stand in the command line.
    pub fn give(&mut self, mut given: Vec<Given>) {
        given.retain(|given| !NOT_FOR_PHONES.contains(&given.id.as_str()));
        self.run.give("run", given);
    }
}

/// Reads a key, which stands in a comment of HTML.
fn key(text: &str) -> Result<String, String> {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || ['-', '_', '.'].contains(&character);
    match text.chars().all(is_plain) && !text.is_empty() && text.len() <= 100 && !text.contains("--") {
        true => Ok(text.to_owned()),
        false => Err("expected letters, digits, and single hyphens, dots and underscores".into()),
    }
}

/// How the job judges, and of what.
struct Job {
    files: FileArguments,
    key: String,
    commit: Option<String>,
    merge_of: Option<String>,
    base_commit: Option<String>,
    keeping: Option<Keeping>,
    judgement: JudgementArguments,
    comparison: ComparisonArguments,
}

/// Measures unless a stored run was named, writes what was asked for, and exits by the rule.
///
/// # Errors
/// As of a run; when the run has no base to compare with, or a file cannot be written.
pub fn run(arguments: CiArguments) -> Result<Exit> {
    let CiArguments { stored, files, key, commit, merge_of, base_commit, keeping, mut run } = arguments;
    files.check()?;
    // A script passes what it does not know as an empty word.
    let [commit, merge_of, base_commit] =
        [commit, merge_of, base_commit].map(|commit| commit.filter(|commit| !commit.is_empty()));
    let keeping = keeping.check(commit.as_deref())?;
    let (judgement, comparison) = run.judged_by_ci(stored.is_some())?;
    let judgement = judgement.or_worse();
    let job = Job { files, key, commit, merge_of, base_commit, keeping, judgement, comparison };
    if let Some(wanted) = stored {
        let folder = stored_run::find(run.results(), &wanted)?;
        let run = folder.run()?;
        let (exit, line) = job.review(&folder, &run)?;
        output::write(&format!("{line}\n"))?;
        return Ok(exit);
    }
    let judged = Cell::new(Exit::Success);
    let measured = run_and(run, |run, folder| {
        let (exit, line) = job.review(folder, run)?;
        // Standard output has the tables, or a document for programs.
        notice!("{line}");
        judged.set(exit);
        Ok(())
    })?;
    Ok(if judged.get() == Exit::Success { measured } else { judged.get() })
}

impl Job {
    /// Compares the two builds of a run, and writes what was asked for. Returns the status, and the verdict in a line.
    fn review(&self, folder: &RunFolder, run: &Run) -> Result<(Exit, String)> {
        let results = Stored::open(folder, run)?;
        let builds = compare_builds(folder, run, &self.comparison.metrics())?;
        report_gaps(folder, &builds);
        if builds.comparison.pairs.is_empty() && builds.comparison.damaged.is_empty() {
            return Err(Refusal::error(format!(
                "run {} has no case of which both builds have a record: measure one with `pocketwatt ci --baseline-runners DIR`",
                run.id
            )));
        }
        let by_rule = self.judgement.exit(&builds.comparison.tally());
        let otherwise = if builds.is_whole() { Exit::Success } else { Exit::Incomplete };
        let exit = by_rule.unwrap_or(otherwise);
        let review = Review {
            key: &self.key,
            commit: self.commit.as_deref(),
            merge_of: self.merge_of.as_deref(),
            base_commit: self.base_commit.as_deref(),
            run,
            folder: folder.path(),
            results: &results,
            builds: &builds,
            rule: &self.judgement.rule(),
            consequence: match (exit, by_rule) {
                (Exit::Success, _) => Consequence::Passes,
                (exit, Some(_)) => Consequence::FailsByRule(exit as u8),
                (exit, None) => Consequence::FailsIncomplete(exit as u8),
            },
        };
        self.files.write(&review)?;
        let mut is_kept_whole = true;
        if let Some(keeping) = &self.keeping {
            let added = keeping.keep(folder, run, &results)?;
            notice!("kept in the history: {}", added.path.display());
            is_kept_whole = added.is_whole;
        }
        // The notice about what is missing in the history came with it.
        let exit = if exit == Exit::Success && !is_kept_whole { Exit::Incomplete } else { exit };
        Ok((exit, review.line()?))
    }
}

/// Names what is no part of the verdict, or only in part.
fn report_gaps(folder: &RunFolder, builds: &Builds) {
    let folder = folder.path().display().to_string();
    let damaged = builds.comparison.damaged.iter().map(|file| format!("damaged: {folder}/{file}"));
    let unreached = builds.unreached.iter().map(|case| format!("not compared: {case}"));
    let interrupted = builds.interrupted.iter().map(|case| format!("interrupted: {case}"));
    let kinds: [(&str, Vec<String>); 3] =
        [("damaged", damaged.collect()), ("not compared", unreached.collect()), ("interrupted", interrupted.collect())];
    for (kind, lines) in kinds {
        lines.iter().take(NAMED).for_each(|line| notice!("{line}"));
        if lines.len() > NAMED {
            notice!("{kind}: {} more", lines.len() - NAMED);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_cannot_end_the_comment_that_it_stands_in() {
        assert_eq!(key("pixel-8.int4").unwrap(), "pixel-8.int4");
        for nonsense in ["", "a--b", "a>b", "a b", "--", "\u{202e}", &"x".repeat(101)] {
            assert!(key(nonsense).is_err(), "{nonsense}");
        }
    }
}

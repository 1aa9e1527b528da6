use thiserror::Error;

use crate::{FormatVersion, RECORD_FORMAT};

/// Why runs are not parts of one run.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MergeError {
    /// No shard, or none with a case.
    #[error("there is nothing to merge: no shard has a case")]
    Nothing,
    /// A run of a whole plan.
    #[error("run {run} is no shard: it measures a whole plan (`run --shard K/N` measures a part of one)")]
    NoShard {
        /// Its name.
        run: String,
    },
    /// The result of a merge.
    #[error("run {run} was merged already: name the shards instead")]
    MergedAlready {
        /// Its name.
        run: String,
    },
    /// Written by a newer version, whose additions a merge would lose.
    #[error(
        "run {run} has format {found}, and this version writes {ours}, so what is new in it would be lost: use a newer pocketwatt",
        ours = RECORD_FORMAT
    )]
    Newer {
        /// Its name.
        run: String,
        /// Its format.
        found: FormatVersion,
    },
    /// A scenario was changed after it was measured.
    #[error(
        "the definition of the scenario {scenario} in run {run} is not the one that was measured: its SHA-256 is another one"
    )]
    #[expect(missing_docs, reason = "the text says what they are")]
    OtherDefinition { run: String, scenario: String },
    /// Measured by another version of the harness.
    #[error(
        "run {run} was measured by pocketwatt {found}, and {like} by {expected}: measure all shards with one version"
    )]
    #[expect(missing_docs, reason = "the text says what they are")]
    OtherVersion { run: String, found: String, like: String, expected: String },
    /// A part of something else.
    #[error(
        "run {run} ({shard}) is of another plan than {like} ({expected}): shards belong together if scenarios, models, backends, settings and \
         the number of shards are the same"
    )]
    #[expect(missing_docs, reason = "the text says what they are")]
    OtherPlan { run: String, shard: String, like: String, expected: String },
    /// One part twice.
    #[error("shard {number} is there twice: as {one} and as {other}; leave one out")]
    #[expect(missing_docs, reason = "the text says what they are")]
    Twice { number: u32, one: String, other: String },
    /// Numbers of different devices are not one run.
    #[error(
        "shard {number} ({run}) was measured on {device}, which is another device than {expected} of {like} ({differs}): numbers of different \
         devices are not one run; `pocketwatt show` shows each"
    )]
    #[expect(missing_docs, reason = "the text says what they are")]
    OtherDevice { number: u32, run: String, device: String, like: String, expected: String, differs: String },
    /// Measured in another way.
    #[error("run {run} was measured with other {what} than {like}: measure all shards alike")]
    #[expect(missing_docs, reason = "the text says what they are")]
    OtherWay { what: &'static str, run: String, like: String },
    /// By another program.
    #[error("{what} of {name} in run {run} is another one than in {like}: give all shards the same files (a bundle)")]
    #[expect(missing_docs, reason = "the text says what they are")]
    OtherProgram { what: &'static str, name: String, run: String, like: String },
}

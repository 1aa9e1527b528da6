use pocketwatt_files::NameError;
use thiserror::Error;

/// Why a plan is invalid.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PlanError {
    /// A case's identifier must be a valid file name, and the run's a valid folder name.
    #[error("{what} cannot be the name of a file: {reason}")]
    Name {
        /// `a case`, `the run`, ...
        what: &'static str,
        /// What is wrong with it.
        reason: NameError,
    },
    /// Two cases would have one record.
    #[error("the case {0:?} is in the plan twice")]
    Twice(String),
    /// A number beyond its limit.
    #[error("{number} {what} are more than {most}")]
    TooMany {
        /// `threads`, ...
        what: &'static str,
        /// What was found.
        number: u64,
        /// The limit.
        most: u64,
    },
    /// A part that the plan does not have.
    #[error("there is no shard {number} of {of}")]
    ShardNumber {
        /// The part.
        number: u32,
        /// The number of parts.
        of: u32,
    },
    /// The cases of a part are others than those that the whole plan gives it.
    #[error("the cases are not those of shard {0}")]
    OtherShard(u32),
    /// A part was joined twice.
    #[error("shard {0} is there twice")]
    ShardTwice(u32),
    /// What tells plans apart is no digest.
    #[error("plan_sha256 is not 64 hexadecimal digits")]
    NoDigest,
    /// A case of a merged run whose part is not there.
    #[error("the case {0:?} is of no shard that was merged")]
    NoShard(String),
}

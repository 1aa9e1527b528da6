use pocketwatt_files::NameError;
use thiserror::Error;

/// Why a plan is none.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PlanError {
    /// A case's identifier is the name of its file, or the run's the name of its folder.
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
    /// A number beyond what can be asked for.
    #[error("{number} {what} are more than {most}")]
    TooMany {
        /// `threads`, ...
        what: &'static str,
        /// What was found.
        number: u64,
        /// What may be.
        most: u64,
    },
}

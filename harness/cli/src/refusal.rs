//! Refused input, which separates "you asked for something impossible" from "something failed".

use std::io::{self, ErrorKind};

use pocketwatt_dataset::DatasetError;
use pocketwatt_model::ModelError;
use pocketwatt_record::StoreError;
use pocketwatt_scenario::{ScenarioError, UnknownName};
use thiserror::Error;

/// Something that the user named or wrote does not exist or makes no sense. The text says what, and the next step.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct Refusal(String);

impl Refusal {
    /// A refusal as an error.
    pub fn error(text: impl Into<String>) -> anyhow::Error {
        Self(text.into()).into()
    }

    /// `thing` is unknown; names the most similar known one, and all of them.
    pub fn unknown<'a>(
        thing: &'static str,
        wanted: &str,
        known: impl IntoIterator<Item = &'a str>,
        next_step: &'static str,
    ) -> anyhow::Error {
        Self::error(UnknownName::new(thing, wanted, known, next_step).to_string())
    }
}

/// Whether an error means that the input was refused, rather than that something failed.
pub fn is_refusal(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.is::<Refusal>()
            || matches!(
                cause.downcast_ref::<ModelError>(),
                Some(error) if !is_broken(error)
            )
            || matches!(
                cause.downcast_ref::<DatasetError>(),
                Some(error) if !is_unreadable(error)
            )
            || cause.downcast_ref::<ScenarioError>().is_some_and(is_refused_scenario)
            || matches!(
                cause.downcast_ref::<StoreError>(),
                Some(error) if !matches!(error, StoreError::Io { .. })
            )
    })
}

/// Whether the input was refused, rather than that something broke.
fn is_refused_scenario(error: &ScenarioError) -> bool {
    match error {
        ScenarioError::Unknown(_) | ScenarioError::Unreadable { .. } | ScenarioError::Refused(_) => true,
        ScenarioError::Data(error) => !is_unreadable(error),
        ScenarioError::Scratch(_) | ScenarioError::Stored(_) => false,
        ScenarioError::In { error, .. } => is_refused_scenario(error),
    }
}

/// A data set that is there, and that the system could not read, broke.
fn is_unreadable(error: &DatasetError) -> bool {
    matches!(error, DatasetError::Io { source, .. } if !is_input(source))
}

/// Whether the error is a failure of the system.
fn is_broken(error: &ModelError) -> bool {
    match error {
        ModelError::Io { action: "read", source, .. } => !is_input(source),
        ModelError::Io { .. } => true,
        _ => false,
    }
}

/// A file that does not exist, is not a regular file, is too large or is not text is a user's input error.
fn is_input(error: &io::Error) -> bool {
    use ErrorKind::{FileTooLarge, InvalidData, InvalidInput, NotFound};
    matches!(error.kind(), NotFound | InvalidData | InvalidInput | FileTooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_for_is_told_from_what_broke() {
        assert!(is_refusal(&Refusal::unknown("backend", "zzz", ["tract"], "").context("more")));
        assert!(!is_refusal(&anyhow::anyhow!("a bug")));
        let within = |error| anyhow::Error::from(ScenarioError::In { place: "a file".into(), error: Box::new(error) });
        assert!(is_refusal(&within(ScenarioError::Refused("no turns".into())).context("more")));
        assert!(!is_refusal(&within(ScenarioError::Scratch(ErrorKind::StorageFull.into()))));
    }
}

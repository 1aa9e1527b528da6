//! Input that is refused: what separates "you asked for something that cannot be" from "something broke".

use std::io::{self, ErrorKind};

use pocketwatt_dataset::DatasetError;
use pocketwatt_model::ModelError;
use pocketwatt_record::StoreError;
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

    /// `thing` is unknown; names the known one that reads most like it, and all of them.
    pub fn unknown<'a>(
        thing: &str,
        wanted: &str,
        known: impl IntoIterator<Item = &'a str>,
        next_step: &str,
    ) -> anyhow::Error {
        let known: Vec<&str> = known.into_iter().collect();
        let hint = match nearest(wanted, known.iter().copied()) {
            Some(nearest) => format!("; did you mean {nearest:?}?"),
            None => ".".into(),
        };
        Self::error(format!("unknown {thing} {wanted:?}{hint} Known: {}{next_step}", known.join(", ")))
    }
}

/// Whether an error means that the input was refused, rather than that something broke.
pub fn is_refusal(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.is::<Refusal>()
            || matches!(
                cause.downcast_ref::<ModelError>(),
                Some(error) if !is_broken(error)
            )
            || matches!(
                cause.downcast_ref::<DatasetError>(),
                Some(error) if !matches!(error, DatasetError::Io { source, .. } if !is_input(source))
            )
            || matches!(
                cause.downcast_ref::<StoreError>(),
                Some(error) if !matches!(error, StoreError::Io { .. })
            )
    })
}

/// What the system could not do broke.
fn is_broken(error: &ModelError) -> bool {
    match error {
        ModelError::Io { action: "read", source, .. } => !is_input(source),
        ModelError::Io { .. } => true,
        _ => false,
    }
}

/// A file that is not there, is no file at all, too large or no text, was somebody's input.
fn is_input(error: &io::Error) -> bool {
    use ErrorKind::{FileTooLarge, InvalidData, InvalidInput, NotFound};
    matches!(error.kind(), NotFound | InvalidData | InvalidInput | FileTooLarge)
}

/// The known name that reads most like `wanted`; none if nothing comes near.
pub fn nearest<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const ALIKE: f64 = 0.7;
    known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(name, wanted), name))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|(left, _), (right, _)| left.total_cmp(right))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_names_get_the_nearest_and_the_known_ones() {
        let error = Refusal::unknown("backend", "onxruntime", ["onnxruntime", "tract"], "");
        assert_eq!(
            error.to_string(),
            "unknown backend \"onxruntime\"; did you mean \"onnxruntime\"? Known: onnxruntime, tract"
        );
        let error = Refusal::unknown("backend", "zzz", ["tract"], " (or a file)");
        assert_eq!(error.to_string(), "unknown backend \"zzz\". Known: tract (or a file)");
        assert!(is_refusal(&error.context("more")));
        assert!(!is_refusal(&anyhow::anyhow!("a bug")));
    }
}

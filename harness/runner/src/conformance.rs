//! Properties that every backend must have before its speed means anything.
//!
//! A backend's tests prepare small models with known answers, call [`run`] for each, and unwrap: the error lists every
//! property that does not hold. Nothing in here knows an engine, a graph or the reference that the answers come from.

mod check;
mod refusal;
#[cfg(test)]
mod tests;

use std::{fmt, path::PathBuf};

use anyhow::Result;
use pocketwatt_protocol::{LoadOptions, ModelFiles, MonotonicClock, TokenId};

use crate::{Backend, LoadStages, Model};
use check::SESSION_CHECKS;
pub use check::{F32_TOLERANCE, HALF_TOLERANCE, ROUNDED_TOLERANCE};
use refusal::LOAD_CHECKS;

/// A model on disk and what a correct backend answers.
pub struct Expectation {
    /// The model as a request names it, with a graph where the backend reads one.
    pub files: ModelFiles,
    /// How to load it; `context_tokens` must hold `tokens` and `greedy` together.
    pub options: LoadOptions,
    /// A text of at least 8 tokens.
    pub tokens: Vec<TokenId>,
    /// The reference's logits after each of `tokens`; the length of a row is the vocabulary.
    pub logits: Vec<Vec<f32>>,
    /// The reference's most probable tokens after `tokens`, one after the other. Empty where rounded activations may
    /// rightly make engines choose others, because the two most probable tokens are close.
    pub greedy: Vec<TokenId>,
    /// Largest difference between two ways to compute a logit: [`F32_TOLERANCE`] in f32, [`HALF_TOLERANCE`] in f16,
    /// [`ROUNDED_TOLERANCE`] where activations are rounded to 8 bits.
    pub tolerance: f32,
    /// An empty folder, in which the suite damages copies of the model.
    pub scratch: PathBuf,
}

/// A property that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Name of the check.
    pub check: &'static str,
    /// What was expected, and what the backend did instead.
    pub message: String,
}

/// All properties that do not hold; displayed one a line, also by `unwrap`.
#[derive(Clone, PartialEq, Eq)]
pub struct Failures(pub Vec<Failure>);

impl fmt::Display for Failures {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} conformance checks failed", self.0.len())?;
        for Failure { check, message } in &self.0 {
            write!(formatter, "\n  {check}: {message}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Failures {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl std::error::Error for Failures {}

/// Runs every check, also after one has failed.
///
/// # Errors
/// The properties that do not hold.
pub fn run(backend: &dyn Backend, expectation: &Expectation) -> Result<(), Failures> {
    let mut failures = Vec::new();
    let mut note = |check, outcome: Result<()>| {
        if let Err(error) = outcome {
            failures.push(Failure { check, message: format!("{error:#}") });
        }
    };
    match load(backend, &expectation.files, &expectation.options) {
        Ok(mut model) => {
            for (name, check) in SESSION_CHECKS {
                note(name, check(&mut *model, expectation));
            }
        }
        Err(error) => note("loads_the_model", Err(error)),
    }
    for (name, check) in LOAD_CHECKS {
        note(name, check(backend, expectation));
    }
    if failures.is_empty() { Ok(()) } else { Err(Failures(failures)) }
}

fn load(backend: &dyn Backend, files: &ModelFiles, options: &LoadOptions) -> Result<Box<dyn Model>> {
    backend.load(files, options, &mut LoadStages::new(&MonotonicClock))
}

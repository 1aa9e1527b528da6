//! Conversions from computed values to observations.

use pocketwatt_protocol::Iteration;

use super::definition::Observations;
use crate::AbsentKind;

/// All values; the reason `none` if there are none.
pub(super) fn some(observations: impl Iterator<Item = f64>, none: AbsentKind) -> Observations {
    let observations: Vec<f64> = observations.collect();
    if observations.is_empty() { Err(none.into()) } else { Ok(observations) }
}

/// The only value; the reason `none` if there is none.
pub(super) fn one(observation: Option<u64>, none: AbsentKind) -> Observations {
    some(observation.map(|value| value as f64).into_iter(), none)
}

/// One value for each iteration that has it.
pub(super) fn each(
    iterations: &[&Iteration],
    observe: impl Fn(&Iteration) -> Option<f64>,
    none: AbsentKind,
) -> Observations {
    some(iterations.iter().filter_map(|iteration| observe(iteration)), none)
}

//! From what was found to observations.

use pocketwatt_protocol::Iteration;

use super::definition::Observations;
use crate::AbsentKind;

/// All of them; `none` where there are none.
pub(super) fn some(observations: impl Iterator<Item = f64>, none: AbsentKind) -> Observations {
    let observations: Vec<f64> = observations.collect();
    if observations.is_empty() { Err(none.into()) } else { Ok(observations) }
}

/// The only one; `none` where there is none.
pub(super) fn one(observation: Option<u64>, none: AbsentKind) -> Observations {
    some(observation.map(|value| value as f64).into_iter(), none)
}

/// One for each iteration that has it.
pub(super) fn each(
    iterations: &[&Iteration],
    observe: impl Fn(&Iteration) -> Option<f64>,
    none: AbsentKind,
) -> Observations {
    some(iterations.iter().filter_map(|iteration| observe(iteration)), none)
}

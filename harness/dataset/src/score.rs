//! How good answers are: pure functions of the expected and the given answer.

mod exact;
mod rouge;

pub use exact::{bfcl_matches, intent_matches, structure_matches};
pub use rouge::{Rouge, rouge_l, rouge_n};

//! How good answers are. Pure functions of what was expected and what was answered.

mod exact;
mod rouge;

pub use exact::{bfcl_matches, intent_matches, structure_matches};
pub use rouge::{Rouge, rouge_l, rouge_n};

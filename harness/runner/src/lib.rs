//! What a backend needs to become a runner: three small traits to implement, [`serve`] to call from `main`,
//! and the [`conformance`] suite to pass.
//!
//! ```text
//! fn main() -> ExitCode { pocketwatt_runner::serve(&MyBackend) }
//! ```

mod backend;
pub mod conformance;
mod grammar;
mod input;
mod load;
mod measure;
mod phase_edges;
mod platform;
mod score;
#[cfg(test)]
mod scripted;
mod serve;
#[cfg(feature = "slower")]
mod slower;

pub use backend::{Backend, Model, Session};
pub use grammar::Grammars;
pub use input::{InputError, check_tokens};
pub use load::LoadStages;
pub use measure::{greedy_token, run_iteration};
pub use phase_edges::PhaseEdges;
pub use platform::platform;
pub use serve::{build_description, die_with_the_harness, serve, serve_with};

//! The answer for a scenario and a model: which case is best at what, by how much, how sure that is, and what it costs.

mod answer;
mod baselines;
mod closeness;
mod cost;
mod coverage;
mod line;
mod members;
mod right_calls;
mod settings;
mod wish;

pub use answer::answer;
pub use members::is_same_work;

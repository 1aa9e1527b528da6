//! The plan of a run: scenarios, models and backends become cases, in an order, with an estimated time.

mod cases;
mod cores;
pub mod energy;
mod estimate;
mod model;
mod prepared_scenario;
mod registry;
mod shard;

pub use cases::{GraphChoice, Selection, computed_precisions, ensure_few, plan_cases, with_baselines};
pub use cores::CoreChoice;
pub use energy::{idle_ms, is_silent, shortest_window_ms};
pub use estimate::{Outline, duration};
pub use model::{DEFAULT_SEED, PlannedModel, PreparedModel};
pub use prepared_scenario::{PreparedScenario, PreparedScenarios, prepare, texts};
pub use registry::{Backend, Colour, Library, Registry, default_names, default_reference, references};
pub use shard::ShardChoice;

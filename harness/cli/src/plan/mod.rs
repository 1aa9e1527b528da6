//! What a run sets out to do: scenarios, models and backends become cases, in an order, with an estimated time.

mod cases;
pub mod energy;
mod estimate;
mod model;
mod registry;
mod scenario;
mod study;
pub mod synthetic;
mod workload;

/// Longest scenario, study or list of backends that is read.
const MOST_DOCUMENT_BYTES: u64 = 4 << 20;
/// Most tokens of a prompt or an answer: more than any model has a context for.
const MOST_TOKENS: u32 = 1 << 20;

pub use cases::{GraphChoice, Selection, computed_precisions, ensure_few, plan_cases};
pub use energy::{idle_ms, is_silent, shortest_window_ms};
pub use estimate::{Outline, duration};
pub use model::{DEFAULT_SEED, PlannedModel, PreparedModel};
pub use registry::{Backend, Library, Registry};
pub use scenario::{Data, Items, Scenario, Shape, Talk};
pub use study::{Axis, Published, Shown, Study};
pub use workload::{Prepared, prepare, texts};

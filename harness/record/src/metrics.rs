//! Every metric: its definition and the function that computes it, side by side, a file for each family.

mod calls;
mod definition;
mod energy;
mod id;
mod machine;
mod observations;
mod quality;
mod speed;
mod sustained;

pub use calls::CallMetric;
pub(crate) use definition::{Consumption, Observations, Observe};
pub use definition::{Direction, Metric, Unit};
pub use energy::EnergyMetric;
pub use id::{MetricId, MetricName, catalogue};
pub use machine::MachineMetric;
pub use quality::QualityMetric;
pub use speed::{SpeedMetric, bytes_per_decoded_token, decode_throughput};
pub use sustained::SustainedMetric;

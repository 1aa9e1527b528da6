//! What fills tables.

mod agreement;
pub mod calls;
mod contests;
mod devices;
mod each;
mod energy;
mod gains;
pub mod grid;
mod group;
mod metrics;
mod noise;
mod notes;
mod outlook;
mod standing;
mod study;
mod sustained;
mod turns;
mod user_units;
mod verdict;

pub use contests::{Contests, METRICS, baseline_tally, failed_in_candidate};
pub use devices::{OnDevice, device_tables, on_device};
pub use each::each_table;
pub use energy::preferred as preferred_energy;
pub use gains::{Gains, each_gains};
pub use noise::{NoiseOfCase, noise_text};
pub use outlook::PlannedBlocks;
pub use standing::{Certainty, Standing};
pub use turns::turn_table;
pub use user_units::user_units;

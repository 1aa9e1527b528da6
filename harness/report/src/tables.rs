//! What fills tables.

mod agreement;
pub mod calls;
mod each;
mod energy;
pub mod grid;
mod group;
mod metrics;
mod notes;
mod study;
mod sustained;
mod turns;
mod user_units;
mod verdict;

pub use each::each_table;
pub use turns::turn_table;

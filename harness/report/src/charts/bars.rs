//! Grouped bars.

mod chart;
mod plot;

pub use chart::Bars;
pub use plot::{Group, Plot, Slot};

//! Power over time.

mod chart;
mod drawn;
mod line;
mod panel;
mod phases;
mod strip;
#[cfg(test)]
mod tests;
mod time_axis;

pub use chart::draw;
pub use drawn::Drawn;
pub use line::STEPS;
pub use panel::withheld;
pub use strip::points_since;
pub use time_axis::{TimeAxis, along_time};

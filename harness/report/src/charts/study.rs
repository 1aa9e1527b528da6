//! The chart of a study.

mod chart;
mod course;

pub use chart::draw;

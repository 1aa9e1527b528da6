//! Numbers over numbers: a point for each case.

mod chart;
mod labels;
mod shape;

pub use chart::{Curve, Dimension, Point, Scatter};

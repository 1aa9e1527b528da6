//! Charts as SVG: one for each question, and for what it is about. As files they are pictures; for a page, every drawn number has
//! its exact value.

mod all;
mod axes;
mod bars;
mod canvas;
mod chart;
mod heading;
mod kinds;
mod latency;
mod legend;
mod marks;
mod palette;
pub(crate) mod power;
mod reading;
mod scale;
mod stack;
mod study;
mod subject;
mod sustained;
mod turns;
mod write;

pub use all::{NamedChart, all};
pub use palette::{COLOURS, Palette};
pub use write::{write, write_stored};

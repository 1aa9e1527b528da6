//! Charts as SVG files: one for each question, model, precision and number of threads.

mod axes;
mod bars;
mod canvas;
mod heading;
mod latency;
mod legend;
mod palette;
pub(crate) mod power;
mod scale;
mod stack;
mod study;
mod subject;
mod sustained;
mod turns;
mod write;

pub use palette::Palette;
pub use write::{NamedChart, all, write, write_stored};

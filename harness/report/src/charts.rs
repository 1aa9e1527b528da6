//! Charts as SVG: one for each question, and for what it is about. As files they are pictures; for a page, every drawn number has
//! its exact value.

mod all;
mod axes;
mod bars;
mod calls;
mod canvas;
mod chart;
mod distribution;
mod energy_split;
mod heading;
mod kinds;
mod latency;
mod legend;
mod marks;
mod palette;
mod pareto;
pub(crate) mod power;
mod quality;
mod reading;
mod roofline;
mod scale;
mod scatter;
mod settings;
mod speed_energy;
mod stack;
mod study;
mod subject;
mod sustained;
mod turns;
mod write;

pub use all::{NamedChart, all};
pub use palette::{COLOURS, Palette};
pub use write::{write, write_stored};

//! Every chart of a run, in the order in which they answer a reader's questions.

use crate::charts::{bars::Bars, chart::Chart, latency, power, subject::Subject, sustained, turns};

/// A kind of chart.
pub struct Kind {
    /// Begins the names of its charts.
    pub name: &'static str,
    /// Whether such charts are among the files beside a run; the others are for a page, which can show their exact values.
    pub is_file: bool,
    /// Draws a chart of the cases of one model, precision and number of threads; there is none without numbers.
    pub draw: fn(&Subject) -> anyhow::Result<Option<Chart>>,
}

const fn file(name: &'static str, draw: fn(&Subject) -> anyhow::Result<Option<Chart>>) -> Kind {
    Kind { name, is_file: true, draw }
}

/// All of them.
pub const KINDS: &[Kind] = &[
    file("decode-throughput", |subject| Bars::DECODE_THROUGHPUT.draw(subject)),
    file("time-to-first-token", |subject| Bars::TIME_TO_FIRST_TOKEN.draw(subject)),
    file("peak-memory", |subject| Bars::PEAK_MEMORY.draw(subject)),
    file("inter-token-latency", latency::draw),
    file("power", power::draw),
    file("turn-latency", turns::draw),
    file("sustained", sustained::draw),
];

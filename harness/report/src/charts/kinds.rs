//! Every chart of a run, in the order in which they answer a reader's questions.

use crate::charts::{
    bars::Bars, calls, chart::Chart, distribution, energy_split, latency, power, quality, roofline,
    settings::AllSettings, speed_energy, subject::Subject, sustained, turns,
};

/// A kind of chart.
pub struct Kind {
    /// Begins the names of its charts.
    pub name: &'static str,
    /// Whether such charts are among the files beside a run; the others are for a page, which can show their exact values.
    pub is_file: bool,
    /// What a chart of the kind is about.
    pub about: About,
}

/// What a chart is about, and how it is drawn; there is none without numbers.
pub enum About {
    /// The cases of one model, precision and number of threads.
    OneSetting(fn(&Subject) -> anyhow::Result<Option<Chart>>),
    /// The cases of one scenario and model, in every precision and number of threads.
    AllSettings(fn(&AllSettings) -> anyhow::Result<Option<Chart>>),
}

const fn file(name: &'static str, draw: fn(&Subject) -> anyhow::Result<Option<Chart>>) -> Kind {
    Kind { name, is_file: true, about: About::OneSetting(draw) }
}

const fn for_page(name: &'static str, draw: fn(&Subject) -> anyhow::Result<Option<Chart>>) -> Kind {
    Kind { name, is_file: false, about: About::OneSetting(draw) }
}

const fn over_all(name: &'static str, draw: fn(&AllSettings) -> anyhow::Result<Option<Chart>>) -> Kind {
    Kind { name, is_file: false, about: About::AllSettings(draw) }
}

/// All of them.
pub const KINDS: &[Kind] = &[
    file("decode-throughput", |subject| Bars::DECODE_THROUGHPUT.draw(subject)),
    file("time-to-first-token", |subject| Bars::TIME_TO_FIRST_TOKEN.draw(subject)),
    file("peak-memory", |subject| Bars::PEAK_MEMORY.draw(subject)),
    file("inter-token-latency", latency::draw),
    for_page("inter-token-latency-distribution", distribution::draw),
    for_page("energy-split", energy_split::draw),
    over_all("speed-against-energy", speed_energy::draw),
    over_all("quality-against-speed", quality::draw_against_speed),
    over_all("quality-against-memory", quality::draw_against_memory),
    for_page("right-calls", calls::draw),
    over_all("roofline", roofline::draw),
    file("power", power::draw),
    file("turn-latency", turns::draw),
    file("sustained", sustained::draw),
];

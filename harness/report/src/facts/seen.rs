//! What is gathered from all records on the way.

use std::collections::BTreeSet;

use pocketwatt_protocol::IterationKind;
use pocketwatt_record::{Outcome, Record};

use crate::facts::{
    data,
    energy::EnergySeen,
    engine::{engine_of, remarks_of, weights_of},
};

/// Facts from all records of a run, one after the other.
#[derive(Default)]
pub struct Seen {
    /// How many there were.
    pub records: usize,
    /// The most blocks that count of any of them; 0 where none took turns.
    pub blocks: usize,
    /// The fewest and the most counted iterations of those that took turns.
    pub iterations: Option<(usize, usize)>,
    /// The most tokens that a warm-up of them generated; `None` where there was no warm-up.
    pub warmup_tokens: Option<usize>,
    /// Backend, engine version and graph.
    pub engines: Distinct,
    /// Models, and what they were made from.
    pub weights: Distinct,
    /// How a model's text becomes tokens.
    pub remarks: Distinct,
    /// Rows that did not fit a model.
    pub left_out: Distinct,
    /// What was read beside the cases.
    pub energy: EnergySeen,
}

impl Seen {
    /// Adds a record.
    pub fn add(&mut self, record: &Record) {
        self.records += 1;
        self.blocks = self.blocks.max(record.samples.counted_blocks().count());
        if record.outcome == Outcome::Measured && !record.samples.blocks.is_empty() {
            let own = record.samples.counted().count();
            let (fewest, most) = self.iterations.unwrap_or((own, own));
            self.iterations = Some((fewest.min(own), most.max(own)));
            self.warmup_tokens = self.warmup_tokens.max(warmup_tokens(record));
        }
        self.engines.extend(engine_of(record));
        self.weights.extend(weights_of(record));
        self.remarks.extend(remarks_of(record));
        self.left_out.extend(data::left_out(record));
        self.energy.add(record);
    }
}

/// The most tokens that a warm-up generated.
fn warmup_tokens(record: &Record) -> Option<usize> {
    let warmups = record.samples.iterations.iter().filter(|iteration| iteration.kind == IterationKind::Warmup);
    warmups.map(|iteration| iteration.turns.iter().map(|turn| turn.tokens.len()).sum()).max()
}

/// Texts without duplicates, in the order of their first occurrence.
#[derive(Default)]
pub struct Distinct {
    /// Them.
    pub texts: Vec<String>,
    known: BTreeSet<String>,
}

impl Distinct {
    fn extend(&mut self, texts: impl IntoIterator<Item = String>) {
        let known = &mut self.known;
        self.texts.extend(texts.into_iter().filter(|text| known.insert(text.clone())));
    }
}

//! The records of a run for the outputs: they are read when they are needed, and then dropped. All of them together may
//! not fit into memory.

use std::borrow::Cow;

use pocketwatt_meter::{CaseReadings, MemoryReading};
use pocketwatt_record::{Case, Damaged, Record};

/// Cases, and a record for each.
pub trait Results {
    /// The cases that have a file, in the order of the plan.
    fn cases(&self) -> Vec<&Case>;
    /// The record of the case at that position; `None` if its file is not a record of it.
    fn record(&self, place: usize) -> Option<Cow<'_, Record>>;
    /// Reads the records of the cases at these positions, and passes each on in that order, or `None` if there is none.
    ///
    /// # Errors
    /// Those of `visit`.
    fn each<'a>(&'a self, places: &[usize], visit: &mut Visit<'_, 'a>) -> anyhow::Result<()> {
        places.iter().try_for_each(|&place| visit(self.record(place)))
    }
    /// Files among the records, found so far, that are not records.
    fn damaged(&self) -> Vec<Damaged>;
}

/// Takes a record, or `None` in its place.
pub type Visit<'v, 'a> = dyn FnMut(Option<Cow<'a, Record>>) -> anyhow::Result<()> + 'v;

/// Passes on all records in the order of the plan.
///
/// # Errors
/// Those of `visit`.
pub fn each_record<'a>(
    results: &'a dyn Results,
    mut visit: impl FnMut(Cow<'a, Record>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let places: Vec<usize> = (0..results.cases().len()).collect();
    results.each(&places, &mut |record| record.map_or(Ok(()), &mut visit))
}

/// Every record at once, for outputs that compare all with all; without the readings over time, which are
/// most of a record.
pub fn all_without_series(results: &dyn Results) -> Vec<Record> {
    let records = (0..results.cases().len()).filter_map(|place| results.record(place));
    records.map(|record| without_series(record.into_owned())).collect()
}

/// A record without the readings over time. The gaps of meters are kept, and so is the peak of the memory in each block: without it a
/// peak would lose its interval. Of energy, only the numbers of the whole case are left.
pub fn without_series(mut record: Record) -> Record {
    record.readings.memory = peaks(&record);
    let CaseReadings { energy, temperatures, frequencies, .. } = &mut record.readings;
    energy.retain(|series| !series.gaps.is_empty());
    energy.iter_mut().for_each(|series| series.readings = Vec::new());
    *temperatures = Vec::new();
    *frequencies = Vec::new();
    record
}

/// The reading with the most memory of its own in each block.
fn peaks(record: &Record) -> Vec<MemoryReading> {
    let mut readings: Vec<&MemoryReading> = record.readings.memory.iter().collect();
    readings.sort_by_key(|reading| reading.at);
    let in_block = |from, to| {
        let (from, to) = (
            readings.partition_point(|reading| reading.at < from),
            readings.partition_point(|reading| reading.at <= to),
        );
        readings.get(from..to).unwrap_or_default()
    };
    let own = |reading: &&&MemoryReading| reading.anonymous_bytes.saturating_add(reading.huge_bytes);
    let blocks = record.samples.blocks.iter();
    blocks
        .filter_map(|block| in_block(block.span.start, block.span.end).iter().max_by_key(own).map(|most| **most))
        .collect()
}

/// Records in memory, and the damaged files beside them.
impl Results for (&[Record], &[Damaged]) {
    fn cases(&self) -> Vec<&Case> {
        self.0.iter().map(|record| &record.case).collect()
    }

    fn record(&self, place: usize) -> Option<Cow<'_, Record>> {
        self.0.get(place).map(Cow::Borrowed)
    }

    fn damaged(&self) -> Vec<Damaged> {
        self.1.to_vec()
    }
}

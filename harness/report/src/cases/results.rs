//! The records of a run as the outputs take them: read when they are needed, and let go of then. All of them at once may be
//! more than memory has room for.

use std::borrow::Cow;

use pocketwatt_meter::CaseReadings;
use pocketwatt_record::{Case, Damaged, Record};

/// Cases, and a record for each.
pub trait Results {
    /// The cases that something lies for, in the order of the plan.
    fn cases(&self) -> Vec<&Case>;
    /// The record of the case at that place; nothing where what lies there is no record of it.
    fn record(&self, place: usize) -> Option<Cow<'_, Record>>;
    /// Reads the records of the cases at these places, and hands each on in that order, or nothing where there is none.
    ///
    /// # Errors
    /// Those of `visit`.
    fn each<'a>(&'a self, places: &[usize], visit: &mut Visit<'_, 'a>) -> anyhow::Result<()> {
        places.iter().try_for_each(|&place| visit(self.record(place)))
    }
    /// What was found so far among the records and is none.
    fn damaged(&self) -> Vec<Damaged>;
}

/// Takes a record, or nothing in its place.
pub type Visit<'v, 'a> = dyn FnMut(Option<Cow<'a, Record>>) -> anyhow::Result<()> + 'v;

/// Hands on all records in the order of the plan.
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

/// Every record at once, for outputs that compare all with all; without what was read over time beside the runner, which is
/// most of a record.
pub fn all_without_series(results: &dyn Results) -> Vec<Record> {
    let records = (0..results.cases().len()).filter_map(|place| results.record(place));
    records.map(|record| without_series(record.into_owned())).collect()
}

/// A record without what was read over time beside the runner. That a meter did not answer for a while stays.
pub fn without_series(mut record: Record) -> Record {
    let CaseReadings { memory, energy, temperatures, frequencies, .. } = &mut record.readings;
    *memory = Vec::new();
    energy.retain(|series| !series.gaps.is_empty());
    energy.iter_mut().for_each(|series| series.readings = Vec::new());
    *temperatures = Vec::new();
    *frequencies = Vec::new();
    record
}

/// Records in memory, and what lies beside them.
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

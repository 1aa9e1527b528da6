//! The records of a run as the outputs take them: read when they are needed, and let go of then. All of them at once may be
//! more than memory has room for.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    num::NonZero,
    sync::{Mutex, MutexGuard, PoisonError, mpsc::sync_channel},
    thread,
};

use pocketwatt_meter::CaseReadings;
use pocketwatt_record::{Case, Contents, Damaged, PlannedCase, Record, Run, RunFolder, StoreError};

/// So many records are not worth a thread.
const FEW: usize = 64;
/// Records that a thread reads before they are asked for.
const READ_AHEAD: usize = 4;
const MOST_READERS: usize = 4;

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

/// The stored records of a run.
#[derive(Debug)]
pub struct Stored<'a> {
    folder: &'a RunFolder,
    run: &'a Run,
    contents: Contents,
    /// By their places.
    damaged: Mutex<BTreeMap<usize, Damaged>>,
}

impl<'a> Stored<'a> {
    /// Looks what lies in the folder of a run.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(folder: &'a RunFolder, run: &'a Run) -> Result<Self, StoreError> {
        Ok(Self { folder, run, contents: folder.contents(run)?, damaged: Mutex::default() })
    }

    /// Whether the folder of the records is gone.
    pub fn are_gone(&self) -> bool {
        self.contents.is_gone
    }

    /// Whether there is a record at all: no further one is read.
    pub fn has_any(&self) -> bool {
        (0..self.contents.reached.len()).any(|place| self.record(place).is_some())
    }

    fn found(&self) -> MutexGuard<'_, BTreeMap<usize, Damaged>> {
        // What a reader that failed has put there is whole.
        self.damaged.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn planned(&self) -> impl Iterator<Item = &'a PlannedCase> {
        self.contents.reached.iter().filter_map(|&place| self.run.plan.get(place))
    }
}

impl Results for Stored<'_> {
    fn cases(&self) -> Vec<&Case> {
        self.planned().map(|planned| &planned.case).collect()
    }

    fn record(&self, place: usize) -> Option<Cow<'_, Record>> {
        let planned = self.run.plan.get(*self.contents.reached.get(place)?)?;
        match self.folder.record(self.run, planned) {
            Ok(record) => Some(Cow::Owned(record)),
            Err(damaged) => {
                self.found().insert(place, damaged);
                None
            }
        }
    }

    /// Reading is most of the work: it is done ahead, by several threads in turn, as long as memory has room for little.
    fn each<'a>(&'a self, places: &[usize], visit: &mut Visit<'_, 'a>) -> anyhow::Result<()> {
        let readers = thread::available_parallelism().map_or(1, NonZero::get).min(MOST_READERS);
        if places.len() < FEW || readers < 2 {
            return places.iter().try_for_each(|&place| visit(self.record(place)));
        }
        thread::scope(|scope| {
            let ahead: Vec<_> = (0..readers)
                .map(|reader| {
                    let (send, receive) = sync_channel(READ_AHEAD);
                    scope.spawn(move || {
                        for &place in places.iter().skip(reader).step_by(readers) {
                            // Nobody receives where the visitor has failed.
                            if send.send(self.record(place)).is_err() {
                                break;
                            }
                        }
                    });
                    receive
                })
                .collect();
            let receivers = ahead.iter().cycle().take(places.len());
            receivers.map_while(|receiver| receiver.recv().ok()).try_for_each(visit)
        })
    }

    fn damaged(&self) -> Vec<Damaged> {
        self.found().values().chain(&self.contents.strangers).cloned().collect()
    }
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

//! The stored records of a run, read ahead by several threads.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    num::NonZero,
    sync::{Mutex, MutexGuard, PoisonError, mpsc::sync_channel},
    thread,
};

use pocketwatt_record::{Case, Contents, Damaged, PlannedCase, Record, Run, RunFolder, StoreError};

use crate::cases::{Results, results::Visit};

/// With this many records or fewer, threads are not worth their cost.
const FEW: usize = 64;
/// Records that a thread reads in advance.
const READ_AHEAD: usize = 4;
const MOST_READERS: usize = 4;

/// The stored records of a run.
#[derive(Debug)]
pub struct Stored<'a> {
    folder: &'a RunFolder,
    run: &'a Run,
    contents: Contents,
    /// Damaged records by position.
    damaged: Mutex<BTreeMap<usize, Damaged>>,
}

impl<'a> Stored<'a> {
    /// Checks which files are in the folder of a run.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(folder: &'a RunFolder, run: &'a Run) -> Result<Self, StoreError> {
        Ok(Self { folder, run, contents: folder.contents(run)?, damaged: Mutex::default() })
    }

    /// Whether the folder of the records is missing.
    pub fn are_gone(&self) -> bool {
        self.contents.is_gone
    }

    /// Whether there is any record; stops at the first.
    pub fn has_any(&self) -> bool {
        (0..self.contents.reached.len()).any(|place| self.record(place).is_some())
    }

    fn found(&self) -> MutexGuard<'_, BTreeMap<usize, Damaged>> {
        // A reader that failed left complete values there.
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

    /// Reading is most of the work: several threads in turn read ahead, but only a few records at a time.
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
                            // The receiver is gone if the visitor failed.
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

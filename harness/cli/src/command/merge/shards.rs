//! The runs that are to be merged, and what is stored of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use anyhow::Result;
use pocketwatt_record::{Measurers, MergeError, Run, RunFolder};
use pocketwatt_scenario::Scenario;

use crate::{
    command::{advice::Advice, damaged, stored_run},
    inert,
    refusal::Refusal,
};

/// The stored runs.
#[derive(Debug)]
pub(super) struct Shards {
    runs: Vec<(RunFolder, Run)>,
    /// Whether the `run.json` of one could not be read.
    is_any_lost: bool,
}

/// Their records.
#[derive(Debug, Default)]
pub(super) struct Found<'a> {
    /// The folder and the identifier of each record that can be read.
    pub intact: Vec<(&'a RunFolder, &'a str)>,
    /// Cases that were not measured, or not to their end, and how to go on.
    pub not_measured: Vec<String>,
    /// Whether a file is not the record that it should be.
    pub is_damaged: bool,
    /// Why they cannot have been one run: another program or model measured some of them.
    pub contradiction: Option<MergeError>,
    /// The starts of the device on which the records of each shard were measured, by its number.
    starts: BTreeMap<u32, BTreeSet<String>>,
    measurers: Measurers,
}

impl Shards {
    /// Finds the runs; with `partial`, one whose `run.json` is damaged is reported and left out.
    ///
    /// # Errors
    /// When one does not exist or cannot be read, or its scenarios were changed.
    pub fn open(results: &Path, wanted: &[String], partial: bool) -> Result<Self> {
        let mut shards = Self { runs: Vec::new(), is_any_lost: false };
        for wanted in wanted {
            let folder = stored_run::find(results, wanted)?;
            match folder.run() {
                Ok(run) => {
                    ensure_own_definitions(&run)?;
                    shards.runs.push((folder, run));
                }
                Err(error) if partial => {
                    notice!("damaged: {:#}", anyhow::Error::from(error));
                    shards.is_any_lost = true;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(shards)
    }

    pub fn runs(&self) -> Vec<Run> {
        self.runs.iter().map(|(_, run)| run.clone()).collect()
    }

    pub fn is_any_lost(&self) -> bool {
        self.is_any_lost
    }

    /// Reads the records, one at a time, and reports those that are damaged.
    ///
    /// # Errors
    /// When a folder cannot be read.
    pub fn look(&self) -> Result<Found<'_>> {
        let mut found = Found::default();
        for (folder, run) in &self.runs {
            found.add(folder, run)?;
        }
        Ok(found)
    }
}

/// Whether the scenarios are as they were when the run began: those of the merged run are copies of them.
fn ensure_own_definitions(run: &Run) -> Result<()> {
    for source in &run.scenarios {
        if !Scenario::stored(source).is_ok_and(|scenario| scenario.sha256() == source.sha256) {
            let (run, scenario) = (inert::line(&run.id), inert::line(&source.name));
            return Err(Refusal::error(MergeError::OtherDefinition { run, scenario }.to_string()));
        }
    }
    Ok(())
}

impl<'a> Found<'a> {
    fn add(&mut self, folder: &'a RunFolder, run: &'a Run) -> Result<()> {
        let contents = folder.contents(run)?;
        let mut damaged = Vec::new();
        let mut is_complete = true;
        for (place, planned) in run.plan.iter().enumerate() {
            let id = planned.case.id.as_str();
            if contents.reached.binary_search(&place).is_err() {
                self.not_measured.push(format!("{id} of run {}, which was not measured", inert::line(&run.id)));
                is_complete = false;
                continue;
            }
            match folder.record(run, planned) {
                Ok(record) => {
                    if record.lacks_blocks() {
                        self.not_measured.push(format!("some blocks of {id} of run {}", inert::line(&run.id)));
                        is_complete = false;
                    }
                    self.intact.push((folder, id));
                    if let Some(shard) = &run.shard {
                        self.starts.entry(shard.number).or_default().extend(record.passport.boot_id.clone());
                    }
                    let added = self.measurers.add(&record, &run.id);
                    self.contradiction = self.contradiction.take().or(added.err());
                }
                Err(error) => damaged.push(error),
            }
        }
        if !is_complete {
            notice!("continue it with `{}`", Advice::new(&["run", "--resume"]).run(folder.path()));
        }
        damaged.extend(contents.strangers);
        self.is_damaged |= !damaged.is_empty();
        damaged::report(folder, &damaged);
        Ok(())
    }

    /// The starts of the device on which the records of a shard were measured: others than the one on which it began, if it went on later.
    pub fn starts(&self, shard: u32) -> impl Iterator<Item = &String> {
        self.starts.get(&shard).into_iter().flatten()
    }

    /// Copies the records that can be read.
    ///
    /// # Errors
    /// When one cannot be copied.
    pub fn copy_to(&self, folder: &RunFolder) -> Result<()> {
        self.intact.iter().try_for_each(|(from, id)| Ok(from.copy_record(id, folder)?))
    }
}

//! The contents of a run's folder: the records of its cases, and other files.

use std::{collections::BTreeMap, fs, io::ErrorKind};

use pocketwatt_files::{open_regular_in_place, set_aside, write_atomically};

use super::{Damage, Damaged, RunFolder, StoreError, damage::shortened};
use crate::{PlannedCase, Record, Run, format::intact_record};

pub(super) const ENDING: &str = ".json";
/// Part of the name of a file that [`RunFolder::set_aside`] renamed.
const ASIDE: &str = ".damaged-";
/// At most this many foreign files in the folder are opened; the others are only named.
const OPENED_STRANGERS: usize = 20;

/// Which cases of a plan have a file, and which other files there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// Positions in the plan, in its order, of the cases that have a file.
    pub reached: Vec<usize>,
    /// Files that belong to no case of the plan.
    pub strangers: Vec<Damaged>,
    /// Whether the folder of the records is missing.
    pub is_gone: bool,
}

/// All records of a run, or a part of each.
#[derive(Clone, Debug, PartialEq)]
pub struct Records<T = Record> {
    /// Records that can be read, in the order of the plan; cases that were not reached are left out.
    pub intact: Vec<T>,
    /// Files that are not records, and why.
    pub damaged: Vec<Damaged>,
    /// Whether the folder of the records is missing.
    pub are_gone: bool,
}

impl RunFolder {
    /// Checks which cases of the plan have a file, without opening it.
    ///
    /// # Errors
    /// When the folder cannot be read, or is not a folder.
    pub fn contents(&self, run: &Run) -> Result<Contents, StoreError> {
        let folder = self.cases();
        match folder.symlink_metadata() {
            Ok(found) if found.is_dir() => {}
            Ok(_) => return Err(StoreError::Elsewhere(folder)),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok(Contents { is_gone: true, ..Contents::default() });
            }
            Err(error) => return Err(StoreError::io("read", &folder)(error)),
        }
        let planned: BTreeMap<&str, usize> =
            run.plan.iter().enumerate().map(|(place, planned)| (planned.case.id.as_str(), place)).collect();
        let mut contents = Contents::default();
        let mut strangers = Vec::new();
        for entry in fs::read_dir(&folder).map_err(StoreError::io("read", &folder))? {
            let name = entry.map_err(StoreError::io("read", &folder))?.file_name().to_string_lossy().into_owned();
            match name.strip_suffix(ENDING).and_then(|id| planned.get(id)) {
                Some(place) => contents.reached.push(*place),
                // Names of unfinished files begin with a dot.
                None if name.starts_with('.') || name.contains(ASIDE) => {}
                None => strangers.push(name),
            }
        }
        contents.reached.sort_unstable();
        strangers.sort_unstable();
        let stranger = |(number, name): (usize, String)| {
            let opened = number < OPENED_STRANGERS || run.rebuilt.is_some();
            let damage = match opened.then(|| intact_record(&folder.join(&name))) {
                // Where the plan is rebuilt from the records, a damaged one cannot be in it.
                Some(Err(damage)) if run.rebuilt.is_some() => damage,
                found => {
                    let holds = found.and_then(Result::ok).map(|record| record.case.id);
                    Damage::Unplanned { holds: holds.filter(|id| planned.contains_key(id.as_str())) }
                }
            };
            Damaged { file: name, case: None, damage }
        };
        contents.strangers = strangers.into_iter().enumerate().map(stranger).collect();
        Ok(contents)
    }

    /// The record of a case of the plan.
    ///
    /// # Errors
    /// Why the file is not that record.
    pub fn record(&self, run: &Run, planned: &PlannedCase) -> Result<Record, Damaged> {
        let id = &planned.case.id;
        let read = || {
            let path = self.record_path(id).map_err(|error| Damage::NotAFile(error.to_string()))?;
            let record = intact_record(&path)?;
            ensure_belongs(&record, planned, run)?;
            Ok(record)
        };
        read().map_err(|damage| Damaged { file: format!("{id}{ENDING}"), case: Some(id.clone()), damage })
    }

    /// Reads everything.
    ///
    /// # Errors
    /// When `run.json` or the folder cannot be read. A record that cannot be read is among the damaged ones.
    pub fn records(&self) -> Result<Records, StoreError> {
        self.records_of(&self.run()?)
    }

    /// The same for a `run.json` that was already read.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn records_of(&self, run: &Run) -> Result<Records, StoreError> {
        self.parts_of_records(run, |record| record)
    }

    /// Reads one record after the other, and keeps a part of each: all together may not fit into memory.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn parts_of_records<T>(&self, run: &Run, part: impl Fn(Record) -> T) -> Result<Records<T>, StoreError> {
        let contents = self.contents(run)?;
        let mut records = Records { intact: Vec::new(), damaged: Vec::new(), are_gone: contents.is_gone };
        for planned in contents.reached.iter().filter_map(|&place| run.plan.get(place)) {
            match self.record(run, planned) {
                Ok(record) => records.intact.push(part(record)),
                Err(damaged) => records.damaged.push(damaged),
            }
        }
        records.damaged.extend(contents.strangers);
        Ok(records)
    }

    /// Copies the file of a case's record into another run's folder, byte by byte.
    ///
    /// # Errors
    /// When it cannot be read or written.
    pub fn copy_record(&self, case_id: &str, to: &Self) -> Result<(), StoreError> {
        let (from, to) = (self.record_path(case_id)?, to.record_path(case_id)?);
        let mut read = open_regular_in_place(&from).map_err(StoreError::io("read", &from))?;
        write_atomically(&to, |file| std::io::copy(&mut read, file)).map_err(StoreError::io("write", &to))?;
        Ok(())
    }

    /// Creates the folder of the records again.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn restore_cases(&self) -> Result<(), StoreError> {
        pocketwatt_files::create_folder(&self.cases()).map_err(StoreError::io("create", &self.cases()))
    }

    /// Renames a damaged record, so that its case can be measured again and nothing is lost. Returns the new name.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn set_aside(&self, damaged: &Damaged) -> Result<String, StoreError> {
        let path = self.cases().join(&damaged.file);
        let aside = set_aside(&path).map_err(StoreError::io("rename", &path))?;
        Ok(aside.file_name().unwrap_or_default().to_string_lossy().into_owned())
    }
}

/// Whether a record is the one that its place requires.
fn ensure_belongs(record: &Record, planned: &PlannedCase, run: &Run) -> Result<(), Damage> {
    let (found, case) = (&record.case, &planned.case);
    if found.id != case.id {
        return Err(Damage::OtherCase(format!("{:?}", shortened(&found.id))));
    }
    if found != case {
        return Err(Damage::OtherCase("scenario, model, backend or settings are not those of the plan".into()));
    }
    let (run_name, bandwidths) = run.measured_in(planned);
    if let Some(measured_in) = record.passport.run.as_ref().filter(|measured_in| *measured_in != run_name) {
        return Err(Damage::OtherRun(format!("{:?}", shortened(measured_in))));
    }
    let scenario = run.scenarios.iter().find(|scenario| scenario.name == case.scenario);
    if scenario.is_some_and(|scenario| scenario.sha256 != record.passport.scenario_sha256) {
        return Err(Damage::OtherRun("its scenario is another one than this run's".into()));
    }
    let bandwidth = bandwidths.iter().find(|bandwidth| bandwidth.threads == case.threads);
    match (&record.passport.bandwidth, bandwidth) {
        (Some(found), Some(of_run)) if found != of_run => {
            Err(Damage::OtherRun("it refers to a memory bandwidth that this run did not measure".into()))
        }
        _ => Ok(()),
    }
}

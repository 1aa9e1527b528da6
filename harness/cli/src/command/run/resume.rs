//! Going on with a run that was stopped.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use pocketwatt_meter::{SystemRoot, device_facts};
use pocketwatt_record::{Case, Outcome, Passport, Record, Records, Run, RunFolder};

use super::{Instruments, RunArguments, measure, ownership::OwnedRun};
use crate::{
    command::{damaged, energy::EnergyArguments, stored_run},
    exit::Exit,
    measure::{Mailbox, Sweep},
    plan::{PreparedModel, Registry, computed_precisions},
    refusal::Refusal,
};

/// What going on has to know of a case that has a record: a small part of that.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) case: Case,
    pub(super) passport: Passport,
    pub(super) outcome: Outcome,
    /// Whether its answers are still to be judged.
    pub(super) is_unjudged: bool,
}

impl Done {
    /// Of all records of a run.
    ///
    /// # Errors
    /// When their folder cannot be read.
    pub(super) fn read(folder: &RunFolder, run: &Run) -> Result<Records<Self>> {
        let part = |record: Record| Self {
            is_unjudged: record.unjudged.is_some(),
            case: record.case,
            passport: record.passport,
            outcome: record.outcome,
        };
        Ok(folder.parts_of_records(run, part)?)
    }
}

/// Measures the cases of a stored plan that have no record.
///
/// # Errors
/// When the run cannot go on as it was begun, or the results cannot be stored.
pub(super) fn resume(arguments: &RunArguments, registry: &Registry, name: &str) -> Result<Exit> {
    let owned = OwnedRun::reopen(&arguments.results, stored_run::find_to_resume(&arguments.results, name)?)?;
    let folder = owned.folder();
    let run = folder.run().map_err(|error| damaged::no_plan(folder, error))?;
    let here = device_facts(&SystemRoot::real(), Some(&run.device.name));
    if (&here.processor, here.logical_cores) != (&run.device.processor, run.device.logical_cores) {
        return Err(Refusal::error(format!("run {} was begun on another device: {}", run.id, run.device.name)));
    }
    if run.pocketwatt != env!("CARGO_PKG_VERSION") {
        let (theirs, ours) = (&run.pocketwatt, env!("CARGO_PKG_VERSION"));
        return Err(Refusal::error(format!("run {} was begun by pocketwatt {theirs}, this is {ours}", run.id)));
    }
    let library = arguments.cache.library()?;
    let done = Done::read(folder, &run)?;
    let precisions = computed_precisions(run.plan.iter().map(|planned| &planned.case), registry);
    let mut models = BTreeMap::new();
    for planned in &run.plan {
        let name = &planned.case.model;
        if !models.contains_key(name) {
            let model = PreparedModel::prepare(&library, name, &precisions)?;
            ensure_same_model(&done.intact, &model)?;
            models.insert(name.clone(), model);
        }
    }
    let mailbox = Mailbox::with_signals()?;
    let meters = EnergyArguments::reopen(&run.energy)?;
    let device = arguments.beside.device();
    let mut instruments = Instruments { meters, mailbox, device };
    measure(arguments, registry, &run, &owned, &models, (&mut instruments, done))
}

/// Cases of one run are compared, so they must be of one model.
fn ensure_same_model(done: &[Done], model: &PreparedModel) -> Result<()> {
    let other = done
        .iter()
        .filter(|done| done.passport.model.name == model.passport.name)
        .find(|done| done.passport.model != model.passport_in(done.case.precision));
    match other {
        Some(_) => Err(Refusal::error(format!(
            "model {:?} has changed since the run began: start a new run",
            model.passport.name
        ))),
        None => Ok(()),
    }
}

/// Judges the answers that were stored without a judgement, one record after the other.
///
/// # Errors
/// When a record cannot be stored again.
pub(super) fn judge_rest(sweep: &Sweep, folder: &RunFolder, run: &Run, done: &[Done]) -> Result<()> {
    let unjudged: BTreeSet<&str> =
        done.iter().filter(|done| done.is_unjudged).map(|done| done.case.id.as_str()).collect();
    for planned in run.plan.iter().filter(|planned| unjudged.contains(planned.case.id.as_str())) {
        if let Ok(mut record) = folder.record(run, planned) {
            sweep.judge(folder, &mut record)?;
        }
    }
    Ok(())
}

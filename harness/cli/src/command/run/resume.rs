//! Continues a run that was stopped.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use pocketwatt_model::ModelLibrary;
use pocketwatt_record::{Case, Passport, Record, Records, Run, RunFolder};
use pocketwatt_scenario::Scenario;

use super::{
    RunArguments, again,
    begin::Begun,
    gates,
    rest::{Rest, Stand},
};
use crate::{
    command::{damaged, energy::EnergyArguments, ownership::OwnedRun, stored_run},
    here::device_here,
    measure::{Build, Execution, Instruments, Mailbox, Materials, Programs},
    plan::{PreparedModel, Registry, computed_precisions},
    refusal::Refusal,
};

/// The small part of a record that resuming needs.
#[derive(Debug)]
struct Done {
    case: Case,
    passport: Passport,
    stand: Stand,
    /// Whether its answers still have to be judged.
    is_unjudged: bool,
}

impl Done {
    /// Reads it from all records of a run.
    ///
    /// # Errors
    /// When their folder cannot be read.
    fn read(folder: &RunFolder, run: &Run) -> Result<Records<Self>> {
        let part = |record: Record| Self {
            is_unjudged: record.unjudged.is_some(),
            stand: Stand::of(&record),
            case: record.case,
            passport: record.passport,
        };
        Ok(folder.parts_of_records(run, part)?)
    }
}

/// Opens a stored run again, to measure the cases of its plan that have no record.
///
/// # Errors
/// When the run cannot go on as it was begun.
pub(super) fn resume(arguments: &RunArguments, registry: &Registry, name: &str) -> Result<Begun> {
    let owned = OwnedRun::reopen(&arguments.results, stored_run::find_to_resume(&arguments.results, name)?)?;
    let folder = owned.folder();
    let run = folder.run().map_err(|error| damaged::no_plan(folder, error))?;
    if run.merged.is_some() {
        return Err(Refusal::error(format!(
            "run {} was merged from shards: continue the shard, and merge again",
            run.id
        )));
    }
    ensure_begun_here(&run)?;
    again::foresee(arguments, &run)?;
    let done = Done::read(folder, &run)?;
    let models = prepare_models(&run, registry, &arguments.cache.library()?, &done.intact)?;
    let mailbox = Mailbox::with_signals()?;
    let meters = EnergyArguments::reopen(&run.energy)?;
    let device = arguments.beside.device();
    let scenarios = run.scenarios.iter().map(Scenario::stored).collect::<Result<_, _>>()?;
    damaged::set_aside(folder, run.plan.len(), &done)?;
    let mut materials = Materials::new(scenarios, models, &arguments.cache.root()?);
    materials.programs.run_on(run.settings.cores.as_ref());
    if let Some(baseline) = &run.baseline {
        materials.programs.compare_with(baseline);
    }
    judge_rest(&mut Execution::new(&run, registry, &mut materials), folder, &run, &done.intact)?;
    materials.find_programs(run.plan.iter().map(|planned| &planned.case), registry)?;
    ensure_same_runners(&mut materials.programs, registry, &done.intact)?;
    let stored = done.intact.iter().map(|done| (done.case.id.as_str(), &done.stand)).collect();
    let rest = Rest::of(&run, &stored);
    let mut groups = rest.going_on();
    if arguments.retry {
        groups.extend(rest.unsuccessful());
    }
    report_apart(&run, groups.iter().filter(|group| rest.is_apart(group)));
    let (gates, thermometer) = (gates::of(&run), gates::thermometer(&run));
    let instruments = Instruments { meters, mailbox, device, gates, thermometer };
    Ok(Begun { run, owned, materials, instruments, groups })
}

/// The others have begun without these cases, which so have blocks of their own.
fn report_apart<'g>(run: &Run, groups: impl Iterator<Item = &'g Vec<usize>>) {
    let names: Vec<&str> = groups.flatten().map(|place| run.plan[*place].case.id.as_str()).collect();
    if !names.is_empty() {
        notice!(
            "measured in blocks of their own, because the others have theirs already: {}; nothing is said about who leads between these \
             and the others: a new run measures all of them together",
            names.join(", ")
        );
    }
}

/// By this program, on this device.
fn ensure_begun_here(run: &Run) -> Result<()> {
    let here = device_here(Some(&run.device.name));
    if (&here.processor, here.logical_cores) != (&run.device.processor, run.device.logical_cores) {
        return Err(Refusal::error(format!("run {} was begun on another device: {}", run.id, run.device.name)));
    }
    if run.pocketwatt != env!("CARGO_PKG_VERSION") {
        let (theirs, ours) = (&run.pocketwatt, env!("CARGO_PKG_VERSION"));
        return Err(Refusal::error(format!("run {} was begun by pocketwatt {theirs}, this is {ours}", run.id)));
    }
    Ok(())
}

/// The models of the plan, which must be those that were measured before.
fn prepare_models(
    run: &Run,
    registry: &Registry,
    library: &ModelLibrary,
    done: &[Done],
) -> Result<BTreeMap<String, PreparedModel>> {
    let precisions = computed_precisions(run.plan.iter().map(|planned| &planned.case), registry);
    let mut models = BTreeMap::new();
    for planned in &run.plan {
        let name = &planned.case.model;
        if !models.contains_key(name) {
            let model = PreparedModel::prepare(library, name, &precisions)?;
            ensure_same_model(done, &model)?;
            models.insert(name.clone(), model);
        }
    }
    Ok(models)
}

/// Cases of one run are compared, so they must use the same model.
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

/// Refuses to go on with other runners, or other libraries that they open, than those that measured: cases of one run are
/// compared.
fn ensure_same_runners(programs: &mut Programs, registry: &Registry, done: &[Done]) -> Result<()> {
    for Done { case, passport, .. } in done {
        let Some(measured_by) = &passport.runner_sha256 else { continue };
        let backend = registry.find(&case.backend)?;
        let Ok(program) = programs.find(backend, Build::of(case)) else { continue };
        let is_other_library =
            passport.library_sha256.is_some() && program.library_sha256() != passport.library_sha256.as_deref();
        let other = if program.sha256() != *measured_by {
            format!("the runner of {} is another program", backend.name)
        } else if is_other_library {
            format!("the library of {} is another one", backend.name)
        } else {
            continue;
        };
        return Err(Refusal::error(format!("{other} than when the run began: start a new run")));
    }
    Ok(())
}

/// Judges the stored answers that have not been judged, one record after the other.
///
/// # Errors
/// When a record cannot be stored again.
fn judge_rest(execution: &mut Execution, folder: &RunFolder, run: &Run, done: &[Done]) -> Result<()> {
    let unjudged: BTreeSet<&str> =
        done.iter().filter(|done| done.is_unjudged).map(|done| done.case.id.as_str()).collect();
    for planned in run.plan.iter().filter(|planned| unjudged.contains(planned.case.id.as_str())) {
        if let Ok(mut record) = folder.record(run, planned) {
            execution.judge(folder, &mut record)?;
        }
    }
    Ok(())
}

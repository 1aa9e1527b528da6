//! `pocketwatt run`: the main job.

mod outcome;
mod outlook;
mod ownership;
mod progress;
mod resume;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use anyhow::{Context, Result};
use clap::Args;
use pocketwatt_meter::{Bandwidth, SystemRoot, device_facts, measure_bandwidth};
use pocketwatt_model::ModelConfig;
use pocketwatt_protocol::wall_clock_unix_ms;
use pocketwatt_record::{
    Case, EnergyPlan, ObserverCost, Outcome, PlannedCase, RECORD_FORMAT, Records, Run, RunSettings, StudySource,
};
use pocketwatt_scenario::{Data, Scenario, Study};

use self::{ownership::OwnedRun, resume::Done};
use super::{
    advice::Advice,
    beside::BesideArguments,
    calls::CallArguments,
    damaged,
    energy::EnergyArguments,
    output,
    selection::{CacheArguments, PlanArguments, RegistryArguments},
    stored_run::LATEST,
    strict::{self, Intention},
};
use crate::{
    exit::Exit,
    last_resort::Unfinished,
    measure::{CaseMeters, Device, Entered, Mailbox, Sweep, SweepEnd},
    plan::{
        Backend, Outline, PlannedModel, PreparedModel, Registry, Selection, computed_precisions, duration, energy,
        plan_cases, prepare,
    },
    refusal::Refusal,
    report::{Format, output::date},
};

/// What to measure, and what to do with the results.
#[derive(Args, Debug)]
pub struct RunArguments {
    #[command(flatten)]
    plan: PlanArguments,
    #[command(flatten)]
    cache: CacheArguments,
    #[command(flatten)]
    registry: RegistryArguments,
    #[command(flatten)]
    energy: EnergyArguments,
    /// Only show the plan and how long it should take.
    #[arg(long)]
    dry_run: bool,
    /// Go on with a run that was stopped: measure the cases of its plan that have no record.
    #[arg(long, value_name = "RUN", num_args = 0..=1, default_missing_value = LATEST,
        conflicts_with_all = ["scenario", "model", "backend", "threads", "graph", "iterations", "warmup", "settle", "sustain", "timeout", "device", "dry_run", "no_probe", "meter", "energy_uncertainty", "idle", "battery", "idle_power", "screen_power", "sysfs_root", "strict"])]
    resume: Option<String>,
    /// With --resume: also measure again what failed or was skipped.
    #[arg(long, requires = "resume")]
    retry: bool,
    /// Where runs are stored.
    #[arg(long, value_name = "DIR", default_value = "results")]
    results: PathBuf,
    /// Name of this device, for its folder of results [default: from the processor].
    #[arg(long, value_name = "NAME")]
    device: Option<String>,
    /// How to write the results to standard output.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Also show what the backends answered.
    #[arg(long)]
    show_text: bool,
    #[command(flatten)]
    calls: CallArguments,
    /// Also show what each turn of a conversation costs, as its context grows.
    #[arg(long)]
    turns: bool,
    /// Leave the memory bandwidth probe out; the model bandwidth utilisation is then not told.
    #[arg(long)]
    no_probe: bool,
    /// Refuse to measure, with exit status 6, on a device that `pocketwatt doctor` calls unfit.
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    beside: BesideArguments,
    /// The study that asks for it.
    #[arg(skip)]
    study: Option<StudySource>,
}

impl RunArguments {
    /// Makes the run the one of a study.
    ///
    /// # Errors
    /// When what the user asked for besides does not fit the study.
    pub fn adopt(&mut self, mut study: Study) -> Result<()> {
        if self.resume.is_some() {
            return Err(Refusal::error("to continue a study, use `pocketwatt run --resume`"));
        }
        self.plan.adopt(&mut study)?;
        self.study = Some(study.source());
        Ok(())
    }
}

/// Measures, stores and shows.
///
/// # Errors
/// When something is asked for that does not exist, or the results cannot be stored.
pub fn run(arguments: RunArguments) -> Result<Exit> {
    arguments.calls.check(arguments.format)?;
    if arguments.show_text && matches!(arguments.format, Format::Csv | Format::Json) {
        return Err(Refusal::error(
            "--show-text would make the document invalid: use it with --format table or markdown",
        ));
    }
    if arguments.turns && arguments.format == Format::Csv {
        return Err(Refusal::error("CSV has one line for each metric of a case: --format json has the turns"));
    }
    let registry = arguments.registry.open()?;
    match &arguments.resume {
        Some(name) => resume::resume(&arguments, &registry, name),
        None => start(&arguments, &registry),
    }
}

fn start(arguments: &RunArguments, registry: &Registry) -> Result<Exit> {
    arguments.energy.check()?;
    let settings = arguments.plan.settings();
    let scenarios = arguments.plan.scenarios()?;
    let backends = registry.select(arguments.plan.backends())?;
    let library = arguments.cache.library()?;
    let mut planned_models = BTreeMap::new();
    let names = arguments.plan.models()?;
    for name in &names {
        planned_models.insert(name.clone(), PlannedModel::find(&library, name)?);
    }
    let selection = Selection {
        scenarios: &scenarios,
        models: &names,
        precisions: arguments.plan.precisions(),
        threads: arguments.plan.threads(),
        backends: &backends,
        graph: arguments.plan.graph(),
        constrain: arguments.plan.constrain(&scenarios)?,
    };
    let cases = plan_cases(&selection)?;
    let precisions = computed_precisions(&cases, registry);
    if arguments.dry_run {
        let guess = |case: &Case| {
            let scenario = scenario(&scenarios, &case.scenario)?;
            let items = scenario.data().filter(|_| !planned_models[&case.model].seeded()).map(Data::item_count);
            anyhow::Ok((Outline::guess(scenario), items.map_or(settings.iterations, |items| items as u32)))
        };
        let mut plan = cases
            .iter()
            .map(|case| estimated(case, &planned_models[&case.model].config(), guess(case)?, &settings))
            .collect::<Result<Vec<_>>>()?;
        let (_, energy) = arguments.energy.prepare()?;
        energy::add_time(&mut plan, &energy, &settings);
        let announcement = energy::announcement(&energy, plan.len()).map_or(String::new(), |line| line + "\n");
        output::write(&(outlook::describe_plan(&plan, &planned_models, &precisions) + &announcement))?;
        return Ok(Exit::Success);
    }

    let mut device = arguments.beside.device();
    device.foresee()?;
    let mut models = BTreeMap::new();
    for name in planned_models.keys() {
        models.insert(name.clone(), PreparedModel::prepare(&library, name, &precisions)?);
    }
    // Until here Ctrl-C ends the process at once, also where it waits for another one.
    let mut mailbox = Mailbox::with_signals()?;
    let mut left_out = BTreeSet::new();
    let mut count = |case: &Case| {
        let prepared = prepare(scenario(&scenarios, &case.scenario)?, &models[&case.model], case.constrained)?;
        left_out.extend(prepared.left_out.iter().cloned());
        anyhow::Ok((prepared.outline(), prepared.iterations(settings.iterations)))
    };
    let plan = cases
        .iter()
        .map(|case| estimated(case, models[&case.model].folder.config(), count(case)?, &settings))
        .collect::<Result<Vec<_>>>()?;
    outlook::report_left_out(&scenarios, left_out.into_iter());
    let started_unix_ms = wall_clock_unix_ms();
    let mut run = Run {
        format: RECORD_FORMAT,
        id: date::stamp(started_unix_ms),
        pocketwatt: env!("CARGO_PKG_VERSION").into(),
        started_unix_ms,
        command: std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect(),
        device: device_facts(&SystemRoot::real(), arguments.device.as_deref()),
        bandwidth: Vec::new(),
        energy: EnergyPlan::default(),
        settings,
        scenarios: scenarios.iter().map(Scenario::source).collect(),
        plan,
        study: arguments.study.clone(),
        rebuilt: None,
    };
    {
        // Runners first: a compiler must not run beside the bandwidth probe either.
        let cache = arguments.cache.root()?;
        Sweep::new(&run, registry, &models, &cache)?.prepare_runners()?;
    }
    if device.enter(&mut mailbox)? == Entered::Interrupted {
        notice!("interrupted: nothing was measured");
        return Ok(Exit::Interrupted);
    }
    if !arguments.no_probe {
        run.bandwidth = bandwidths(arguments.plan.threads(), &mut device);
    }
    let (meters, plan) = arguments.energy.prepare()?;
    run.energy = EnergyPlan { observer: ObserverCost::read(&arguments.results.join(&run.device.name)), ..plan };
    energy::add_time(&mut run.plan, &run.energy, &run.settings);
    if let Some(announcement) = energy::announcement(&run.energy, run.plan.len()) {
        notice!("{announcement}");
    }
    if arguments.strict && !is_fit(arguments, &run, &backends, &models, device.other())? {
        return Ok(Exit::Unfit);
    }
    let owned = OwnedRun::begin(&arguments.results, &mut run)
        .context("nothing was measured yet; choose another folder with --results")?;
    let done = Done::read(owned.folder(), &run)?;
    measure(arguments, registry, &run, &owned, &models, (&mut Instruments { meters, mailbox, device }, done))
}

/// Says what is wrong with the device, if something is.
fn is_fit(
    arguments: &RunArguments,
    run: &Run,
    backends: &[&Backend],
    models: &BTreeMap<String, PreparedModel>,
    other: Option<String>,
) -> Result<bool> {
    let sizes = run.plan.iter().filter_map(|planned| {
        let Case { model, precision, .. } = &planned.case;
        Some((model.as_str(), models.get(model)?.passport_in(*precision).weight_bytes))
    });
    let obstacles = strict::obstacles(&Intention {
        energy: &run.energy,
        backends,
        cache: &arguments.cache.root()?,
        model: sizes.max_by_key(|(_, bytes)| *bytes).unwrap_or_default(),
        threads: arguments.plan.threads().iter().copied().max().unwrap_or(1),
        other,
    });
    for obstacle in &obstacles {
        notice!("unfit: {obstacle}");
    }
    if !obstacles.is_empty() {
        notice!("nothing was measured, because of --strict; `pocketwatt doctor` says more");
    }
    Ok(obstacles.is_empty())
}

/// What is measured with.
struct Instruments {
    meters: CaseMeters,
    mailbox: Mailbox,
    device: Device,
}

fn measure(
    arguments: &RunArguments,
    registry: &Registry,
    run: &Run,
    owned: &OwnedRun,
    models: &BTreeMap<String, PreparedModel>,
    (instruments, done): (&mut Instruments, Records<Done>),
) -> Result<Exit> {
    let Instruments { meters, mailbox, device } = instruments;
    let folder = owned.folder();
    let cache = arguments.cache.root()?;
    let mut sweep = Sweep::new(run, registry, models, &cache)?;
    damaged::set_aside(folder, run.plan.len(), &done)?;
    let done = done.intact;
    resume::judge_rest(&sweep, folder, run, &done)?;
    let finished: BTreeMap<&str, &Outcome> = done.iter().map(|done| (done.case.id.as_str(), &done.outcome)).collect();
    let wanted = |case: &Case| match finished.get(case.id.as_str()) {
        None => true,
        Some(outcome) => arguments.retry && **outcome != Outcome::Measured,
    };
    sweep.prepare_runners()?;
    sweep.ensure_same_runners(done.iter().map(|done| (&done.case, &done.passport)))?;
    let mut go_on = Advice::new(&["run", "--resume"]).run(folder.path()).cache(&cache).registry(&arguments.registry);
    if arguments.retry {
        go_on = go_on.flag("--retry");
    }
    let kept = format!("measured cases are kept in {}; continue with `{go_on}`", folder.path().display());
    let _unfinished = Unfinished::new(kept.clone());
    let mut progress = progress::Progress::new(&run.plan, &run.settings, |planned| !wanted(&planned.case));
    let end = sweep
        .measure(folder, wanted, (meters, device), mailbox, &mut progress)
        .with_context(|| format!("the run stopped; {kept}"))?;
    device.leave();
    let outcomes = folder.parts_of_records(run, |record| record.outcome)?.intact;
    if end == SweepEnd::Interrupted {
        notice!("");
        notice!(
            "interrupted: {} of {} cases are stored in {}; continue with `{go_on}`",
            outcomes.len(),
            run.plan.len(),
            folder.path().display(),
        );
        return Ok(Exit::Interrupted);
    }
    let measured = outcomes.contains(&Outcome::Measured);
    outcome::show(arguments, run, folder, measured)?;
    Ok(match (measured, outcomes.iter().all(|outcome| *outcome == Outcome::Measured)) {
        (_, true) => Exit::Success,
        (true, false) => Exit::Incomplete,
        (false, false) => Exit::NothingMeasured,
    })
}

fn estimated(
    case: &Case,
    config: &ModelConfig,
    (outline, iterations): (Outline, u32),
    settings: &RunSettings,
) -> Result<PlannedCase> {
    let estimate_s = duration(config, outline, case.precision, case.threads, iterations, settings);
    Ok(PlannedCase { case: case.clone(), estimate_s })
}

fn scenario<'a>(scenarios: &'a [Scenario], name: &str) -> Result<&'a Scenario> {
    scenarios.iter().find(|scenario| scenario.name == name).with_context(|| format!("no scenario {name:?}"))
}

/// The roofline for each number of threads; without it the run goes on, and its metric says why it is absent. One that was
/// measured beside somebody else is none.
fn bandwidths(threads: &[u32], device: &mut Device) -> Vec<Bandwidth> {
    let watch = device.watch();
    let mut measured = Vec::new();
    for &threads in threads {
        match measure_bandwidth(threads) {
            Ok(bandwidth) => measured.push(bandwidth),
            Err(error) => notice!("the memory bandwidth was not measured: {:#}", anyhow::Error::from(error)),
        }
    }
    if let Some(other) = device.met(watch) {
        notice!("the memory bandwidth is left out: {other} measured at the same time");
        measured.clear();
    }
    measured
}

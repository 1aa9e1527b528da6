//! One case: starts, asks and watches a runner, and returns a record, whatever happens.

use std::{sync::Arc, time::Duration};

use pocketwatt_meter::{Bandwidth, CaseReadings};
use pocketwatt_protocol::{
    Clock, Event, IterationKind, LoadOptions, ModelFiles, MonotonicClock, PROTOCOL_VERSION, Request, Stage, Task, Turn,
    Workload, wall_clock_unix_ms,
};
use pocketwatt_record::{
    BatteryAssumption, Case, Outcome, Passport, Quality, RECORD_FORMAT, Record, RunSettings, Samples, Spoiled, derive,
};

use super::{
    Instruments, Mailbox, RunnerError, RunnerProcess, RunnerProgram, Thermometer, audit::Audit, meters::CaseSampler,
};
use crate::{
    hashed_file::HashedFile,
    plan::{Backend, PreparedModel, PreparedScenario},
};

/// The input of a case.
#[derive(Debug)]
pub struct CaseInput<'a> {
    /// What to measure.
    pub case: &'a Case,
    /// How close the backend's answers are to those in f32; `None` if that was not requested.
    pub quality: Option<Quality>,
    /// Its backend.
    pub backend: &'a Backend,
    /// The backend's runner.
    pub program: &'a RunnerProgram,
    /// Its model.
    pub model: &'a PreparedModel,
    /// Its scenario in the model's tokens.
    pub prepared: &'a PreparedScenario,
    /// SHA-256 of the scenario.
    pub scenario_sha256: &'a str,
    /// Shared by all cases.
    pub settings: &'a RunSettings,
    /// Roofline for its number of threads.
    pub bandwidth: Option<&'a Bandwidth>,
    /// The counted iterations last at least this long.
    pub at_least_ms: u64,
    /// Size of the device's last-level cache.
    pub last_level_cache_bytes: Option<u64>,
    /// How it was recognised that a program imitates this device.
    pub emulated: Option<&'a str>,
    /// The battery that user units refer to.
    pub battery: Option<&'a BatteryAssumption>,
}

/// Reported between iterations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaseProgress {
    /// The runner was started.
    Loading,
    /// This many iterations of its runner have ended, warm-up included.
    Iterations(u32),
    /// Its part of a block begins.
    Block {
        /// Counted from 1.
        number: u32,
        /// The number of the last block, as far as is known: a disturbed one is measured again.
        last: u32,
        /// How many iterations it has, warm-up included.
        iterations: u32,
    },
}

/// How the attempt ended.
#[derive(Debug)]
pub enum Ended {
    /// With a record, measured or failed.
    Recorded(Box<Record>),
    /// The user stopped it: there is no record, and the case can be measured again.
    Interrupted,
}

/// Measures a case, once all gates are open.
pub fn measure_case(input: &CaseInput, instruments: &mut Instruments, progress: &mut dyn FnMut(CaseProgress)) -> Ended {
    let Instruments { meters, mailbox, gates, thermometer, .. } = instruments;
    let Ok(passage) = gates.wait(None, mailbox) else { return Ended::Interrupted };
    let mut record = record(input);
    record.passport.boot_id = meters.boot_id();
    record.waits = passage.waits;
    if let Some(message) = passage.refused {
        record.outcome = Outcome::Failed { stage: Stage::Start, message };
        return Ended::Recorded(Box::new(record));
    }
    let Some(mut sampler) = meters.begin(mailbox) else { return Ended::Interrupted };
    let warmth = thermometer.as_ref().map(Thermometer::read);
    let stopped =
        measure(input, workload(input, input.prepared.conversations.clone()), &sampler, mailbox, progress, &mut record)
            .err();
    if matches!(stopped, Some(Interrupted)) {
        sampler.end();
        return Ended::Interrupted;
    }
    if record.outcome == Outcome::Measured {
        sampler.rest_after(mailbox);
    }
    record.readings = sampler.end();
    record.readings.warmth.extend(warmth);
    if let Some(spoiled) = Spoiled::by(&record.readings, input.case.threads) {
        spoil(&mut record.outcome, &spoiled);
    }
    if record.outcome == Outcome::Measured {
        derive(&mut record);
    }
    Ended::Recorded(Box::new(record))
}

/// Makes it a failure, or adds to the words of one why it may have failed.
pub(super) fn spoil(outcome: &mut Outcome, spoiled: &Spoiled) {
    match outcome {
        Outcome::Failed { message, .. } => *message = format!("{message}; and {spoiled}"),
        Outcome::Measured | Outcome::Skipped { .. } => {
            *outcome = Outcome::Failed { stage: Stage::Iteration, message: spoiled.to_string() };
        }
    }
}

/// The user stopped it.
#[derive(Debug)]
pub struct Interrupted;

/// Fills the record with what the runner says, from its start until it is gone, and with how that ended. It is read meanwhile, if
/// everything is well until it is released.
///
/// # Errors
/// When the user stopped it.
pub(super) fn measure(
    input: &CaseInput,
    workload: Workload,
    sampler: &CaseSampler,
    mailbox: &mut Mailbox,
    progress: &mut dyn FnMut(CaseProgress),
    record: &mut Record,
) -> Result<(), Interrupted> {
    let outcome = match input.model.files(input.case.precision, input.case.graph) {
        Ok(files) => {
            record.passport.graph_sha256 = files.graph.as_ref().map(|graph| graph.sha256.clone());
            unchanged(input, files, |files| {
                generate(input, request(input, files, workload), sampler, mailbox, progress, record)
            })
        }
        Err(message) => Err(failed(Stage::Start, message)),
    };
    record.outcome = match outcome {
        Ok(()) => Outcome::Measured,
        Err(Stopped::Interrupted) => return Err(Interrupted),
        Err(Stopped::Failed { stage, message }) => Outcome::Failed { stage, message },
    };
    Ok(())
}

/// The record of a case that is not tried.
pub fn skipped(case: &Case, model: &PreparedModel, scenario_sha256: &str, reason: String) -> Record {
    let mut record = empty(case, model, scenario_sha256);
    record.outcome = Outcome::Skipped { reason };
    record
}

/// Why a case ended before its time.
enum Stopped {
    Interrupted,
    Failed { stage: Stage, message: String },
}

fn failed(stage: Stage, message: String) -> Stopped {
    Stopped::Failed { stage, message }
}

/// What is known of a case before it is measured.
pub(super) fn record(input: &CaseInput) -> Record {
    let mut record = empty(input.case, input.model, input.scenario_sha256);
    record.quality.clone_from(&input.quality);
    record.passport.runner_sha256 = Some(input.program.sha256().to_owned());
    record.passport.library_sha256 = input.program.library_sha256().map(str::to_owned);
    record.passport.bandwidth = input.bandwidth.cloned();
    record.passport.battery = input.battery.cloned();
    record.passport.sustain_ms = input.settings.sustain_ms;
    record.passport.cores = input.settings.cores.as_ref().map(|cores| cores.list.clone());
    record.passport.emulated = input.emulated.map(str::to_owned);
    record.passport.left_out = input.prepared.left_out();
    record.passport.last_level_cache_bytes = input.last_level_cache_bytes;
    record
}

fn empty(case: &Case, model: &PreparedModel, scenario_sha256: &str) -> Record {
    Record {
        format: RECORD_FORMAT,
        case: case.clone(),
        passport: Passport {
            pocketwatt: env!("CARGO_PKG_VERSION").into(),
            run: None,
            started_unix_ms: wall_clock_unix_ms(),
            backend: None,
            runner_sha256: None,
            library_sha256: None,
            model: model.passport_in(case.precision),
            graph_sha256: None,
            scenario_sha256: scenario_sha256.to_owned(),
            bandwidth: None,
            last_level_cache_bytes: None,
            battery: None,
            sustain_ms: None,
            planned_blocks: None,
            boot_id: None,
            beside: None,
            cores: None,
            emulated: None,
            left_out: None,
        },
        outcome: Outcome::Skipped { reason: "not reached".into() },
        samples: Samples::default(),
        readings: CaseReadings::default(),
        waits: Vec::new(),
        quality: None,
        calls: Vec::new(),
        unjudged: None,
        energy: Vec::new(),
        metrics: Vec::new(),
        checks: Vec::new(),
    }
}

/// Measures with the files that the passport names, and fails if one of them has changed before or afterwards: then it is
/// unknown what was measured.
fn unchanged(
    input: &CaseInput,
    files: ModelFiles,
    measure: impl FnOnce(ModelFiles) -> Result<(), Stopped>,
) -> Result<(), Stopped> {
    let start = |message| failed(Stage::Start, message);
    let graph = files.graph.as_ref().map(|graph| HashedFile::read("the graph", &graph.path)).transpose();
    let graph = graph.map_err(start)?;
    if let (Some(found), Some(written)) = (&graph, &files.graph)
        && found.sha256() != written.sha256
    {
        return Err(start(format!("the graph {} changed since it was written", written.path.display())));
    }
    let ensure = || {
        input.program.ensure_unchanged()?;
        input.model.ensure_unchanged(input.case.precision)?;
        graph.as_ref().map_or(Ok(()), HashedFile::ensure_unchanged)
    };
    ensure().map_err(start)?;
    match (measure(files), ensure()) {
        (outcome, Ok(())) | (outcome @ Err(Stopped::Interrupted), _) => outcome,
        (Ok(()), Err(changed)) => Err(failed(Stage::Load, changed)),
        (Err(Stopped::Failed { stage, message }), Err(changed)) => {
            Err(failed(stage, format!("{message}; and {changed}")))
        }
    }
}

/// All iterations of a case, with these conversations.
pub(super) fn workload(input: &CaseInput, conversations: Vec<Vec<Turn>>) -> Workload {
    Workload {
        conversations,
        stop_tokens: input.prepared.stop_tokens.clone(),
        token_bytes: input.prepared.token_bytes.clone(),
        warmup_iterations: input.settings.warmup_iterations,
        warmup: None,
        iterations: input.prepared.iterations(input.settings.iterations),
        at_least_ms: input.at_least_ms,
        settle_ms: input.settings.settle_ms,
    }
}

fn request(input: &CaseInput, files: ModelFiles, workload: Workload) -> Request {
    Request {
        protocol: PROTOCOL_VERSION,
        model: files,
        options: LoadOptions {
            threads: input.case.threads,
            precision: input.case.precision,
            context_tokens: input.prepared.context_tokens,
        },
        task: Task::Generate(workload),
        phase_edges: true,
    }
}

/// From the start of the runner until it is gone.
fn generate(
    input: &CaseInput,
    request: Request,
    sampler: &CaseSampler,
    mailbox: &mut Mailbox,
    progress: &mut dyn FnMut(CaseProgress),
    record: &mut Record,
) -> Result<(), Stopped> {
    let request = Arc::new(request);
    let start_failed = |message: String| failed(Stage::Start, message);
    let Task::Generate(workload) = &request.task else { return Err(start_failed("nothing is generated".into())) };
    progress(CaseProgress::Loading);
    let mut audit = Audit::new(workload, input.model.folder.config().vocabulary, MonotonicClock.now());
    let mut runner = RunnerProcess::start(input.program, input.backend, Arc::clone(&request), mailbox)
        .map_err(|error| start_failed(error.to_string()))?;
    if let Err(error) = sampler.watch(runner.id(), runner.edges()) {
        notice!("{}: memory is not read: {:#}", input.case.id, anyhow::Error::from(error));
    }
    let outcome = listen(input, &mut runner, mailbox, progress, &mut audit, record);
    // The runner lives until it is released, so the last reading includes its memory.
    sampler.release();
    if outcome.is_ok() {
        runner.finish();
    }
    outcome
}

fn listen(
    input: &CaseInput,
    runner: &mut RunnerProcess,
    mailbox: &mut Mailbox,
    progress: &mut dyn FnMut(CaseProgress),
    audit: &mut Audit,
    record: &mut Record,
) -> Result<(), Stopped> {
    let silence = Duration::from_secs(input.settings.timeout_s);
    loop {
        let stage = stage(record, input.settings);
        let nonsense = |reason: String| failed(stage, format!("the runner's report is impossible: {reason}"));
        let event = match runner.event(mailbox, silence) {
            Ok(event) => event,
            Err(RunnerError::Interrupted) => return Err(Stopped::Interrupted),
            Err(error) => return Err(failed(stage, error.to_string())),
        };
        let now = MonotonicClock.now();
        match event {
            Event::Hello { .. } if record.passport.backend.is_some() => {
                return Err(nonsense("it greeted twice".into()));
            }
            Event::Hello { backend, .. } if backend.name != input.backend.name => {
                return Err(nonsense(format!("its name is {:?}, expected {:?}", backend.name, input.backend.name)));
            }
            Event::Hello { backend, .. } => record.passport.backend = Some(backend),
            Event::Failed { stage, message } => return Err(failed(stage, message)),
            _ if record.passport.backend.is_none() => return Err(nonsense("it did not greet first".into())),
            Event::Loaded(loaded) => {
                audit.loaded(&loaded, now).map_err(nonsense)?;
                record.samples.loaded = Some(loaded);
            }
            Event::Iteration(iteration) => {
                audit.iteration(&iteration, now).map_err(nonsense)?;
                record.samples.iterations.push(iteration);
                progress(CaseProgress::Iterations(audit.iterations()));
            }
            Event::Scored(_) => return Err(nonsense("it computed logits, which were not requested".into())),
            Event::Done => return audit.done().map_err(nonsense),
        }
    }
}

/// What the runner must be doing, judging by its reports.
fn stage(record: &Record, settings: &RunSettings) -> Stage {
    let iterations = &record.samples.iterations;
    let warmed_up = iterations.iter().filter(|iteration| iteration.kind == IterationKind::Warmup).count();
    match (&record.passport.backend, &record.samples.loaded) {
        (None, _) => Stage::Start,
        (Some(_), None) => Stage::Load,
        (Some(_), Some(_)) if warmed_up < settings.warmup_iterations as usize => Stage::Warmup,
        (Some(_), Some(_)) => Stage::Iteration,
    }
}

//! The execution of a plan: case after case, each stored before the next begins.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
    time::Duration,
};

use anyhow::{Context, Result};
use pocketwatt_record::{Absent, AbsentKind, Case, Outcome, PlannedCase, Quality, Record, Run, RunFolder, RunSettings};
use pocketwatt_scenario::Scenario;

use super::{
    Build, CaseInput, CaseMeters, CaseProgress, Device, Ended, Entered, Mailbox, Materials, Programs, RunnerProgram,
    Thermometer,
    gate::Gates,
    judgement,
    materials::{model_of, scenario_of},
    measure_case, measure_in_turns,
    quality::{Question, Respondent, Scorer},
    skipped,
    turns::TurnListener,
};
use crate::plan::{Backend, PreparedModel, PreparedScenario, PreparedScenarios, Registry, references};

/// Goes through the plan of a run.
#[derive(Debug)]
pub struct Execution<'a> {
    run: &'a Run,
    registry: &'a Registry,
    scenarios: &'a [Scenario],
    models: &'a BTreeMap<String, PreparedModel>,
    prepared: &'a mut PreparedScenarios,
    programs: &'a mut Programs,
    scorer: Scorer,
}

/// Notified before, during and after each case.
pub trait RunListener {
    /// Case `index` of the plan begins.
    fn begins(&mut self, index: usize);
    /// It makes progress.
    fn progresses(&mut self, index: usize, progress: CaseProgress);
    /// It has ended, and its record is stored.
    fn ends(&mut self, index: usize, record: &Record);
}

/// Whether the whole plan was executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completion {
    /// All cases have a record.
    Complete,
    /// The user stopped it.
    Interrupted,
}

/// What is measured with, and beside whom.
#[derive(Debug)]
pub struct Instruments {
    /// Read beside every case.
    pub meters: CaseMeters,
    /// What runners say, and the user's wish to stop.
    pub mailbox: Mailbox,
    /// On which one measures at a time.
    pub device: Device,
    /// Waited for before each block.
    pub gates: Gates,
    /// Read before each block; absent where the readings of every case say all that is known.
    pub thermometer: Option<Thermometer>,
}

impl<'a> Execution<'a> {
    /// Of the plan of `run`, with what its cases are made of.
    pub fn new(run: &'a Run, registry: &'a Registry, materials: &'a mut Materials) -> Self {
        let Materials { scenarios, models, prepared, programs } = materials;
        Self { run, registry, scenarios, models, prepared, programs, scorer: Scorer::default() }
    }

    /// Measures groups of cases, which are at these places of the plan, and stores each record at once; only then are its answers judged.
    ///
    /// # Errors
    /// When a record cannot be stored, or a scenario does not fit a model. Stored records stay.
    pub fn measure(
        &mut self,
        folder: &RunFolder,
        groups: &[Vec<usize>],
        instruments: &mut Instruments,
        listener: &mut dyn RunListener,
    ) -> Result<Completion> {
        for group in groups {
            let Instruments { mailbox, device, .. } = instruments;
            if mailbox.interrupted() || device.enter(mailbox)? == Entered::Interrupted {
                return Ok(Completion::Interrupted);
            }
            let watch = instruments.device.watch();
            let Some(records) = self.group(folder, group, instruments, listener)? else {
                return Ok(Completion::Interrupted);
            };
            let beside = instruments.device.met(watch);
            for (index, mut record) in records {
                record.passport.run = Some(self.run.id.clone());
                record.passport.beside.clone_from(&beside);
                let scenario = scenario_of(&record.case, self.scenarios)?;
                judgement::await_judgement(&mut record, scenario);
                folder
                    .write(&record)
                    .with_context(|| format!("{} was measured but not stored; earlier cases are", record.case.id))?;
                self.judge(folder, &mut record)?;
                listener.ends(index, &record);
            }
        }
        Ok(Completion::Complete)
    }

    /// Measures cases in turns, also one that is left alone of several, so that the cases of a plan are all measured alike; `None` when
    /// the user stopped it.
    fn group(
        &mut self,
        folder: &RunFolder,
        group: &[usize],
        instruments: &mut Instruments,
        listener: &mut dyn RunListener,
    ) -> Result<Option<Vec<(usize, Record)>>> {
        let run = self.run;
        let (mut records, mut ready) = (Vec::new(), Vec::new());
        for &index in group {
            listener.begins(index);
            match self.ingredients(&run.plan[index].case, &mut instruments.mailbox)? {
                _ if instruments.mailbox.interrupted() => return Ok(None),
                Ok(ingredients) => ready.push((index, ingredients)),
                Err(skipped) => records.push((index, *skipped)),
            }
        }
        let inputs: Vec<CaseInput> = ready.iter().map(|(_, ingredients)| ingredients.input(run)).collect();
        let alone_in_blocks = run.against.as_ref().is_some_and(|against| against.alone_in_blocks);
        let in_blocks = !inputs.is_empty() && (alone_in_blocks || takes_turns(&run.plan, group));
        let turns = run.settings.turns.filter(|_| in_blocks);
        let measured = match &turns {
            Some(turns) => {
                // What failed begins anew.
                let goes_on =
                    |record: &Record| record.outcome == Outcome::Measured && !record.samples.blocks.is_empty();
                let partial = |index: usize| folder.record(run, &run.plan[index]).ok().filter(goes_on);
                let earlier = ready.iter().map(|(index, _)| partial(*index)).collect();
                let mut turn_listener = Turning { run, folder, scenarios: self.scenarios, ready: &ready, listener };
                measure_in_turns(&inputs, earlier, turns, instruments, &mut turn_listener)?
            }
            None => {
                let one = |(position, input): (usize, &CaseInput)| {
                    let index = ready[position].0;
                    match measure_case(input, instruments, &mut |done| listener.progresses(index, done)) {
                        Ended::Recorded(record) => Some(*record),
                        Ended::Interrupted => None,
                    }
                };
                inputs.iter().enumerate().map(one).collect()
            }
        };
        let Some(measured) = measured else { return Ok(None) };
        records.extend(ready.iter().map(|(index, _)| *index).zip(measured));
        records.sort_by_key(|(index, _)| *index);
        Ok(Some(records))
    }

    /// Judges a stored record's answers, if they are not judged yet, and stores the record again.
    ///
    /// # Errors
    /// When it cannot be stored again. The measurements stay as they were stored.
    pub fn judge(&mut self, folder: &RunFolder, record: &mut Record) -> Result<()> {
        if record.unjudged.is_none() {
            return Ok(());
        }
        let scenario = scenario_of(&record.case, self.scenarios)?;
        judgement::judge(record, scenario, model_of(&record.case, self.models)?, self.prepared);
        let id = &record.case.id;
        if let Some(unjudged) = &record.unjudged {
            notice!("{id}: {unjudged}");
        }
        folder.write(record).with_context(|| format!("{id} is stored, but not what its answers are worth"))?;
        Ok(())
    }

    /// What a case is measured with; a record that says why where it is skipped.
    fn ingredients<'r>(&mut self, case: &'r Case, mailbox: &mut Mailbox) -> Result<Result<Ingredients<'r>, Box<Record>>>
    where
        'a: 'r,
    {
        let backend = self.registry.find(&case.backend)?;
        let model = model_of(case, self.models)?;
        let scenario = scenario_of(case, self.scenarios)?;
        let scenario_sha256 = scenario.sha256();
        let prepared = self.prepared.of(scenario, model, case.constrained)?;
        let skip = |reason: String| Ok(Err(Box::new(skipped(case, model, &scenario_sha256, reason))));
        if let Some(reason) = obstacle(case, backend, model, &prepared) {
            return skip(reason);
        }
        let program = match self.programs.find(backend, Build::of(case)) {
            Ok(program) => program,
            Err(reason) => return skip(reason),
        };
        let quality = self.quality(case, backend, &program, model, mailbox);
        Ok(Ok(Ingredients { case, quality, backend, program, model, prepared, scenario_sha256 }))
    }

    /// How close the backend's answers are to those in f32; `None` if that is not requested.
    fn quality(
        &mut self,
        case: &Case,
        backend: &Backend,
        program: &RunnerProgram,
        model: &PreparedModel,
        mailbox: &mut Mailbox,
    ) -> Option<Quality> {
        if !self.run.settings.quality {
            return None;
        }
        if !backend.scored {
            let words = format!("what {} answers is made up", backend.name);
            return Some(Quality::Absent(Absent::new(AbsentKind::MadeUpAnswers, words)));
        }
        let reference = self.reference();
        let question = Question {
            case,
            model,
            respondent: Respondent { backend, program: program.clone() },
            reference,
            silence: Duration::from_secs(self.run.settings.timeout_s),
        };
        Some(self.scorer.quality(&question, mailbox))
    }

    /// The backend whose f32 is the reference: the first that is there of those of the plan that can be.
    fn reference(&mut self) -> Result<Respondent<'a>, String> {
        let backends = self.registry.of_cases(self.run.plan.iter().map(|planned| &planned.case));
        let mut reasons = Vec::new();
        for backend in references(backends.map_err(|error| error.to_string())?) {
            match self.programs.find(backend, Build::Own) {
                Ok(program) => return Ok(Respondent { backend, program }),
                Err(reason) => reasons.push(reason),
            }
        }
        Err(format!("no backend gives a reference in f32: {}", reasons.join("; ")))
    }
}

/// Stores what cases that take turns have so far, and hands their progress on.
struct Turning<'t> {
    run: &'t Run,
    folder: &'t RunFolder,
    scenarios: &'t [Scenario],
    ready: &'t [(usize, Ingredients<'t>)],
    listener: &'t mut dyn RunListener,
}

impl TurnListener for Turning<'_> {
    fn progresses(&mut self, position: usize, progress: CaseProgress) {
        self.listener.progresses(self.ready[position].0, progress);
    }

    fn block_ends(&mut self, mut record: Record) -> Result<()> {
        record.passport.run = Some(self.run.id.clone());
        let scenario = scenario_of(&record.case, self.scenarios)?;
        judgement::await_judgement(&mut record, scenario);
        let id = &record.case.id;
        self.folder.write(&record).with_context(|| format!("a block of {id} was measured but not stored"))?;
        Ok(())
    }
}

/// What a case is measured with.
struct Ingredients<'r> {
    case: &'r Case,
    quality: Option<Quality>,
    backend: &'r Backend,
    program: RunnerProgram,
    model: &'r PreparedModel,
    prepared: Rc<PreparedScenario>,
    scenario_sha256: String,
}

impl Ingredients<'_> {
    fn input<'i>(&'i self, run: &'i Run) -> CaseInput<'i> {
        CaseInput {
            case: self.case,
            quality: self.quality.clone(),
            backend: self.backend,
            program: &self.program,
            model: self.model,
            prepared: &self.prepared,
            scenario_sha256: &self.scenario_sha256,
            settings: &run.settings,
            bandwidth: run.bandwidth.iter().find(|bandwidth| bandwidth.threads == self.case.threads),
            at_least_ms: run.energy.at_least_ms.max(run.settings.sustain_ms.unwrap_or(0)),
            last_level_cache_bytes: run.device.last_level_cache_bytes,
            emulated: run.device.emulated.as_deref(),
            battery: run.energy.battery.as_ref(),
        }
    }
}

/// The cases at these places of the plan, those together that take turns.
pub fn groups(plan: &[PlannedCase], settings: &RunSettings, places: &BTreeSet<usize>) -> Vec<Vec<usize>> {
    let planned = (0..plan.len()).filter(|place| places.contains(place));
    grouped(planned, |one, other| settings.turns.is_some() && plan[one].case.takes_turns_with(&plan[other].case))
}

/// Places in their order, those together that are alike.
pub(super) fn grouped(
    places: impl Iterator<Item = usize>,
    are_alike: impl Fn(usize, usize) -> bool,
) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for place in places {
        match groups.iter_mut().find(|group| are_alike(group[0], place)) {
            Some(group) => group.push(place),
            None => groups.push(vec![place]),
        }
    }
    groups
}

/// Whether the plan has several cases with the input of this group: then they are measured in blocks.
fn takes_turns(plan: &[PlannedCase], group: &[usize]) -> bool {
    let Some(first) = group.first() else { return false };
    plan.iter().filter(|planned| planned.case.takes_turns_with(&plan[*first].case)).count() > 1
}

/// Why a case cannot be measured, known before it is tried.
fn obstacle(case: &Case, backend: &Backend, model: &PreparedModel, prepared: &PreparedScenario) -> Option<String> {
    if !backend.precisions.contains(&case.precision) {
        return Some(backend.refusal(case.precision));
    }
    if let Err(reason) = model.weights(case.precision) {
        return Some(reason);
    }
    if let Some(graph) = case.graph.filter(|graph| !backend.graphs.contains(graph)) {
        let graphs: Vec<&str> = backend.graphs.iter().map(|graph| graph.name()).collect();
        return Some(format!("{} does not load the graph {}, only {}", backend.name, graph.name(), graphs.join(", ")));
    }
    if prepared.conversations.is_empty() {
        let first = prepared.left_out.first().map_or(String::new(), |reason| format!(": {reason}"));
        return Some(format!("{} fits none of the scenario's conversations{first}", case.model));
    }
    let context = model.folder.config().context;
    if prepared.context_tokens as usize > context {
        return Some(format!(
            "prompts and longest answers need {} positions, {} has a context of {context}: shorten the scenario",
            prepared.context_tokens, case.model
        ));
    }
    None
}

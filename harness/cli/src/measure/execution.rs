//! The execution of a plan: case after case, each stored before the next begins.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use anyhow::{Context, Result};
use pocketwatt_record::{Absent, AbsentKind, Case, Quality, Record, Run, RunFolder};
use pocketwatt_scenario::Scenario;

use super::{
    CaseInput, CaseMeters, CaseProgress, Device, Ended, Entered, Mailbox, Materials, Programs, RunnerProgram,
    judgement,
    materials::{model_of, scenario_of},
    measure_case,
    quality::{Question, Respondent, Scorer},
    skipped,
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
}

impl<'a> Execution<'a> {
    /// Of the plan of `run`, with what its cases are made of.
    pub fn new(run: &'a Run, registry: &'a Registry, materials: &'a mut Materials) -> Self {
        let Materials { scenarios, models, prepared, programs } = materials;
        Self { run, registry, scenarios, models, prepared, programs, scorer: Scorer::default() }
    }

    /// Measures the cases at these places of the plan, and stores each record at once; only then are its answers judged.
    ///
    /// # Errors
    /// When a record cannot be stored, or a scenario does not fit a model. Stored records stay.
    pub fn measure(
        &mut self,
        folder: &RunFolder,
        places: &BTreeSet<usize>,
        instruments: &mut Instruments,
        listener: &mut dyn RunListener,
    ) -> Result<Completion> {
        let Instruments { meters, mailbox, device } = instruments;
        for (index, planned) in self.run.plan.iter().enumerate().filter(|(index, _)| places.contains(index)) {
            let case = &planned.case;
            if mailbox.interrupted() || device.enter(mailbox)? == Entered::Interrupted {
                return Ok(Completion::Interrupted);
            }
            let watch = device.watch();
            listener.begins(index);
            let mut progress = |progress| listener.progresses(index, progress);
            let Some(mut record) = self.case(case, meters, mailbox, &mut progress)? else {
                return Ok(Completion::Interrupted);
            };
            record.passport.run = Some(self.run.id.clone());
            record.passport.beside = device.met(watch);
            judgement::await_judgement(&mut record, scenario_of(case, self.scenarios)?);
            folder
                .write(&record)
                .with_context(|| format!("{} was measured but not stored; earlier cases are", case.id))?;
            self.judge(folder, &mut record)?;
            listener.ends(index, &record);
        }
        Ok(Completion::Complete)
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

    /// Measures one case; `None` when interrupted.
    fn case(
        &mut self,
        case: &Case,
        meters: &mut CaseMeters,
        mailbox: &mut Mailbox,
        progress: &mut dyn FnMut(CaseProgress),
    ) -> Result<Option<Record>> {
        let backend = self.registry.find(&case.backend)?;
        let model = model_of(case, self.models)?;
        let scenario = scenario_of(case, self.scenarios)?;
        let scenario_sha256 = scenario.sha256();
        let prepared = self.prepared.of(scenario, model, case.constrained)?;
        let skip = |reason: String| Ok(Some(skipped(case, model, &scenario_sha256, reason)));
        if let Some(reason) = obstacle(case, backend, model, &prepared) {
            return skip(reason);
        }
        let program = match self.programs.find(backend) {
            Ok(program) => program,
            Err(reason) => return skip(reason),
        };
        let quality = self.quality(case, backend, &program, model, mailbox);
        if mailbox.interrupted() {
            return Ok(None);
        }
        let input = CaseInput {
            case,
            quality,
            backend,
            program: &program,
            model,
            prepared: &prepared,
            scenario_sha256: &scenario_sha256,
            settings: &self.run.settings,
            bandwidth: self.run.bandwidth.iter().find(|bandwidth| bandwidth.threads == case.threads),
            at_least_ms: self.run.energy.at_least_ms.max(self.run.settings.sustain_ms.unwrap_or(0)),
            last_level_cache_bytes: self.run.device.last_level_cache_bytes,
            battery: self.run.energy.battery.as_ref(),
        };
        Ok(match measure_case(&input, meters, mailbox, progress) {
            Ended::Recorded(record) => Some(*record),
            Ended::Interrupted => None,
        })
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
            match self.programs.find(backend) {
                Ok(program) => return Ok(Respondent { backend, program }),
                Err(reason) => reasons.push(reason),
            }
        }
        Err(format!("no backend gives a reference in f32: {}", reasons.join("; ")))
    }
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

//! A whole plan: case after case, each stored before the next begins.

use std::{collections::BTreeMap, path::Path, time::Duration};

use anyhow::{Context, Result};
use pocketwatt_protocol::Precision;
use pocketwatt_record::{Absent, AbsentKind, Case, Passport, Quality, Record, Run, RunFolder};
use pocketwatt_scenario::Scenario;

use super::{
    CaseInput, CaseMeters, CaseProgress, Device, Ended, Entered, Mailbox, Programs, RunnerProgram, judgement,
    measure_case,
    quality::{Question, Respondent, Scorer},
    skipped,
};
use crate::{
    plan::{Backend, Prepared, PreparedModel, Registry, prepare},
    refusal::Refusal,
};

/// The backend whose f32 the others are compared with, as in `pocketwatt conformance`: the one whose model is written
/// here, operator by operator.
const REFERENCE_BACKEND: &str = "candle";

/// What the cases of a plan are made of.
#[derive(Debug)]
pub struct Sweep<'a> {
    run: &'a Run,
    registry: &'a Registry,
    models: &'a BTreeMap<String, PreparedModel>,
    scenarios: Vec<Scenario>,
    programs: Programs,
    scorer: Scorer,
}

/// Told before, during and after each case.
pub trait Observer {
    /// Case `index` of the plan begins.
    fn begins(&mut self, index: usize);
    /// It goes on.
    fn progresses(&mut self, index: usize, progress: CaseProgress);
    /// It has ended, and its record is stored.
    fn ends(&mut self, index: usize, record: &Record);
}

/// Whether the plan was gone through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SweepEnd {
    /// All cases have a record.
    Complete,
    /// The user stopped it.
    Interrupted,
}

impl<'a> Sweep<'a> {
    /// The plan of `run`, with everything that it names.
    ///
    /// # Errors
    /// When a stored scenario cannot be read.
    pub fn new(
        run: &'a Run,
        registry: &'a Registry,
        models: &'a BTreeMap<String, PreparedModel>,
        cache: &'a Path,
    ) -> Result<Self> {
        let scenarios = run.scenarios.iter().map(Scenario::stored).collect::<Result<_, _>>()?;
        Ok(Self { run, registry, models, scenarios, programs: Programs::new(cache), scorer: Scorer::default() })
    }

    /// Builds or finds every runner before the first case: a compiler must not run beside a measurement.
    ///
    /// # Errors
    /// When a backend of the plan is unknown.
    pub fn prepare_runners(&mut self) -> Result<()> {
        for planned in &self.run.plan {
            let backend = self.registry.find(&planned.case.backend)?;
            // What is missing is told as the reason of the skipped case.
            let _ = self.programs.find(backend);
        }
        Ok(())
    }

    /// Refuses to go on with other runners than those that measured these cases: cases of one run are compared.
    ///
    /// # Errors
    /// When a runner, or the library that it opens, was changed since the run began.
    pub fn ensure_same_runners<'r>(&mut self, done: impl Iterator<Item = (&'r Case, &'r Passport)>) -> Result<()> {
        for (case, passport) in done {
            let Some(measured_by) = &passport.runner_sha256 else { continue };
            let backend = self.registry.find(&case.backend)?;
            let Ok(program) = self.programs.find(backend) else { continue };
            let other = if program.sha256() != *measured_by {
                "the runner of {} is another program"
            } else if passport.library_sha256.is_some()
                && program.library_sha256() != passport.library_sha256.as_deref()
            {
                "the library of {} is another one"
            } else {
                continue;
            };
            let other = other.replace("{}", &backend.name);
            return Err(Refusal::error(format!("{other} than when the run began: start a new run")));
        }
        Ok(())
    }

    /// Measures every case that `wanted` says, and stores each record at once; only then are its answers judged.
    ///
    /// # Errors
    /// When a record cannot be stored, or a scenario does not fit a model. What was stored stays.
    pub fn measure(
        &mut self,
        folder: &RunFolder,
        wanted: impl Fn(&Case) -> bool,
        (meters, device): (&mut CaseMeters, &mut Device),
        mailbox: &mut Mailbox,
        observer: &mut dyn Observer,
    ) -> Result<SweepEnd> {
        for (index, planned) in self.run.plan.iter().enumerate() {
            if !wanted(&planned.case) {
                continue;
            }
            if mailbox.interrupted() || device.enter(mailbox)? == Entered::Interrupted {
                return Ok(SweepEnd::Interrupted);
            }
            let watch = device.watch();
            observer.begins(index);
            let mut progress = |progress| observer.progresses(index, progress);
            let prepared =
                prepare(self.scenario(&planned.case)?, self.model(&planned.case)?, planned.case.constrained)?;
            let Some(mut record) = self.case(&planned.case, &prepared, meters, mailbox, &mut progress)? else {
                return Ok(SweepEnd::Interrupted);
            };
            record.passport.run = Some(self.run.id.clone());
            record.passport.beside = device.met(watch);
            judgement::await_judgement(&mut record, self.scenario(&planned.case)?);
            folder
                .write(&record)
                .with_context(|| format!("{} was measured but not stored; earlier cases are", planned.case.id))?;
            self.judge_prepared(folder, &mut record, Some(prepared))?;
            observer.ends(index, &record);
        }
        Ok(SweepEnd::Complete)
    }

    /// Judges a stored record's answers, if they are not judged yet, and stores the record again.
    ///
    /// # Errors
    /// When it cannot be stored again. What was measured stays as it was stored.
    pub fn judge(&self, folder: &RunFolder, record: &mut Record) -> Result<()> {
        self.judge_prepared(folder, record, None)
    }

    fn judge_prepared(&self, folder: &RunFolder, record: &mut Record, prepared: Option<Prepared>) -> Result<()> {
        if record.unjudged.is_none() {
            return Ok(());
        }
        judgement::judge(record, self.scenario(&record.case)?, self.model(&record.case)?, prepared);
        let id = &record.case.id;
        if let Some(unjudged) = &record.unjudged {
            notice!("{id}: {unjudged}");
        }
        folder.write(record).with_context(|| format!("{id} is stored, but not what its answers are worth"))?;
        Ok(())
    }

    /// One case; nothing when interrupted.
    fn case(
        &mut self,
        case: &Case,
        prepared: &Prepared,
        meters: &mut CaseMeters,
        mailbox: &mut Mailbox,
        progress: &mut dyn FnMut(CaseProgress),
    ) -> Result<Option<Record>> {
        let backend = self.registry.find(&case.backend)?;
        let model = self.model(case)?;
        let scenario = self.scenario(case)?;
        let scenario_sha256 = scenario.sha256();
        let skip = |reason: String| Ok(Some(skipped(case, model, &scenario_sha256, reason)));
        if let Some(reason) = obstacle(case, backend, model, prepared) {
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
            prepared,
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

    fn model(&self, case: &Case) -> Result<&'a PreparedModel> {
        self.models.get(&case.model).with_context(|| format!("model {:?} was not prepared", case.model))
    }

    fn scenario(&self, case: &Case) -> Result<&Scenario> {
        let scenario = self.scenarios.iter().find(|scenario| scenario.name == case.scenario);
        scenario.with_context(|| format!("the run stores no scenario {:?}", case.scenario))
    }

    /// How near the backend's answers are to those in f32; nothing where that is not asked.
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

    /// The backend whose f32 is the reference: [`REFERENCE_BACKEND`] if it is in the plan, else the first that is.
    fn reference(&mut self) -> Result<Respondent<'a>, String> {
        let mut names: Vec<&str> = self.run.plan.iter().map(|planned| planned.case.backend.as_str()).collect();
        names.sort_by_key(|name| *name != REFERENCE_BACKEND);
        names.dedup();
        let mut reasons = Vec::new();
        for name in names {
            let Ok(backend) = self.registry.find(name) else { continue };
            if !backend.scored || !backend.precisions.contains(&Precision::F32) {
                continue;
            }
            match self.programs.find(backend) {
                Ok(program) => return Ok(Respondent { backend, program }),
                Err(reason) => reasons.push(reason),
            }
        }
        Err(format!("no backend gives a reference in f32: {}", reasons.join("; ")))
    }
}

/// Why a case cannot be measured, known before it is tried.
fn obstacle(case: &Case, backend: &Backend, model: &PreparedModel, prepared: &Prepared) -> Option<String> {
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

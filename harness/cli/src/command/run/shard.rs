//! A part of a plan, for processes that measure it together.

use anyhow::{Context, Result};
use pocketwatt_meter::{SystemRoot, boot_id};
use pocketwatt_protocol::wall_clock_unix_ms;
use pocketwatt_record::{Baseline, Case, EnergyPlan, RECORD_FORMAT, Run, RunSettings, Shard, StudySource};
use serde::Serialize;

use super::{RunArguments, plan::Plan};
use crate::{
    command::ownership::OwnedRun,
    exit::Exit,
    here::device_here,
    plan::{Registry, computed_precisions},
    report::output::date,
};

/// What makes two plans the same, on whatever machine.
#[derive(Serialize)]
struct Whole<'a> {
    cases: &'a [Case],
    /// Name and SHA-256.
    scenarios: Vec<(&'a str, String)>,
    settings: RunSettings,
    /// As asked for: a machine finds out itself which ones they are.
    cores: Option<&'a str>,
    baseline: Option<&'static str>,
    study: Option<&'a StudySource>,
}

impl Plan<'_> {
    /// The part that was asked for, or all of it. The models, scenarios and precisions are then those of the part.
    ///
    /// # Errors
    /// When the plan cannot be written as JSON.
    pub(super) fn part(mut self, arguments: &RunArguments, registry: &Registry) -> Result<Self> {
        let Some(choice) = arguments.begin.shard else { return Ok(self) };
        let sha256 = self.sha256(arguments)?;
        if let Some(turns) = self.settings.turns.as_mut().filter(|_| !arguments.begin.plan.names_seed()) {
            // All parts draw from one number, and each finds it by itself.
            turns.seed = u32::from_str_radix(sha256.get(..8).unwrap_or_default(), 16).unwrap_or_default();
        }
        let shard = choice.of(sha256, &self.guessed()?);
        let mut own = shard.cases.iter().map(|case| case.shard == shard.number);
        self.cases.retain(|_| own.next().unwrap_or(false));
        let cases = &self.cases;
        self.models.retain(|name, _| cases.iter().any(|case| case.model == *name));
        self.scenarios.retain(|scenario| cases.iter().any(|case| case.scenario == scenario.name));
        self.precisions = computed_precisions(cases, registry);
        if !arguments.begin.dry_run {
            notice!("{}", words(&shard));
        }
        self.shard = Some(shard);
        Ok(self)
    }

    fn sha256(&self, arguments: &RunArguments) -> Result<String> {
        let mut settings = RunSettings { cores: None, ..self.settings.clone() };
        if let Some(turns) = settings.turns.as_mut().filter(|_| !arguments.begin.plan.names_seed()) {
            turns.seed = 0;
        }
        let whole = Whole {
            cases: &self.cases,
            scenarios: self.scenarios.iter().map(|scenario| (scenario.name.as_str(), scenario.sha256())).collect(),
            settings,
            cores: self.settings.cores.as_ref().map(|cores| cores.asked.as_str()),
            baseline: self.baseline.as_ref().map(|baseline| match baseline {
                // Where they lie differs from machine to machine.
                Baseline::Runners(_) => "runners",
                Baseline::Themselves => "themselves",
            }),
            study: arguments.study.as_ref(),
        };
        Ok(pocketwatt_files::sha256(serde_json::to_string(&whole).context("the plan as JSON")?))
    }
}

/// `shard 2 of 3: 4 of the 12 cases of the plan`.
pub(super) fn words(shard: &Shard) -> String {
    let Shard { number, of, cases, .. } = shard;
    let own = cases.iter().filter(|case| case.shard == *number).count();
    let own = if own == 0 { "none".to_owned() } else { own.to_string() };
    format!("shard {number} of {of}: {own} of the {} cases of the plan", cases.len())
}

/// Stores the run of a shard that has no case, because there are more shards than scenarios and models: whoever collects the shards finds
/// as many as were asked for.
///
/// # Errors
/// When it cannot be stored.
pub(super) fn store_nothing(arguments: &RunArguments, plan: Plan) -> Result<Exit> {
    let started_unix_ms = wall_clock_unix_ms();
    let mut run = Run {
        format: RECORD_FORMAT,
        id: date::stamp(started_unix_ms),
        pocketwatt: env!("CARGO_PKG_VERSION").into(),
        started_unix_ms,
        command: std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect(),
        device: device_here(arguments.begin.device.as_deref()),
        bandwidth: Vec::new(),
        energy: EnergyPlan::default(),
        settings: plan.settings,
        scenarios: Vec::new(),
        plan: Vec::new(),
        baseline: plan.baseline,
        against: None,
        study: arguments.study.clone(),
        shard: plan.shard.map(|shard| Shard { boot_id: boot_id(&SystemRoot::real()), ..shard }),
        merged: None,
        rebuilt: None,
    };
    let owned = OwnedRun::begin(&arguments.results, &mut run)?;
    notice!(
        "nothing to measure: the plan has fewer scenarios and models than shards; an empty run is stored in {}",
        owned.folder().path().display()
    );
    Ok(Exit::Success)
}

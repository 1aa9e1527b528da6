//! What the cases of a plan are made of, each thing once: models on disk, scenarios in their tokens, runner programs.

use std::{collections::BTreeMap, path::Path, rc::Rc};

use anyhow::{Context, Result};
use pocketwatt_record::Case;
use pocketwatt_scenario::Scenario;

use super::Programs;
use crate::plan::{PreparedModel, PreparedScenario, PreparedScenarios, Registry};

/// The parts of a plan's cases.
#[derive(Debug)]
pub struct Materials {
    /// The plan's scenarios.
    pub scenarios: Vec<Scenario>,
    /// Its models by name.
    pub models: BTreeMap<String, PreparedModel>,
    /// Its scenarios in the tokens of its models.
    pub prepared: PreparedScenarios,
    /// The runners of its backends.
    pub programs: Programs,
}

impl Materials {
    /// Nothing is turned into tokens, found or built yet; `cache` is told to every runner.
    pub fn new(scenarios: Vec<Scenario>, models: BTreeMap<String, PreparedModel>, cache: &Path) -> Self {
        Self { scenarios, models, prepared: PreparedScenarios::default(), programs: Programs::new(cache) }
    }

    /// The scenario of a case in the tokens of its model.
    ///
    /// # Errors
    /// When one of them is not there, or they do not fit.
    pub fn prepared(&mut self, case: &Case) -> Result<Rc<PreparedScenario>> {
        let scenario = scenario_of(case, &self.scenarios)?;
        self.prepared.of(scenario, model_of(case, &self.models)?, case.constrained)
    }

    /// Finds or builds every runner before the first case: a compiler must not run beside a measurement, nor warm the device
    /// between two backends that are compared. What is missing is told later, as the reason of a skipped case.
    ///
    /// # Errors
    /// When a backend is unknown.
    pub fn find_programs<'c>(&mut self, cases: impl IntoIterator<Item = &'c Case>, registry: &Registry) -> Result<()> {
        self.programs.find_all(&registry.of_cases(cases)?);
        Ok(())
    }
}

/// The scenario that a case names.
///
/// # Errors
/// When it is not there.
pub fn scenario_of<'s>(case: &Case, scenarios: &'s [Scenario]) -> Result<&'s Scenario> {
    let scenario = scenarios.iter().find(|scenario| scenario.name == case.scenario);
    scenario.with_context(|| format!("there is no scenario {:?}", case.scenario))
}

/// The model that a case names.
///
/// # Errors
/// When it was not prepared.
pub fn model_of<'m>(case: &Case, models: &'m BTreeMap<String, PreparedModel>) -> Result<&'m PreparedModel> {
    models.get(&case.model).with_context(|| format!("model {:?} was not prepared", case.model))
}

//! What a run takes from a stored run that it measures again.

use std::collections::BTreeMap;

use anyhow::Result;
use pocketwatt_protocol::GraphKind;
use pocketwatt_record::{Case, Run, RunSettings, ScenarioSource};
use pocketwatt_scenario::Scenario;

use super::PlanArguments;

/// What is taken from a stored run that is measured again.
#[derive(Debug)]
pub(super) struct Again {
    pub scenarios: Vec<Scenario>,
    pub constrain: bool,
    /// The graph of each backend.
    pub graphs: BTreeMap<String, GraphKind>,
    pub settings: RunSettings,
}

impl PlanArguments {
    /// Takes from a stored run what the user did not specify, to measure those cases of it again.
    ///
    /// # Errors
    /// When a stored scenario cannot be read.
    pub fn adopt_run(&mut self, run: &Run, cases: &[&Case]) -> Result<()> {
        let of_cases = |source: &&ScenarioSource| cases.iter().any(|case| case.scenario == source.name);
        let scenarios = run.scenarios.iter().filter(of_cases).map(Scenario::stored).collect::<Result<_, _>>()?;
        if self.model.is_empty() && self.sweep.is_empty() {
            self.model = distinct(cases.iter().map(|case| case.model.clone()));
        }
        if self.backend.is_empty() {
            self.backend = distinct(cases.iter().map(|case| case.backend.clone()));
        }
        if self.precision.is_empty() {
            self.precision = distinct(cases.iter().map(|case| case.precision));
        }
        if self.threads.is_empty() {
            self.threads = distinct(cases.iter().map(|case| case.threads));
        }
        self.again = Some(Again {
            scenarios,
            constrain: cases.iter().any(|case| case.constrained),
            graphs: cases.iter().filter_map(|case| Some((case.backend.clone(), case.graph?))).collect(),
            settings: run.settings.clone(),
        });
        Ok(())
    }

    /// Whether the user named any part of a case.
    pub fn names_cases(&self) -> bool {
        let names = [&self.scenario, &self.model, &self.backend].iter().any(|names| !names.is_empty());
        names
            || !(self.sweep.is_empty() && self.precision.is_empty() && self.threads.is_empty())
            || self.graph.is_some()
            || self.constrain
    }

    /// Whether the user chose the order of the turns.
    pub fn names_seed(&self) -> bool {
        self.seed.is_some()
    }

    /// The graphs of backends that are measured again, unless the user chose one.
    pub fn graphs_again(&self) -> BTreeMap<String, GraphKind> {
        self.again.as_ref().filter(|_| self.graph.is_none()).map_or_else(BTreeMap::new, |again| again.graphs.clone())
    }
}

/// Each value once, in the order in which they come.
fn distinct<T: PartialEq>(values: impl Iterator<Item = T>) -> Vec<T> {
    let mut distinct = Vec::new();
    for value in values {
        if !distinct.contains(&value) {
            distinct.push(value);
        }
    }
    distinct
}

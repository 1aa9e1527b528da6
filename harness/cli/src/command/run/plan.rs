//! What a run sets out to do, by its arguments: the same for a dry run and for one that measures.

use std::collections::BTreeMap;

use anyhow::Result;
use pocketwatt_model::ModelConfig;
use pocketwatt_protocol::Precision;
use pocketwatt_record::{Against, Baseline, Case, PlannedCase, RunSettings, Shard};
use pocketwatt_scenario::{Data, Scenario};

use super::{RunArguments, again::StoredBaseline};
use crate::{
    measure::{Materials, in_folder, model_of, scenario_of},
    plan::{
        Backend, Outline, PlannedModel, Registry, Selection, computed_precisions, duration, plan_cases, with_baselines,
    },
    refusal::Refusal,
};

/// The cases of a run, and what they are made of, by name.
#[derive(Debug)]
pub(super) struct Plan<'r> {
    pub settings: RunSettings,
    pub scenarios: Vec<Scenario>,
    pub models: BTreeMap<String, PlannedModel>,
    pub backends: Vec<&'r Backend>,
    pub cases: Vec<Case>,
    /// In which some case is computed: weights are written in no others.
    pub precisions: Vec<Precision>,
    /// With what each runner is compared.
    pub baseline: Option<Baseline>,
    /// The stored run that is measured again.
    pub again: Option<StoredBaseline>,
    /// With what the run is compared at its end.
    pub against: Option<Against>,
    /// Which part of the plan these cases are, if they are not all.
    pub shard: Option<Shard>,
}

impl<'r> Plan<'r> {
    /// Combines what was asked for of this device. Nothing is written, and no meter is left open.
    ///
    /// # Errors
    /// When something is asked for that does not exist or does not fit together.
    pub fn make(arguments: &RunArguments, registry: &'r Registry, again: Option<StoredBaseline>) -> Result<Self> {
        arguments.begin.energy.check()?;
        let cores = arguments.begin.plan.cores(&arguments.begin.energy.root()?)?;
        let plan = Self::for_any_device(arguments, registry, again)?;
        Ok(Self { settings: RunSettings { cores, ..plan.settings }, ..plan })
    }

    /// The same for a device of which nothing is known here: whether it has the meters and the cores that were asked for, it finds out
    /// itself.
    ///
    /// # Errors
    /// As of [`Plan::make`].
    pub fn for_any_device(
        arguments: &RunArguments,
        registry: &'r Registry,
        again: Option<StoredBaseline>,
    ) -> Result<Self> {
        let asked = &arguments.begin.plan;
        let scenarios = asked.scenarios()?;
        let backends = registry.select(asked.backends())?;
        let library = arguments.cache.library()?;
        let names = asked.models()?;
        let models = names.iter().map(|name| Ok((name.clone(), PlannedModel::find(&library, name)?)));
        let models = models.collect::<Result<BTreeMap<_, _>>>()?;
        let cases = plan_cases(&Selection {
            scenarios: &scenarios,
            models: &names,
            precisions: asked.precisions(),
            threads: asked.threads(),
            backends: &backends,
            graph: asked.graph(),
            graphs: asked.graphs_again(),
            constrain: asked.constrain(&scenarios)?,
        })?;
        let cases = match &again {
            Some(again) => again.select(cases, arguments)?,
            None => cases,
        };
        let precisions = computed_precisions(&cases, registry);
        let baseline = asked_baseline(arguments, &backends)?;
        let cases = if baseline.is_some() { with_baselines(cases)? } else { cases };
        let settings = asked.settings();
        let against = again.as_ref().map(|again| again.stored(&cases, &settings)).transpose()?;
        Ok(Self { settings, scenarios, models, backends, cases, precisions, baseline, again, against, shard: None })
    }

    /// How long each case should take, by its text alone: models may still have to be generated.
    ///
    /// # Errors
    /// None: each case names a scenario and a model of the plan.
    pub fn guessed(&self) -> Result<Vec<PlannedCase>> {
        let guess = |case: &Case| {
            let (scenario, model) = (scenario_of(case, &self.scenarios)?, &self.models[&case.model]);
            Ok(self.estimated(case, &model.config(), Outline::guess(scenario), self.guessed_iterations(case)?))
        };
        self.cases.iter().map(guess).collect()
    }

    /// How many counted iterations a case should have, by its text alone.
    ///
    /// # Errors
    /// None: each case names a scenario of the plan.
    pub fn guessed_iterations(&self, case: &Case) -> Result<u32> {
        let is_seeded = self.models[&case.model].seeded();
        let items = scenario_of(case, &self.scenarios)?.data().filter(|_| !is_seeded).map(Data::item_count);
        Ok(items.map_or(self.settings.iterations, |items| items as u32))
    }

    /// The iterations of the case that has the fewest, by those of each.
    ///
    /// # Errors
    /// Those of `iterations`.
    pub fn fewest(&self, mut iterations: impl FnMut(&Case) -> Result<u32>) -> Result<u32> {
        self.cases.iter().try_fold(u32::MAX, |fewest, case| Ok(fewest.min(iterations(case)?)))
    }

    /// How long each case should take, by its tokens.
    ///
    /// # Errors
    /// When a scenario cannot be turned into tokens of a model.
    pub fn counted(&self, materials: &mut Materials) -> Result<Vec<PlannedCase>> {
        let count = |case: &Case| {
            let prepared = materials.prepared(case)?;
            let config = model_of(case, &materials.models)?.folder.config();
            Ok(self.estimated(case, config, prepared.outline(), prepared.iterations(self.settings.iterations)))
        };
        self.cases.iter().map(count).collect()
    }

    /// Whether a case is measured in blocks.
    pub fn takes_turns(&self, case: &Case) -> bool {
        let is_alone = || self.cases.iter().filter(|other| case.takes_turns_with(other)).count() == 1;
        let alone_in_blocks = self.against.as_ref().is_some_and(|against| against.alone_in_blocks);
        self.settings.turns.is_some() && (alone_in_blocks || !is_alone())
    }

    fn estimated(&self, case: &Case, config: &ModelConfig, outline: Outline, iterations: u32) -> PlannedCase {
        let turns = self.settings.turns.filter(|_| self.takes_turns(case));
        let settings = RunSettings { turns, ..self.settings.clone() };
        let estimate_s = duration(config, outline, case.precision, case.threads, iterations, &settings);
        PlannedCase { case: case.clone(), estimate_s, shard: None }
    }
}

/// With what each runner is compared, if that is asked for.
fn asked_baseline(arguments: &RunArguments, backends: &[&Backend]) -> Result<Option<Baseline>> {
    if arguments.beside_themselves {
        return Ok(Some(Baseline::Themselves));
    }
    let Some(folder) = &arguments.begin.baseline_runners else { return Ok(None) };
    let folder = std::path::absolute(folder)?;
    for backend in backends {
        in_folder(&folder, backend).map_err(|error| Refusal::error(error.to_string()))?;
    }
    Ok(Some(Baseline::Runners(folder)))
}

//! What all phones of a run need: the plan, the programs and the models.

use std::collections::BTreeMap;

use anyhow::Result;
use pocketwatt_phone::host::Upload;
use pocketwatt_scenario::Scenario;

use super::super::{RunArguments, again, outlook, plan::Plan};
use crate::{
    command::output,
    phone::{PhonePrograms, of_model, of_programs},
    plan::{PreparedModel, Registry},
};

/// Prepared here, because a phone that computes gets warm.
#[derive(Debug)]
pub(super) struct PhoneMaterials {
    /// Files for every phone.
    pub uploads: Vec<Upload>,
    /// The scenarios of the plan.
    pub scenarios: Vec<Scenario>,
    /// The number of its cases.
    pub cases: u32,
    /// How long all of it should take, in seconds, on this machine: a phone may take longer.
    pub estimate_s: f64,
}

impl PhoneMaterials {
    /// Plans and prepares; `None` if only the plan was asked for, which is written.
    ///
    /// # Errors
    /// When something is asked for that does not exist, or cannot be made.
    pub fn prepare(arguments: &mut RunArguments, registry: &Registry) -> Result<Option<Self>> {
        arguments.ensure_for_phones()?;
        let baseline = again::open(arguments)?;
        let plan = Plan::for_any_device(arguments, registry, baseline)?.part(arguments, registry)?;
        if arguments.begin.dry_run {
            output::write(&outlook::describe_for_any_device(&plan)?)?;
            return Ok(None);
        }
        if plan.cases.is_empty() {
            notice!("nothing is asked of a phone");
            return Ok(None);
        }
        let library = arguments.cache.library()?;
        let programs = PhonePrograms::find(&plan.backends, library.root())?;
        let mut uploads = of_programs(&programs, &plan.backends)?;
        let prepared = |name: &String| Ok((name.clone(), PreparedModel::prepare(&library, name, &plan.precisions)?));
        let models = plan.models.keys().map(prepared).collect::<Result<BTreeMap<_, _>>>()?;
        for model in models.values() {
            uploads.extend(of_model(model, &plan.precisions)?);
        }
        let estimate_s = plan.guessed()?.iter().map(|planned| planned.estimate_s).sum();
        Ok(Some(Self { uploads, scenarios: plan.scenarios, cases: plan.cases.len() as u32, estimate_s }))
    }
}

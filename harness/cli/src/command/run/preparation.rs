//! All that takes its time before a run begins: models are brought to the disk, scenarios turned into tokens, runners built.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use pocketwatt_protocol::wall_clock_unix_ms;
use pocketwatt_record::PlannedCase;

use super::{RunArguments, outlook, plan::Plan};
use crate::{
    measure::{Device, Mailbox, Materials},
    plan::{PreparedModel, Registry},
};

/// What a run needs to begin.
#[derive(Debug)]
pub(super) struct Preparation {
    pub started_unix_ms: u64,
    pub cases: Vec<PlannedCase>,
    pub materials: Materials,
    pub mailbox: Mailbox,
    /// On which nothing is measured yet.
    pub device: Device,
}

/// Prepares what the cases of the plan are made of.
///
/// # Errors
/// When somebody else measures and that is refused, a model cannot be made, a scenario does not fit a model, or the work is not that of
/// the run that it will be compared with.
pub(super) fn prepare(arguments: &RunArguments, registry: &Registry, plan: &Plan) -> Result<Preparation> {
    let device = arguments.beside.device();
    device.foresee()?;
    let library = arguments.cache.library()?;
    let prepared = |name: &String| Ok((name.clone(), PreparedModel::prepare(&library, name, &plan.precisions)?));
    let models = plan.models.keys().map(prepared).collect::<Result<BTreeMap<_, _>>>()?;
    // Until here, Ctrl-C ends the process at once, also while it waits for another one.
    let mailbox = Mailbox::with_signals()?;
    let mut materials = Materials::new(plan.scenarios.clone(), models, &arguments.cache.root()?);
    materials.programs.run_on(plan.settings.cores.as_ref());
    if let Some(baseline) = &plan.baseline {
        materials.programs.compare_with(baseline);
    }
    let cases = plan.counted(&mut materials)?;
    if let Some(baseline) = &plan.again {
        baseline.ensure_comparable(plan, &materials, arguments)?;
    }
    report_left_out(plan, &mut materials)?;
    let started_unix_ms = wall_clock_unix_ms();
    // Before anything is measured: a compiler must not run beside the bandwidth probe either.
    materials.find_programs(&plan.cases, registry)?;
    Ok(Preparation { started_unix_ms, cases, materials, mailbox, device })
}

fn report_left_out(plan: &Plan, materials: &mut Materials) -> Result<()> {
    let mut left_out = BTreeSet::new();
    for case in &plan.cases {
        left_out.extend(materials.prepared(case)?.left_out.iter().cloned());
    }
    outlook::report_left_out(&plan.scenarios, left_out.into_iter());
    Ok(())
}

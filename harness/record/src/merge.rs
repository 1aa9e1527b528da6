//! Shards of one plan, put together: what belongs together, and what does not.

mod device;
mod energy;
mod error;
mod programs;

use std::collections::BTreeMap;

pub use self::{error::MergeError, programs::Measurers};
use crate::{Merged, MergedShard, PlannedCase, RECORD_FORMAT, Run, ScenarioSource, Shard, ShardCase};

/// The run that shards of one plan make together. Its name, which is not a shard's, and its command line are still to be given.
/// Cases of shards that are not among these are [`Merged::missing`].
///
/// # Errors
/// The first thing because of which they do not belong together.
pub fn merge(shards: &[Run]) -> Result<Run, MergeError> {
    let mut shards = shards.iter().map(|run| Ok((of(run)?, run))).collect::<Result<Vec<_>, MergeError>>()?;
    shards.sort_by_key(|(shard, _)| shard.number);
    let Some((first, _)) = shards.first().copied() else { return Err(MergeError::Nothing) };
    // A shard without a case has measured nothing, and so nowhere.
    let Some((model, like)) = shards.iter().copied().find(|(_, run)| !run.plan.is_empty()) else {
        return Err(MergeError::Nothing);
    };
    for (shard, run) in &shards {
        ensure_same_plan((model, like), (shard, run))?;
        if !run.plan.is_empty() {
            ensure_measured_alike((model, like), (shard, run))?;
        }
    }
    if let Some(pair) = shards.windows(2).find(|pair| pair[0].0.number == pair[1].0.number) {
        return Err(MergeError::Twice {
            number: pair[0].0.number,
            one: pair[0].1.id.clone(),
            other: pair[1].1.id.clone(),
        });
    }
    let mut planned: BTreeMap<&str, PlannedCase> = BTreeMap::new();
    for (shard, run) in &shards {
        let numbered = |case: &PlannedCase| PlannedCase { shard: Some(shard.number), ..case.clone() };
        planned.extend(run.plan.iter().map(|case| (case.case.id.as_str(), numbered(case))));
    }
    let plan: Vec<PlannedCase> = first.cases.iter().filter_map(|case| planned.remove(case.id.as_str())).collect();
    let is_here = |case: &&ShardCase| shards.iter().any(|(shard, _)| shard.number == case.shard);
    Ok(Run {
        format: RECORD_FORMAT,
        started_unix_ms: shards.iter().map(|(_, run)| run.started_unix_ms).min().unwrap_or_default(),
        command: Vec::new(),
        // Each shard has its own, and its own `energy`, of which that of the model stands for all.
        bandwidth: Vec::new(),
        scenarios: scenarios(&plan, &shards),
        plan,
        shard: None,
        merged: Some(Merged {
            plan_sha256: first.plan_sha256.clone(),
            of: first.of,
            shards: shards.iter().map(|(shard, run)| merged_shard(shard, run)).collect(),
            missing: first.cases.iter().filter(|case| !is_here(case)).cloned().collect(),
        }),
        ..like.clone()
    })
}

fn of(run: &Run) -> Result<&Shard, MergeError> {
    if run.format.minor > RECORD_FORMAT.minor {
        return Err(MergeError::Newer { run: run.id.clone(), found: run.format });
    }
    match (&run.shard, &run.merged) {
        (Some(shard), _) => Ok(shard),
        (None, Some(_)) => Err(MergeError::MergedAlready { run: run.id.clone() }),
        (None, None) => Err(MergeError::NoShard { run: run.id.clone() }),
    }
}

fn merged_shard(shard: &Shard, run: &Run) -> MergedShard {
    MergedShard {
        number: shard.number,
        run: run.id.clone(),
        started_unix_ms: run.started_unix_ms,
        command: run.command.clone(),
        boot_ids: shard.boot_id.iter().cloned().collect(),
        energy: Some(run.energy.clone()),
        bandwidth: run.bandwidth.clone(),
    }
}

/// Those of the plan, in its order.
fn scenarios(plan: &[PlannedCase], shards: &[(&Shard, &Run)]) -> Vec<ScenarioSource> {
    let mut found: Vec<ScenarioSource> = Vec::new();
    for planned in plan {
        let name = &planned.case.scenario;
        if !found.iter().any(|scenario| scenario.name == *name) {
            let stored = shards.iter().flat_map(|(_, run)| &run.scenarios).find(|scenario| scenario.name == *name);
            found.extend(stored.cloned());
        }
    }
    found
}

/// Parts of the same whole, planned by the same program.
fn ensure_same_plan((model, like): (&Shard, &Run), (shard, run): (&Shard, &Run)) -> Result<(), MergeError> {
    if run.pocketwatt != like.pocketwatt {
        return Err(MergeError::OtherVersion {
            run: run.id.clone(),
            found: run.pocketwatt.clone(),
            like: like.id.clone(),
            expected: like.pocketwatt.clone(),
        });
    }
    let is_same = (&shard.plan_sha256, shard.of, &shard.cases) == (&model.plan_sha256, model.of, &model.cases);
    if !is_same {
        return Err(MergeError::OtherPlan {
            run: run.id.clone(),
            shard: format!("shard {} of {}", shard.number, shard.of),
            like: like.id.clone(),
            expected: format!("shard {} of {}", model.number, model.of),
        });
    }
    Ok(())
}

/// On the same device, in the same way.
fn ensure_measured_alike((_, like): (&Shard, &Run), (shard, run): (&Shard, &Run)) -> Result<(), MergeError> {
    if let Some(differs) = device::difference(&like.device, &run.device) {
        return Err(MergeError::OtherDevice {
            number: shard.number,
            run: run.id.clone(),
            device: run.device.name.clone(),
            like: like.id.clone(),
            expected: like.device.name.clone(),
            differs,
        });
    }
    let other_settings = (run.settings != like.settings).then_some("settings");
    match other_settings.or_else(|| energy::difference(&like.energy, &run.energy)) {
        Some(what) => Err(MergeError::OtherWay { what, run: run.id.clone(), like: like.id.clone() }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;

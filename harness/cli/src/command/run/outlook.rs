//! What a run reports before it begins.

use std::path::Path;

use anyhow::Result;
use pocketwatt_meter::DeviceFacts;
use pocketwatt_protocol::{Precision, wall_clock_unix_ms};
use pocketwatt_record::{Baseline, Calibration, Case, PlannedCase};
use pocketwatt_scenario::{Data, Scenario};

use super::{RunArguments, plan::Plan, shard};
use crate::{
    columns,
    command::device_calibration::{DeviceAt, StoredCalibration},
    here::device_here,
    inert,
    plan::{PlannedModel, energy},
    report::{PlannedBlocks, output::waiting_time},
};

/// Reports which rows of data files cannot be measured: the first ones by name, and their number.
pub(super) fn report_left_out(scenarios: &[Scenario], left_out: impl Iterator<Item = String>) {
    const NAMED: usize = 20;
    let data = || scenarios.iter().filter_map(Scenario::data);
    let rejected: usize = data().map(Data::rejected_rows).sum();
    let left_out: Vec<String> = left_out.collect();
    for reason in data().flat_map(|data| &data.rejected).chain(&left_out).take(NAMED) {
        notice!("left out: {reason}");
    }
    let count = rejected + left_out.len();
    if count > 0 {
        let rows = rejected + data().map(|data| data.usable).sum::<usize>();
        notice!("{count} of {rows} rows are left out, the others are measured");
    }
}

/// Which differences the blocks of a plan will show, by the calibration of the device: `None` if there is none, or nothing is compared
/// in blocks. One that does not hold is no obstacle, and is reported. `iterations` are those of the case that has the fewest.
pub(super) fn blocks(results: &Path, device: &DeviceFacts, plan: &Plan, iterations: u32) -> Option<String> {
    let pairs = plan.cases.iter().map(|case| pairs_beside(case, &plan.cases)).max().filter(|pairs| *pairs > 0)?;
    let turns = plan.settings.turns.filter(|_| plan.baseline != Some(Baseline::Themselves))?;
    let found = StoredCalibration::first([Calibration::path(results, &device.name)]);
    let found = found.map_err(|error| notice!("passed over: {:#}", anyhow::Error::from(error))).ok()??;
    if let Err(reason) = found.ensure_holds(&[DeviceAt { device, unix_ms: wall_clock_unix_ms() }]) {
        notice!("passed over: the calibration {} does not hold: {reason}", found.path.display());
        return None;
    }
    let planned = PlannedBlocks { cases: &plan.cases, blocks: turns.blocks.min(iterations), pairs };
    Some(planned.text(&found.calibration))
}

/// How many pairs of cases are compared in the table of a case: every two, or each with its baseline.
fn pairs_beside(case: &Case, cases: &[Case]) -> usize {
    let (baselines, others): (Vec<&Case>, Vec<&Case>) =
        cases.iter().filter(|other| case.stands_beside(other)).partition(|other| other.baseline);
    if baselines.is_empty() { others.len() * (others.len() - 1) / 2 } else { baselines.len() }
}

/// What would be measured, and how long it should take.
///
/// # Errors
/// When a requested meter cannot be read.
pub(super) fn describe(plan: &Plan, arguments: &RunArguments) -> Result<String> {
    let mut cases = plan.guessed()?;
    let (_, energy) = arguments.begin.energy.prepare()?;
    energy::add_time(&mut cases, &energy, &plan.settings);
    let device = device_here(arguments.begin.device.as_deref());
    let iterations = plan.fewest(|case| plan.guessed_iterations(case))?;
    let blocks = blocks(&arguments.results, &device, plan, iterations);
    let announcements: String =
        energy::announcement(&energy, cases.len()).into_iter().chain(blocks).map(|line| line + "\n").collect();
    Ok(describe_cases(&cases) + &describe_shard(plan) + &describe_models(plan) + &announcements)
}

/// The same for a device of which nothing is known here.
///
/// # Errors
/// None: each case names a scenario and a model of the plan.
pub(super) fn describe_for_any_device(plan: &Plan) -> Result<String> {
    Ok(describe_cases(&plan.guessed()?) + &describe_shard(plan) + &describe_models(plan))
}

fn describe_cases(plan: &[PlannedCase]) -> String {
    let width = columns::widest(plan.iter().map(|planned| planned.case.id.as_str()));
    let mut text = String::new();
    for planned in plan {
        text += &format!("{:width$}  about {}\n", planned.case.id, waiting_time(planned.estimate_s));
    }
    let total: f64 = plan.iter().map(|planned| planned.estimate_s).sum();
    text + &format!("{} cases, about {}\n", plan.len(), waiting_time(total))
}

/// Which part of the plan this is, if it is not all.
fn describe_shard(plan: &Plan) -> String {
    plan.shard.as_ref().map_or_else(String::new, |shard| shard::words(shard) + "\n")
}

/// What would be written first.
fn describe_models(plan: &Plan) -> String {
    let mut text = String::new();
    for (name, model) in &plan.models {
        let (missing, bytes) = model.to_write(&plan.precisions);
        let missing: Vec<&str> = missing.into_iter().map(Precision::name).collect();
        let (name, missing, mebibytes) = (inert::line(name), missing.join(", "), bytes >> 20);
        match model {
            PlannedModel::Seeded(_) if missing.is_empty() => {
                text += &format!("{name} does not exist yet and would be generated first, without weights\n");
            }
            PlannedModel::Seeded(_) => {
                text +=
                    &format!("{name} does not exist yet and would be generated first in {missing}: {mebibytes} MiB\n");
            }
            PlannedModel::Present(_) if missing.is_empty() => {}
            PlannedModel::Present(_) => {
                text += &format!("{name} would be written in {missing} first: {mebibytes} MiB\n");
            }
        }
    }
    text
}

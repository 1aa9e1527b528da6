//! What a run reports before it begins.

use anyhow::Result;
use pocketwatt_protocol::Precision;
use pocketwatt_record::PlannedCase;
use pocketwatt_scenario::{Data, Scenario};

use super::plan::Plan;
use crate::{
    columns,
    command::energy::EnergyArguments,
    inert,
    plan::{PlannedModel, energy},
    report::output::waiting_time,
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

/// What would be measured, and how long it should take.
///
/// # Errors
/// When a requested meter cannot be read.
pub(super) fn describe(plan: &Plan, asked: &EnergyArguments) -> Result<String> {
    let mut cases = plan.guessed()?;
    let (_, energy) = asked.prepare()?;
    energy::add_time(&mut cases, &energy, &plan.settings);
    let announcement = energy::announcement(&energy, cases.len()).map_or(String::new(), |line| line + "\n");
    Ok(describe_cases(&cases) + &describe_models(plan) + &announcement)
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

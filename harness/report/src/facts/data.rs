//! How a scenario's file was used: whose rule judges its answers, and which rows are in no number.

use pocketwatt_record::{Record, Run, ScenarioSource};
use pocketwatt_scenario::Data;
use serde::Deserialize;

use crate::output::inert::one_line;

/// Name and text of each fact, in the order of the scenarios.
pub fn facts(run: &Run) -> Vec<(&'static str, String)> {
    let of = |scenario: &ScenarioSource| {
        let data = Data::deserialize(scenario.data.as_ref()?).ok()?;
        let name = one_line(&scenario.name);
        let calls = judged_by(run, &data).map(|rule| ("calls", format!("{name}: {rule}")));
        let left_out = unusable(&data).map(|rows| ("left out", format!("{name}: {rows}")));
        Some(calls.into_iter().chain(left_out))
    };
    run.scenarios.iter().filter_map(of).flatten().collect()
}

/// Rows that did not fit a model.
pub fn left_out(record: &Record) -> Option<String> {
    let left_out = record.passport.left_out.as_ref()?;
    let (scenario, model) = (&record.case.scenario, &record.case.model);
    Some(one_line(&format!("{scenario} with {model}: {left_out}")))
}

/// The rule that judges calls, if it is not only ours. Before format 1.5, BFCL's rule replaced ours.
fn judged_by(run: &Run, data: &Data) -> Option<String> {
    let metrics = match run.format.minor {
        ..5 => "EM_intent and EM_structure are",
        5.. => "EM_intent and EM_structure are by our rule; \"right call (BFCL)\" is",
    };
    data.is_judged_by_bfcl().then(|| {
        format!(
            "{metrics} by the rule of BFCL's own checker: texts without case, spaces and some punctuation, no 3.0 for an \
             integer, and any answer without a call where no function fits"
        )
    })
}

/// Rows that fit no model.
fn unusable(data: &Data) -> Option<String> {
    let first = data.rejected.first()?;
    let rows = data.rejected_rows();
    Some(one_line(&format!("{rows} of {} rows cannot be used, the first: {first}", rows.saturating_add(data.usable))))
}

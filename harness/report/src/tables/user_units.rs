//! Energy in units for people who carry the device: shares of a battery, hours, single answers.

use pocketwatt_meter::energy::Scope;
use pocketwatt_record::{AnswerWorth, BatteryAssumption, EnergyMetric, MetricScope, Record};

use crate::{
    cases::CaseGroup,
    facts::scope_name,
    output::{
        inert::one_line,
        quantity::{Quantity, exact},
    },
};

const METRIC: EnergyMetric = EnergyMetric::BatteryPerRequest;

/// The battery, then a line for each case that has figures of the same scope; empty if there is no
/// battery.
pub fn user_units(group: &CaseGroup) -> Vec<String> {
    let Some(scope) = widest(group) else { return Vec::new() };
    let mut lines = Vec::new();
    for column in group.columns.iter().filter(|column| column.measured()) {
        let Some(battery) = &column.record.passport.battery else { continue };
        let Some(line) = line(column.record, battery, &scope) else { continue };
        if lines.is_empty() {
            lines.push(assumption(battery, &scope));
        }
        lines.push(format!("{}: {line}", column.name));
    }
    lines
}

/// The scope with numbers that is nearest to what a battery feeds: the whole device, else the platform, else the preferred one.
/// All cases use the same scope, because joules of different scopes side by side would be compared.
fn widest(group: &CaseGroup) -> Option<MetricScope> {
    let columns = || group.columns.iter().filter(|column| column.measured());
    let values = || columns().flat_map(|column| column.record.values(METRIC));
    let preferred = values().find_map(|value| value.scope.as_ref());
    let wider = [Scope::Device, Scope::Platform]
        .map(|wanted| values().filter_map(|value| value.scope.as_ref()).find(|scope| scope.scope == wanted));
    let measured =
        |scope: &&MetricScope| values().any(|value| value.scope.as_ref() == Some(*scope) && value.summary().is_some());
    wider.into_iter().chain([preferred]).flatten().find(measured).cloned()
}

/// What is divided, and what is assumed to drain the battery beside the model.
fn assumption(battery: &BatteryAssumption, scope: &MetricScope) -> String {
    let idle = match battery.idle_watts {
        Some(watts) => format!("idle power {} W as stated", exact(watts)),
        None => "idle power as measured".to_owned(),
    };
    let counted = match scope.scope {
        Scope::Device => "",
        _ => " alone, so that a real charge lasts less",
    };
    format!(
        "{} ({}), {idle}, screen {} W as stated; energy of the {}{counted}",
        Quantity::new(battery.joules, "J").prefixed().in_text(),
        one_line(&battery.basis),
        exact(battery.screen_watts),
        scope_name(scope, false)
    )
}

fn line(record: &Record, battery: &BatteryAssumption, scope: &MetricScope) -> Option<String> {
    let value = |metric: EnergyMetric| number(record, metric, scope);
    let (one, many) = match asked_for(record) {
        Asked::Calls => ("an API call", "API calls"),
        Asked::Conversation => ("a chat turn", "chat"),
        Asked::Requests => ("a request", "requests"),
    };
    let share = value(METRIC)?.text(100.0, "%");
    let energy = value(EnergyMetric::EnergyPerRequest)
        .filter(|_| asked_for(record) == Asked::Calls)
        .map(|energy| if energy.value >= 1.0 { energy.text(1.0, "J") } else { energy.text(1e3, "mJ") });
    let energy = energy.map_or_else(String::new, |energy| format!("{energy}, "));
    let mut parts = vec![format!("{one} takes {energy}{share} of the charge")];
    parts.extend(
        value(EnergyMetric::ChatHoursPerCharge)
            .map(|hours| format!("{} of {many} per charge, back to back", hours.text(1.0, "h"))),
    );
    parts.extend(value(EnergyMetric::TokensPerWattHour).map(|tokens| tokens.text(1.0, "tokens/Wh")));
    if battery.idle_watts.is_none() {
        parts.extend(value(EnergyMetric::IdlePower).map(|idle| format!("idle {}", idle.text(1.0, "W"))));
    }
    Some(parts.join("; "))
}

/// What a request is, by the shape of what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// Calls of functions.
    Calls,
    /// One conversation of several turns.
    Conversation,
    /// Whatever a user may ask: single requests, or conversations of many kinds.
    Requests,
}

fn asked_for(record: &Record) -> Asked {
    let iterations = &record.samples.iterations;
    if record.unjudged.is_some() || record.calls.iter().any(|answer| matches!(answer.worth, AnswerWorth::Call { .. })) {
        Asked::Calls
    } else if !iterations.is_empty()
        && iterations.iter().all(|iteration| iteration.conversation == 0 && iteration.turns.len() > 1)
    {
        Asked::Conversation
    } else {
        Asked::Requests
    }
}

struct Number {
    value: f64,
    uncertainty: Option<f64>,
}

impl Number {
    fn text(&self, factor: f64, unit: &str) -> String {
        Quantity::new(self.value * factor, unit).with(self.uncertainty.map(|half| half * factor)).in_text()
    }
}

fn number(record: &Record, metric: EnergyMetric, scope: &MetricScope) -> Option<Number> {
    let found = record.values(metric).find(|value| value.scope.as_ref() == Some(scope))?;
    Some(Number { value: found.summary()?.mean, uncertainty: found.uncertainty })
}

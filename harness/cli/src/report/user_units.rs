//! Energy in the units of whoever carries the device: shares of a battery, hours, single answers.

use pocketwatt_meter::energy::Scope;
use pocketwatt_record::{BatteryAssumption, MetricScope, MetricValue, Record, Summary, Value};

use super::{
    blocks::{Block, one_line},
    energy_rows::scope_words,
    quantity::{between, joules},
};

/// The battery that is meant, then a line for each case that has figures; nothing where there is no battery.
pub fn user_units(block: &Block) -> Vec<String> {
    let mut lines = Vec::new();
    for column in block.columns.iter().filter(|column| column.measured()) {
        let Some(battery) = &column.record.passport.battery else { continue };
        let Some(line) = line(column.record, battery) else { continue };
        if lines.is_empty() {
            lines.push(assumption(column.record, battery));
        }
        lines.push(format!("{}: {line}", column.name));
    }
    lines
}

/// What is divided, and what is taken to drain the battery beside the model.
fn assumption(record: &Record, battery: &BatteryAssumption) -> String {
    let idle = match battery.idle_watts {
        Some(watts) => format!("idle power {watts} W as stated"),
        None => "idle power as measured".to_owned(),
    };
    let scope = widest(record, "battery_per_request");
    let covers = scope.map_or_else(String::new, |scope| match scope.scope {
        Scope::Device => format!(", energy of the {}", scope_words(scope)),
        _ => format!(", energy of the {} alone: the rest of the device is not counted", scope_words(scope)),
    });
    let (charge, basis) = (joules(battery.joules), one_line(&battery.basis));
    format!("{charge} ({basis}), {idle}, screen {} W as stated{covers}", battery.screen_watts)
}

fn line(record: &Record, battery: &BatteryAssumption) -> Option<String> {
    let scope = widest(record, "battery_per_request")?.clone();
    let value = |metric: &str| number(record, metric, &scope);
    let scenario = record.case.scenario.as_str();
    let (one, many) = match scenario {
        "api-call" => ("API call", "API calls"),
        name if name.starts_with("chat") => ("chat turn", "chat"),
        _ => ("request", "requests"),
    };
    let mut parts = Vec::new();
    if let (Some((energy, uncertainty)), "api-call") = (value("energy_per_request"), scenario) {
        let (factor, unit) = if energy >= 1.0 { (1.0, "J") } else { (1e3, "mJ") };
        parts.push(format!(
            "an API call takes {} {unit}",
            between(energy * factor, uncertainty.map(|half| half * factor))
        ));
    }
    let (share, uncertainty) = value("battery_per_request")?;
    let per_cent = between(share * 100.0, uncertainty.map(|half| half * 100.0));
    parts.push(format!("{per_cent} % of it a {one}").replace(" a API", " an API"));
    if let Some((hours, uncertainty)) = value("chat_hours_per_charge") {
        parts.push(format!("{} h of {many} per charge, back to back", between(hours, uncertainty)));
    }
    if let Some((tokens, uncertainty)) = value("tokens_per_watt_hour") {
        parts.push(format!("{} tokens/Wh", between(tokens, uncertainty)));
    }
    if let (None, Some((watts, _))) = (battery.idle_watts, value("idle_power")) {
        parts.push(format!("idle {} W", between(watts, None)));
    }
    Some(parts.join(", "))
}

/// The scope nearest to what a battery feeds: the whole device, else the platform, else the preferred one.
fn widest<'a>(record: &'a Record, metric: &str) -> Option<&'a MetricScope> {
    let scopes: Vec<&MetricScope> =
        record.metrics.iter().filter(|value| value.metric == metric).filter_map(measured).collect();
    [Scope::Device, Scope::Platform]
        .iter()
        .find_map(|wanted| scopes.iter().find(|scope| scope.scope == *wanted))
        .or(scopes.first())
        .copied()
}

fn measured(value: &MetricValue) -> Option<&MetricScope> {
    value.scope.as_ref().filter(|_| matches!(value.value, Value::Measured(_)))
}

fn number(record: &Record, metric: &str, scope: &MetricScope) -> Option<(f64, Option<f64>)> {
    let found = record.metrics.iter().find(|value| value.metric == metric && value.scope.as_ref() == Some(scope))?;
    match &found.value {
        Value::Measured(Summary { mean, .. }) => Some((*mean, found.uncertainty)),
        Value::Unavailable(_) => None,
    }
}

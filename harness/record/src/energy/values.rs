//! Metrics of energy, from figures and samples.

use pocketwatt_meter::energy::Reason;

use super::{
    Energy, EnergyFigure, Idle, Phase,
    spans::{Spans, counted, duration_ns},
    stretch::stretch_power,
};
use crate::{BatteryAssumption, MetricScope, MetricValue, Record, Summary, Value, calls};

const JOULES_PER_WATT_HOUR: f64 = 3600.0;
const SECONDS_PER_HOUR: f64 = 3600.0;
/// The metrics of the catalogue that this file computes.
pub(crate) const METRICS: [&str; 18] = [
    "energy_per_request",
    "net_energy_per_request",
    "energy_per_prefill_token",
    "net_energy_per_prefill_token",
    "energy_per_output_token",
    "net_energy_per_output_token",
    "energy_per_call",
    "energy_per_correct_call",
    "load_energy",
    "prefill_power",
    "decode_power",
    "idle_power",
    "energy_delay_product",
    "tokens_per_watt_hour",
    "battery_per_request",
    "chat_hours_per_charge",
    "burst_power",
    "sustained_power",
];
const NO_BATTERY: &str = "no battery stated (--battery 50kJ)";

/// A number and half the width of its 95 % interval.
#[derive(Clone, Copy, Debug)]
pub(super) struct Figure {
    pub value: f64,
    pub uncertainty: f64,
}

impl Figure {
    fn times(self, factor: f64) -> Self {
        Self { value: self.value * factor, uncertainty: self.uncertainty * factor.abs() }
    }

    /// `numerator` over this; the relative uncertainty stays.
    fn under(self, numerator: f64) -> Result<Self, String> {
        if self.value <= 0.0 {
            return Err("no energy was used".to_owned());
        }
        let value = numerator / self.value;
        Ok(Self { value, uncertainty: value * self.uncertainty / self.value })
    }
}

/// The values of a metric of energy, one for each figure, or one with the reason if there are no figures; nothing for a
/// metric of something else.
pub(crate) fn energy_metric(name: &str, record: &Record, figures: &[EnergyFigure]) -> Option<Vec<MetricValue>> {
    if !METRICS.contains(&name) {
        return None;
    }
    if figures.is_empty() {
        let reason = record.readings.no_energy.as_ref().map_or(Reason::NotCovered, |unavailable| unavailable.reason);
        let value = Value::Unavailable(reason.words().to_owned());
        return Some(vec![MetricValue { metric: name.to_owned(), scope: None, uncertainty: None, value }]);
    }
    if let Some(powers) = stretch_power(name, record) {
        return Some(figures.iter().zip(powers).map(|(figure, power)| value(name, figure, power)).collect());
    }
    let spans = Spans::of(counted(record));
    let battery = record.passport.battery.as_ref();
    let calls = calls::counts(record);
    Some(figures.iter().map(|figure| value(name, figure, observe(name, figure, &spans, battery, &calls))).collect())
}

fn value(name: &str, figure: &EnergyFigure, observed: Result<Figure, String>) -> MetricValue {
    let scope = MetricScope { scope: figure.scope, source: figure.source, part: figure.part.clone() };
    let (uncertainty, value) = match observed.map(|figure| (figure.uncertainty, Summary::of(&[figure.value]))) {
        Ok((uncertainty, Some(summary))) if uncertainty.is_finite() => (Some(uncertainty), Value::Measured(summary)),
        Ok(_) => (None, Value::Unavailable("no finite number".to_owned())),
        Err(reason) => (None, Value::Unavailable(reason)),
    };
    MetricValue { metric: name.to_owned(), scope: Some(scope), uncertainty, value }
}

/// The pooled observation of a case.
fn observe(
    name: &str,
    figure: &EnergyFigure,
    spans: &Spans,
    battery: Option<&BatteryAssumption>,
    calls: &Result<(u64, u64), String>,
) -> Result<Figure, String> {
    let turns = spans.request.len() as u64;
    let seconds = duration_ns(&spans.request) as f64 * 1e-9;
    let latency = seconds / turns.max(1) as f64;
    match name {
        "energy_per_request" => per(gross(figure, Phase::Request), turns),
        "net_energy_per_request" => per(net(figure, Phase::Request), turns),
        "energy_per_prefill_token" => per(gross(figure, Phase::Prefill), spans.prompt_tokens),
        "net_energy_per_prefill_token" => per(net(figure, Phase::Prefill), spans.prompt_tokens),
        "energy_per_output_token" => per(gross(figure, Phase::Decode), spans.decoded_tokens),
        "net_energy_per_output_token" => per(net(figure, Phase::Decode), spans.decoded_tokens),
        "energy_per_call" => per_call(figure, calls.as_ref().map(|(complete, _)| *complete), "no call was complete"),
        "energy_per_correct_call" => per_call(figure, calls.as_ref().map(|(_, right)| *right), "no call was right"),
        "load_energy" => gross(figure, Phase::Load),
        "prefill_power" => power(figure, Phase::Prefill),
        "decode_power" => power(figure, Phase::Decode),
        "idle_power" => idle(figure),
        "energy_delay_product" => per(gross(figure, Phase::Request), turns).map(|energy| energy.times(latency)),
        "tokens_per_watt_hour" => gross(figure, Phase::Request)
            .and_then(|energy| energy.under(JOULES_PER_WATT_HOUR * spans.output_tokens as f64)),
        "battery_per_request" => {
            drained(figure, seconds, battery).and_then(|(joules, battery)| per(Ok(joules.times(1.0 / battery)), turns))
        }
        "chat_hours_per_charge" => drained(figure, seconds, battery)
            .and_then(|(joules, battery)| joules.under(battery * seconds / SECONDS_PER_HOUR)),
        _ => Err("no formula".to_owned()),
    }
}

/// What the battery gives during all requests, and what it holds. With the idle power as it was measured, the net energy
/// and the idle energy are the gross energy again, and the idle power's uncertainty is in neither.
fn drained(figure: &EnergyFigure, seconds: f64, battery: Option<&BatteryAssumption>) -> Result<(Figure, f64), String> {
    let battery = battery.ok_or(NO_BATTERY)?;
    if battery.joules.is_nan() || battery.joules <= 0.0 {
        return Err(NO_BATTERY.to_owned());
    }
    let (energy, beside) = match battery.idle_watts {
        Some(idle) => (net(figure, Phase::Request)?, idle + battery.screen_watts),
        None => (gross(figure, Phase::Request)?, battery.screen_watts),
    };
    Ok((Figure { value: energy.value + beside * seconds, ..energy }, battery.joules))
}

fn gross(figure: &EnergyFigure, phase: Phase) -> Result<Figure, String> {
    figure.phase(phase).map_or(Err("did not happen".to_owned()), |energy| known(&energy.gross))
}

fn net(figure: &EnergyFigure, phase: Phase) -> Result<Figure, String> {
    figure.phase(phase).map_or(Err("did not happen".to_owned()), |energy| known(&energy.net))
}

fn known(energy: &Energy) -> Result<Figure, String> {
    match energy {
        Energy::Measured { joules, uncertainty_joules } => {
            Ok(Figure { value: *joules, uncertainty: *uncertainty_joules })
        }
        Energy::Unavailable(unavailable) => Err(unavailable.reason.words().to_owned()),
    }
}

fn per(energy: Result<Figure, String>, units: u64) -> Result<Figure, String> {
    if units == 0 {
        return Err("nothing is generated".to_owned());
    }
    Ok(energy?.times(1.0 / units as f64))
}

fn per_call(figure: &EnergyFigure, calls: Result<u64, &String>, none: &str) -> Result<Figure, String> {
    match calls {
        Err(reason) => Err(reason.clone()),
        Ok(0) => Err(none.to_owned()),
        Ok(calls) => per(gross(figure, Phase::Request), calls),
    }
}

fn power(figure: &EnergyFigure, phase: Phase) -> Result<Figure, String> {
    let seconds = figure.phase(phase).map_or(0.0, |energy| energy.duration_ns as f64 * 1e-9);
    let energy = gross(figure, phase)?;
    if seconds > 0.0 { Ok(energy.times(1.0 / seconds)) } else { Err("no time passed".to_owned()) }
}

fn idle(figure: &EnergyFigure) -> Result<Figure, String> {
    match &figure.idle {
        Idle::Measured(power) => Ok(Figure { value: power.watts(), uncertainty: 2.0 * power.uncertainty_watts }),
        Idle::Unavailable(unavailable) => Err(unavailable.reason.words().to_owned()),
    }
}

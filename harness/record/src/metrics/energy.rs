//! Joules and watts.

use super::{
    calls::call_counts,
    definition::{Consumption, Observe::Figure, metrics},
};
use crate::{
    Absent,
    AbsentKind::{self, DidNotHappen, NoBattery, NoCompleteCall, NoRightCall, NoTimePassed, NothingGenerated},
    Energy, Idle, Phase, PhaseEnergy, Uncertain,
    energy::duration_ns,
};

const JOULES_PER_WATT_HOUR: f64 = 3600.0;
const SECONDS_PER_HOUR: f64 = 3600.0;

metrics! {
    /// Energy and power.
    EnergyMetric {
        EnergyPerRequest = "energy_per_request" {
            label: "energy per request",
            unit: Joules,
            direction: LowerIsBetter,
            observation: "the case, all counted iterations together",
            formula: "energy of the windows from start to the last token of each turn / turns; gross: all that the scope used",
            observe: Figure(|used| per(gross(used, Phase::Request), turns(used))),
        }
        NetEnergyPerRequest = "net_energy_per_request" {
            label: "  less idle",
            unit: Joules,
            direction: LowerIsBetter,
            observation: "the case, all counted iterations together",
            formula: "(energy_per_request's energy - idle power x duration of its windows) / turns",
            observe: Figure(|used| per(net(used, Phase::Request), turns(used))),
        }
        EnergyPerPrefillToken = "energy_per_prefill_token" {
            label: "energy per prefill token",
            unit: Joules,
            direction: LowerIsBetter,
            follows: EnergyPerOutputToken,
            observation: "the case, all counted iterations together",
            formula: "energy of the windows from start to prefill_end / sum of prompt_tokens",
            observe: Figure(|used| per(gross(used, Phase::Prefill), used.spans.prompt_tokens)),
        }
        NetEnergyPerPrefillToken = "net_energy_per_prefill_token" {
            label: "  less idle",
            unit: Joules,
            direction: LowerIsBetter,
            observation: "the case, all counted iterations together",
            formula: "(energy_per_prefill_token's energy - idle power x duration of its windows) / sum of prompt_tokens",
            observe: Figure(|used| per(net(used, Phase::Prefill), used.spans.prompt_tokens)),
        }
        EnergyPerOutputToken = "energy_per_output_token" {
            label: "energy per output token",
            unit: Joules,
            direction: LowerIsBetter,
            follows: EnergyPerRequest,
            observation: "the case, all counted iterations together",
            formula: "energy of the windows from first to last token time / sum of (output tokens - 1)",
            observe: Figure(|used| per(gross(used, Phase::Decode), used.spans.decoded_tokens)),
        }
        NetEnergyPerOutputToken = "net_energy_per_output_token" {
            label: "  less idle",
            unit: Joules,
            direction: LowerIsBetter,
            observation: "the case, all counted iterations together",
            formula: "(energy_per_output_token's energy - idle power x duration of its windows) / sum of (output tokens - 1)",
            observe: Figure(|used| per(net(used, Phase::Decode), used.spans.decoded_tokens)),
        }
        EnergyPerCall = "energy_per_call" {
            label: "energy per call",
            unit: Joules,
            direction: LowerIsBetter,
            observation: "the case, all counted iterations together",
            formula: "energy of the windows from start to the last token of each turn / complete calls",
            observe: Figure(|used| per_call(used, call_counts(&used.case)?.complete, NoCompleteCall)),
        }
        EnergyPerCorrectCall = "energy_per_correct_call" {
            label: "energy per correct call",
            unit: Joules,
            direction: LowerIsBetter,
            observation: "the case, all counted iterations together",
            formula: "energy of the windows from start to the last token of each turn / calls that are right",
            observe: Figure(|used| per_call(used, call_counts(&used.case)?.right, NoRightCall)),
        }
        LoadEnergy = "load_energy" {
            label: "energy of loading",
            unit: Joules,
            direction: LowerIsBetter,
            observation: "the load phase",
            formula: "energy of the window from loaded.start to loaded.end",
            observe: Figure(|used| gross(used, Phase::Load)),
        }
        PrefillPower = "prefill_power" {
            label: "power while prefilling",
            unit: Watts,
            direction: Informative,
            observation: "the case, all counted iterations together",
            formula: "energy of the prefill windows / their duration",
            observe: Figure(|used| power(used, Phase::Prefill)),
        }
        DecodePower = "decode_power" {
            label: "power while decoding",
            unit: Watts,
            direction: Informative,
            observation: "the case, all counted iterations together",
            formula: "energy of the decode windows / their duration",
            observe: Figure(|used| power(used, Phase::Decode)),
        }
        IdlePower = "idle_power" {
            label: "power when idle",
            unit: Watts,
            direction: Informative,
            observation: "the case",
            formula: "mean of the idle power before the runner was started and after it had ended",
            observe: Figure(idle),
        }
        EnergyDelayProduct = "energy_delay_product" {
            label: "energy-delay product",
            unit: JouleSeconds,
            direction: LowerIsBetter,
            observation: "the case, all counted iterations together",
            formula: "energy_per_request x mean request latency",
            observe: Figure(|used| Ok(per(gross(used, Phase::Request), turns(used))?.times(latency(used)))),
        }
        TokensPerWattHour = "tokens_per_watt_hour" {
            label: "tokens per watt-hour",
            unit: TokensPerWattHour,
            direction: HigherIsBetter,
            observation: "the case, all counted iterations together",
            formula: "3600 x output tokens / energy of the requests, prefill included",
            observe: Figure(tokens_per_watt_hour),
        }
        BatteryPerRequest = "battery_per_request" {
            label: "battery per request",
            unit: Fraction,
            direction: LowerIsBetter,
            observation: "the case, all counted iterations together",
            formula: "(net_energy_per_request + (idle power + screen power) x mean request latency) / battery",
            observe: Figure(battery_per_request),
        }
        ChatHoursPerCharge = "chat_hours_per_charge" {
            label: "hours of chat per charge",
            unit: Hours,
            direction: HigherIsBetter,
            observation: "the case, all counted iterations together",
            formula: "battery / (net power of the requests + idle power + screen power) / 3600, requests back to back",
            observe: Figure(hours_per_charge),
        }
    }
}

/// The number of turns.
fn turns(used: &Consumption<'_>) -> u64 {
    used.spans.request.len() as u64
}

/// The total time of all requests, in seconds.
fn seconds(used: &Consumption<'_>) -> f64 {
    duration_ns(&used.spans.request) as f64 * 1e-9
}

/// The mean time of a request, in seconds.
fn latency(used: &Consumption<'_>) -> f64 {
    seconds(used) / turns(used).max(1) as f64
}

fn tokens_per_watt_hour(used: &Consumption<'_>) -> Result<Uncertain, Absent> {
    gross(used, Phase::Request)?.under(JOULES_PER_WATT_HOUR * used.spans.output_tokens as f64)
}

fn battery_per_request(used: &Consumption<'_>) -> Result<Uncertain, Absent> {
    let (joules, battery) = drained(used)?;
    per(Ok(joules.times(1.0 / battery)), turns(used))
}

fn hours_per_charge(used: &Consumption<'_>) -> Result<Uncertain, Absent> {
    let (joules, battery) = drained(used)?;
    joules.under(battery * seconds(used) / SECONDS_PER_HOUR)
}

/// What the battery supplies during all requests, and what it holds. With measured idle power, net energy
/// and idle energy add up to the gross energy again, and neither includes the uncertainty of the idle power.
fn drained(used: &Consumption<'_>) -> Result<(Uncertain, f64), Absent> {
    let battery = used.case.passport.battery.as_ref().ok_or(NoBattery)?;
    if battery.joules.is_nan() || battery.joules <= 0.0 {
        return Err(NoBattery.into());
    }
    let (energy, beside) = match battery.idle_watts {
        Some(idle) => (net(used, Phase::Request)?, idle + battery.screen_watts),
        None => (gross(used, Phase::Request)?, battery.screen_watts),
    };
    Ok((Uncertain { value: energy.value + beside * seconds(used), ..energy }, battery.joules))
}

fn phase<'a>(used: &Consumption<'a>, phase: Phase) -> Result<&'a PhaseEnergy, Absent> {
    used.figure.phase(phase).ok_or_else(|| DidNotHappen.into())
}

fn gross(used: &Consumption<'_>, of: Phase) -> Result<Uncertain, Absent> {
    known(&phase(used, of)?.gross)
}

fn net(used: &Consumption<'_>, of: Phase) -> Result<Uncertain, Absent> {
    known(&phase(used, of)?.net)
}

fn known(energy: &Energy) -> Result<Uncertain, Absent> {
    match energy {
        Energy::Measured { joules, uncertainty_joules } => {
            Ok(Uncertain { value: *joules, uncertainty: *uncertainty_joules })
        }
        Energy::Unavailable(unavailable) => Err(unavailable.into()),
    }
}

fn per(energy: Result<Uncertain, Absent>, units: u64) -> Result<Uncertain, Absent> {
    if units == 0 {
        return Err(NothingGenerated.into());
    }
    Ok(energy?.times(1.0 / units as f64))
}

fn per_call(used: &Consumption<'_>, calls: u64, none: AbsentKind) -> Result<Uncertain, Absent> {
    if calls == 0 { Err(none.into()) } else { per(gross(used, Phase::Request), calls) }
}

fn power(used: &Consumption<'_>, phase: Phase) -> Result<Uncertain, Absent> {
    let seconds = used.figure.phase(phase).map_or(0.0, |energy| energy.duration_ns as f64 * 1e-9);
    let energy = gross(used, phase)?;
    if seconds > 0.0 { Ok(energy.times(1.0 / seconds)) } else { Err(NoTimePassed.into()) }
}

fn idle(used: &Consumption<'_>) -> Result<Uncertain, Absent> {
    match &used.figure.idle {
        Idle::Measured(power) => Ok(Uncertain { value: power.watts(), uncertainty: 2.0 * power.uncertainty_watts }),
        Idle::Unavailable(unavailable) => Err(unavailable.into()),
    }
}

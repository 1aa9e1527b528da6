//! Energy of a watch, from its first reading to its last.

use pocketwatt_meter::energy::{Measurand, MeterReading, Observation, Reason, Unavailable};
use pocketwatt_record::Energy;

/// Coverage factor of 95 %.
const COVERAGE: f64 = 2.0;

/// Length of a watch in seconds, from the first reading to the last.
pub fn span_s(observation: &Observation) -> Option<f64> {
    let (first, last) = (observation.series.readings.first()?, observation.series.readings.last()?);
    let span_s = last.at.since(first.at) as f64 / 1e9;
    (span_s > 0.0).then_some(span_s)
}

/// Joules of the watch with their uncertainty: that of the meter's updates and steps at both ends for a counter, that of its
/// noise and steps for a gauge, and of the scale where its maker states one.
pub fn energy(observation: &Observation) -> Energy {
    let measured = match &observation.series.ended {
        Some(end) => Err(end.unavailable.clone()),
        None => measure(observation),
    };
    measured.unwrap_or_else(Energy::Unavailable)
}

fn measure(observation: &Observation) -> Result<Energy, Unavailable> {
    let series = &observation.series;
    let Some(span_s) = span_s(observation) else {
        return Err(Unavailable::new(Reason::NotCovered, "it gave no two readings"));
    };
    let resolution = series.meter.resolution as f64;
    let (joules, standard) = match &series.meter.measurand {
        Measurand::EnergyCounter { joules_per_unit, modulus } => {
            seen_to_change(observation)?;
            let units = differences(&series.readings, |before, after| match modulus {
                // What would be more than half way round is a counter that began again.
                Some(modulus) if after < before => {
                    Some(after + modulus - before).filter(|difference| *difference < modulus / 2)
                }
                _ => after.checked_sub(before).filter(|difference| *difference >= 0),
            })?;
            let joules = units as f64 * joules_per_unit;
            (joules, counter_error(observation, joules / span_s, resolution * joules_per_unit))
        }
        Measurand::RemainingEnergy { joules_per_unit } => {
            seen_to_change(observation)?;
            let units = differences(&series.readings, |before, after| before.checked_sub(after))?;
            let joules = units as f64 * joules_per_unit;
            (joules, counter_error(observation, joules / span_s, resolution * joules_per_unit))
        }
        Measurand::RemainingCharge { coulombs_per_unit } => {
            seen_to_change(observation)?;
            let units = differences(&series.readings, |before, after| before.checked_sub(after))?;
            let joules_per_unit = coulombs_per_unit * mean_volts(&series.readings)?;
            let joules = units as f64 * joules_per_unit;
            (joules, counter_error(observation, joules / span_s, resolution * joules_per_unit))
        }
        Measurand::Power { watts_per_unit } => {
            let watts = |reading: &MeterReading| Some(reading.value as f64 * watts_per_unit);
            gauge(observation, span_s, watts, resolution * watts_per_unit)?
        }
        Measurand::Current { amperes_per_unit } => {
            let watts = |reading: &MeterReading| {
                Some(reading.value as f64 * amperes_per_unit * reading.microvolts? as f64 / 1e6)
            };
            let step = resolution * amperes_per_unit * mean_volts(&series.readings)?;
            gauge(observation, span_s, watts, step)?
        }
    };
    if joules <= 0.0 {
        return Err(if series.meter.measurand.is_cumulative() {
            Unavailable::new(Reason::WentBackwards, "a battery that gains energy is being charged")
        } else {
            Unavailable::new(Reason::Unreadable, format!("it showed {:.3} W on average", joules / span_s))
        });
    }
    let standard = standard.hypot(series.meter.gain_error.unwrap_or(0.0) * joules);
    Ok(Energy::Measured { joules, uncertainty_joules: COVERAGE * standard })
}

/// A counter that changed once or not at all tells nothing yet.
fn seen_to_change(observation: &Observation) -> Result<(), Unavailable> {
    if observation.changes >= 2 {
        return Ok(());
    }
    let hint = format!(
        "its value {} in {:.0} s: read for longer with --watch",
        if observation.changes == 0 { "never changed" } else { "changed once" },
        observation.watched_ns as f64 / 1e9
    );
    Err(Unavailable::new(Reason::BelowResolution, hint))
}

fn differences(readings: &[MeterReading], used: impl Fn(i64, i64) -> Option<i64>) -> Result<i64, Unavailable> {
    let mut sum = 0_i64;
    for pair in readings.windows(2) {
        let used = used(pair[0].value, pair[1].value).and_then(|used| sum.checked_add(used));
        sum = used.ok_or_else(|| {
            let hint = format!("from {} to {}", pair[0].value, pair[1].value);
            Unavailable::new(Reason::WentBackwards, hint)
        })?;
    }
    Ok(sum)
}

/// Each end of the watch lies anywhere between two updates, and between two steps.
fn counter_error(observation: &Observation, watts: f64, step_joules: f64) -> f64 {
    let period_s = observation.series.meter.update_period.map_or(0.0, |period| period.ns as f64 / 1e9);
    (watts * period_s).hypot(step_joules) / 6f64.sqrt()
}

/// Sum of power over time, and the standard uncertainty of that.
fn gauge(
    observation: &Observation,
    span_s: f64,
    watts: impl Fn(&MeterReading) -> Option<f64>,
    step_watts: f64,
) -> Result<(f64, f64), Unavailable> {
    let readings = &observation.series.readings;
    let no_voltage = || Unavailable::new(Reason::Unreadable, "it gave no voltage");
    let power: Vec<f64> = readings.iter().map(watts).collect::<Option<_>>().ok_or_else(no_voltage)?;
    let mut joules = 0.0;
    let mut squares = 0.0;
    for (pair, power) in readings.windows(2).zip(power.windows(2)) {
        let seconds = pair[1].at.since(pair[0].at) as f64 / 1e9;
        joules += f64::midpoint(power[0], power[1]) * seconds;
        squares += f64::midpoint(power[0] * power[0], power[1] * power[1]) * seconds;
    }
    let mean = joules / span_s;
    let variance = (squares / span_s - mean * mean).max(0.0);
    let values = observation.changes as f64 + 1.0;
    Ok((joules, span_s * (variance / values + step_watts * step_watts / 12.0).sqrt()))
}

fn mean_volts(readings: &[MeterReading]) -> Result<f64, Unavailable> {
    let volts: Option<Vec<f64>> =
        readings.iter().map(|reading| reading.microvolts.map(|microvolts| microvolts as f64 / 1e6)).collect();
    match volts {
        Some(volts) if !volts.is_empty() => Ok(volts.iter().sum::<f64>() / volts.len() as f64),
        _ => Err(Unavailable::new(Reason::Unreadable, "it gave no voltage")),
    }
}

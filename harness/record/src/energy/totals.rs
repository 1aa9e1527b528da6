//! Raw readings of a counter, or of what a battery still holds, as joules used since the first reading.

use pocketwatt_meter::energy::{Measurand, MeterGap, MeterInfo, MeterReading, MeterSeries, Reason, Unavailable};

use super::step::smallest_step;
use crate::Amount;

/// Nobody measures language models on a part that takes more, so a difference that would need more is not consumption.
const PLAUSIBLE_WATTS: f64 = 1500.0;
/// Short bursts exceed the sustained limit, on laptops by a factor of three or more.
const BURST: f64 = 4.0;

/// Joules used since the first reading, at each reading up to the first implausible one.
#[derive(Debug)]
pub(super) struct Totals {
    /// In the order of the readings, including equal ones; as many as could be used.
    pub joules: Vec<f64>,
    /// The meter's smallest step in joules.
    pub step_joules: f64,
    /// Why the later readings cannot be used.
    pub end: Option<Unavailable>,
}

/// Adds up the differences between a cumulative meter's readings.
///
/// A counter with a modulus has wrapped where it fell, if the implied energy is possible in that time;
/// any other fall is a break. What a battery holds only falls while it feeds the device, so there a rise is a break.
pub(super) fn totals(series: &MeterSeries) -> Totals {
    let mut totals = Totals { joules: Vec::with_capacity(series.readings.len()), step_joules: 0.0, end: None };
    let Some(first) = series.readings.first() else { return totals };
    let mut steps = Vec::new();
    let mut sum = 0.0;
    // Whole units as long as possible: adding thousands of rounded differences would lose the last digits.
    let mut units: i128 = 0;
    let mut changed = first;
    totals.joules.push(0.0);
    for pair in series.readings.windows(2) {
        let [before, after] = pair else { break };
        if let Some(charger) = charger_between(series, before, after) {
            totals.end = Some(charger.clone());
            break;
        }
        match used(&series.meter, before, after, seconds(changed, after)) {
            Ok(Used { units: difference, joules_per_unit }) => {
                units += difference;
                // A constant factor multiplies the sum; only a charge's voltage changes from reading to reading.
                sum = match series.meter.measurand {
                    Measurand::RemainingCharge { .. } => sum + difference as f64 * joules_per_unit,
                    _ => units as f64 * joules_per_unit,
                };
                if difference != 0 {
                    steps.push(difference);
                    changed = after;
                }
                totals.joules.push(sum);
            }
            Err(unavailable) => {
                totals.end = Some(unavailable);
                break;
            }
        }
    }
    let per_unit = joules_per_unit(&series.meter, first, first).unwrap_or(0.0);
    totals.step_joules = smallest_step(series.meter.resolution, &steps) as f64 * per_unit;
    if totals.end.is_none() {
        totals.end = series.ended.as_ref().map(|end| end.unavailable.clone());
    }
    totals
}

/// The gap between two readings in which something other than this battery fed the device.
pub(super) fn charger_between<'a>(
    series: &'a MeterSeries,
    before: &MeterReading,
    after: &MeterReading,
) -> Option<&'a Unavailable> {
    let fed = |gap: &&MeterGap| {
        gap.unavailable.reason == Reason::ChargerConnected && gap.start < after.at && before.at < gap.end
    };
    series.gaps.iter().find(fed).map(|gap| &gap.unavailable)
}

struct Used {
    units: i128,
    joules_per_unit: f64,
}

/// The energy used between two readings; `elapsed` is the time in seconds since the value last changed.
fn used(meter: &MeterInfo, before: &MeterReading, after: &MeterReading, elapsed: f64) -> Result<Used, Unavailable> {
    let joules_per_unit = joules_per_unit(meter, before, after)?;
    let rise = i128::from(after.value) - i128::from(before.value);
    let Measurand::EnergyCounter { modulus, .. } = meter.measurand else {
        if rise > 0 {
            let hint = format!(
                "{} rose from {} to {} while it should have fallen; pull the charger and measure again",
                meter.id, before.value, after.value
            );
            return Err(Unavailable::new(Reason::WentBackwards, hint));
        }
        return Ok(Used { units: -rise, joules_per_unit });
    };
    let units = if rise < 0 { rise + i128::from(modulus.unwrap_or(0)) } else { rise };
    let watts = meter.power_limit_watts.map_or(PLAUSIBLE_WATTS, |limit| (limit * BURST).max(PLAUSIBLE_WATTS));
    // One update may contain the energy of a whole period, and of the delay of the reading.
    let period = meter.update_period.map_or(1.0, |period| (period.ns as f64 * 1e-9).max(1.0));
    let plausible = units >= 0 && units as f64 * joules_per_unit <= watts * (elapsed + period);
    match (plausible, rise < 0) {
        (true, _) => Ok(Used { units, joules_per_unit }),
        (false, true) => Err(Unavailable::new(
            Reason::WentBackwards,
            format!("{} fell from {} to {} without having wrapped; measure again", meter.id, before.value, after.value),
        )),
        (false, false) => Err(Unavailable::new(
            Reason::Implausible,
            format!(
                "{} rose from {} to {} within {:.3} s, which would need more than {} W; measure again",
                meter.id,
                before.value,
                after.value,
                Amount(elapsed),
                Amount(watts)
            ),
        )),
    }
}

fn joules_per_unit(meter: &MeterInfo, before: &MeterReading, after: &MeterReading) -> Result<f64, Unavailable> {
    match meter.measurand {
        Measurand::EnergyCounter { joules_per_unit, .. } | Measurand::RemainingEnergy { joules_per_unit } => {
            Ok(joules_per_unit)
        }
        Measurand::RemainingCharge { coulombs_per_unit } => {
            let volts = match (before.microvolts, after.microvolts) {
                (Some(before), Some(after)) => f64::midpoint(before as f64, after as f64) * 1e-6,
                (Some(only), None) | (None, Some(only)) => only as f64 * 1e-6,
                (None, None) => return Err(no_voltage(meter)),
            };
            Ok(coulombs_per_unit * volts)
        }
        Measurand::Power { .. } | Measurand::Current { .. } => Ok(0.0),
    }
}

/// The error for a charge or a current without its voltage.
pub(super) fn no_voltage(meter: &MeterInfo) -> Unavailable {
    Unavailable::new(Reason::Unreadable, format!("{} has no voltage, so its joules are not known", meter.id))
}

fn seconds(earlier: &MeterReading, later: &MeterReading) -> f64 {
    later.at.since(earlier.at) as f64 * 1e-9
}

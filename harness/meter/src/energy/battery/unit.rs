//! The unit of a battery's current. The kernel's ABI says microamperes; some phones use milliamperes.

use super::COULOMBS_IN_MICROAMPERE_HOUR;
use crate::energy::{Basis, Measurand, MeterInfo, MeterReading, MeterSeries, Observation};

const MICROAMPERE: f64 = 1e-6;
const MILLIAMPERE: f64 = 1e-3;
/// A device that is awake draws more than this many microamperes, and less than this many milliamperes.
const LEAST_AWAKE: u64 = 20_000;
/// A unit is proven when the charge used and the charge from the current agree within this factor.
const PROOF: f64 = 3.0;
/// Charge counters have coarse steps: a change of at least this many steps is believed.
const STEPS: i64 = 3;

/// Guesses the unit from the largest current that was seen on any of the device's batteries: a device that is awake draws
/// more than 20 mA, so a smaller number must be milliamperes. This is a rule of thumb, and marked as one where it departs from
/// the ABI. A battery that waits has no current to judge by.
pub(super) fn guess(largest: i64, waits: bool) -> (f64, Basis) {
    match largest.unsigned_abs() {
        small if small > 0 && small < LEAST_AWAKE && !waits => (MILLIAMPERE, Basis::Guessed),
        _ => (MICROAMPERE, Basis::Documented),
    }
}

/// Decides in which units batteries report their currents and charges, from simultaneous observations of them.
///
/// A current that once reached 20000 is in microamperes: in milliamperes it would be 20 A. A smaller one is guessed, as
/// when the meter was opened. Then a charge in a known unit proves the unit of the current, or a current in a known unit
/// that of the charge. Two guesses prove nothing about each other: a charge in mAh and a current in mA fit as well as one in uAh
/// and one in uA. A proof takes some minutes of watching: charge counters step every 30 to 90 s.
pub fn settle_units(watched: &mut [Observation]) {
    settle_currents(watched);
    let all: Vec<MeterSeries> = watched.iter().map(|seen| seen.series.clone()).collect();
    let of_battery = |meter: &MeterInfo, wanted: fn(&Measurand) -> bool| {
        let part = meter.part.clone();
        all.iter().filter(move |series| series.meter.part == part && wanted(&series.meter.measurand))
    };
    for seen in watched.iter_mut() {
        let meter = &seen.series.meter;
        match meter.measurand {
            Measurand::Current { .. } => {
                let mut charges = of_battery(meter, is_charge).filter(|charge| is_known(charge));
                if let Some(amperes_per_unit) = charges.find_map(|charge| prove_current_unit(&seen.series, charge)) {
                    let meter = &mut seen.series.meter;
                    meter.measurand = Measurand::Current { amperes_per_unit };
                    meter.unit_basis = Basis::Observed;
                }
            }
            Measurand::RemainingCharge { .. } if meter.unit_basis == Basis::Guessed => {
                let mut currents = of_battery(meter, is_current).filter(|current| is_known(current));
                if let Some(coulombs_per_unit) = currents.find_map(|current| prove_charge_unit(&seen.series, current)) {
                    let meter = &mut seen.series.meter;
                    meter.measurand = Measurand::RemainingCharge { coulombs_per_unit };
                    meter.unit_basis = Basis::Observed;
                }
            }
            _ => {}
        }
    }
}

/// The prefix of all currents: a kernel uses one unit for all of them.
fn settle_currents(watched: &mut [Observation]) {
    let currents = || watched.iter().filter(|seen| is_current(&seen.series.meter.measurand));
    // Where other batteries report their power, a small current may belong to a waiting battery.
    let others = watched.iter().any(|seen| {
        matches!(seen.series.meter.measurand, Measurand::Power { .. })
            && currents().all(|current| current.series.meter.part != seen.series.meter.part)
    });
    let largest = currents().map(|seen| largest(&seen.series)).max().unwrap_or(0);
    if others && largest.unsigned_abs() < LEAST_AWAKE {
        return;
    }
    let (amperes_per_unit, unit_basis) = guess(largest, false);
    for seen in watched.iter_mut().filter(|seen| is_current(&seen.series.meter.measurand)) {
        seen.series.meter.measurand = Measurand::Current { amperes_per_unit };
        seen.series.meter.unit_basis = unit_basis;
    }
}

fn is_current(measurand: &Measurand) -> bool {
    matches!(measurand, Measurand::Current { .. })
}

fn is_charge(measurand: &Measurand) -> bool {
    matches!(measurand, Measurand::RemainingCharge { .. })
}

/// Whether the unit is more than a guess.
fn is_known(series: &MeterSeries) -> bool {
    series.meter.unit_basis != Basis::Guessed
}

fn largest(series: &MeterSeries) -> i64 {
    series.readings.iter().map(|reading| reading.value.saturating_abs()).max().unwrap_or(0)
}

/// Coulombs in a raw unit of `charge`, proven by the current out of the battery.
fn prove_charge_unit(charge: &MeterSeries, current: &MeterSeries) -> Option<f64> {
    let Measurand::Current { amperes_per_unit } = current.meter.measurand else { return None };
    let candidates = [COULOMBS_IN_MICROAMPERE_HOUR, 1e3 * COULOMBS_IN_MICROAMPERE_HOUR];
    candidates.into_iter().find(|coulombs_per_unit| {
        let mut charge = charge.clone();
        charge.meter.measurand = Measurand::RemainingCharge { coulombs_per_unit: *coulombs_per_unit };
        prove_current_unit(current, &charge) == Some(amperes_per_unit)
    })
}

/// Amperes in a raw unit of `current`, proven by the charge that `charge` lost in the same time: of the two known
/// units, the one whose integral comes near it. `None` where the counter stepped too little, or neither unit comes near.
pub fn prove_current_unit(current: &MeterSeries, charge: &MeterSeries) -> Option<f64> {
    let Measurand::RemainingCharge { coulombs_per_unit } = charge.meter.measurand else { return None };
    let lost = |pair: &[MeterReading]| i128::from(pair[0].value) - i128::from(pair[1].value);
    let changes: Vec<i128> = charge.readings.windows(2).map(lost).filter(|lost| *lost != 0).collect();
    // Counted from the first step to the last: the part before the first may not be a whole step.
    let lost: i128 = changes.iter().skip(1).sum();
    if (changes.len() as i64) <= STEPS || lost <= 0 {
        return None;
    }
    let steps: Vec<_> = charge.readings.windows(2).filter(|pair| pair[0].value != pair[1].value).collect();
    let (start, end) = (steps.first()?[1].at, steps.last()?[1].at);
    let raw_seconds: f64 = current
        .readings
        .windows(2)
        .map(|pair| {
            let (from, to) = (pair[0].at.max(start), pair[1].at.min(end));
            f64::midpoint(pair[0].value as f64, pair[1].value as f64) * to.since(from) as f64 / 1e9
        })
        .sum();
    let coulombs = lost as f64 * coulombs_per_unit;
    let near = |unit: &f64| {
        let ratio = raw_seconds * unit / coulombs;
        (1.0 / PROOF..PROOF).contains(&ratio)
    };
    [MICROAMPERE, MILLIAMPERE].into_iter().find(near)
}

//! In which unit a battery's current is told. The kernel's ABI says microamperes; some phones say milliamperes.

use crate::energy::{Basis, Measurand, MeterReading, MeterSeries, Observation};

const MICROAMPERE: f64 = 1e-6;
const MILLIAMPERE: f64 = 1e-3;
/// A device that is awake draws more than this many microamperes, and less than this many milliamperes.
const LEAST_AWAKE: u64 = 20_000;
/// Charge used, as a share of what the current says: a unit is proven within this factor.
const PROOF: f64 = 3.0;
/// Charge counters step coarsely: a change of so many steps is believed.
const STEPS: i64 = 3;

/// By magnitude: what would be less than 20 mA for a device that is awake is milliamperes. A rule of thumb, and marked as one
/// where it departs from the ABI.
pub(super) fn guess(current: i64) -> (f64, Basis) {
    match current.unsigned_abs() {
        0 => (MICROAMPERE, Basis::Documented),
        small if small < LEAST_AWAKE => (MILLIAMPERE, Basis::Guessed),
        _ => (MICROAMPERE, Basis::Documented),
    }
}

/// Gives every current that was watched beside the charge of its own battery the unit that the charge proves. A watch of some
/// minutes is needed: charge counters step every 30 to 90 s.
pub fn prove_current_units(watched: &mut [Observation]) {
    let charges: Vec<MeterSeries> = watched
        .iter()
        .map(|seen| &seen.series)
        .filter(|series| matches!(series.meter.measurand, Measurand::RemainingCharge { .. }))
        .cloned()
        .collect();
    for seen in watched.iter_mut() {
        let meter = &seen.series.meter;
        if !matches!(meter.measurand, Measurand::Current { .. }) {
            continue;
        }
        let own = charges.iter().filter(|charge| charge.meter.part == meter.part);
        let proven = own.filter_map(|charge| prove_current_unit(&seen.series, charge)).next();
        if let Some(amperes_per_unit) = proven {
            let meter = &mut seen.series.meter;
            meter.measurand = Measurand::Current { amperes_per_unit };
            meter.unit_basis = Basis::Observed;
        }
    }
}

/// Amperes in a raw unit of `current`, proven by the charge that `charge` lost in the same time: the one of the two known
/// units whose sum over time comes near it. Nothing where the counter stepped too little, or neither comes near.
pub fn prove_current_unit(current: &MeterSeries, charge: &MeterSeries) -> Option<f64> {
    let Measurand::RemainingCharge { coulombs_per_unit } = charge.meter.measurand else { return None };
    let lost = |pair: &[MeterReading]| i128::from(pair[0].value) - i128::from(pair[1].value);
    let changes: Vec<i128> = charge.readings.windows(2).map(lost).filter(|lost| *lost != 0).collect();
    // From the first step to the last one: what came before the first is not known to be a whole step.
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

//! The curve of a meter that counts energy, or that reports what a battery still holds.
//!
//! Such a meter is exact at the moments at which it is updated, but these are unknown. A value that is new at one
//! reading was written since the reading before, and at most one update period ago: the
//! middle of that time is the knot, and half of its width the uncertainty.

use pocketwatt_meter::energy::{MeterSeries, Reason, Unavailable};

use super::{
    curve::{Curve, Knot, median, seconds_since},
    totals::totals,
};

/// A new value: when it was first seen, and when the one before was seen last.
struct Change {
    first_seen: f64,
    old_seen: f64,
    joules: f64,
}

pub(super) fn curve(series: &MeterSeries) -> Result<Curve, Unavailable> {
    let totals = totals(series);
    let origin = series.readings[0].at;
    let readings: Vec<(f64, f64)> = series
        .readings
        .iter()
        .zip(&totals.joules)
        .map(|(reading, &joules)| (seconds_since(origin, reading.at), joules))
        .collect();
    let changes = changes(&readings);
    let stated = series.meter.update_period.map(|period| period.ns as f64 * 1e-9);
    let Some(period) = period(stated, &changes) else {
        return Err(totals.end.unwrap_or_else(|| {
            let hint = format!("{} never changed beside the case; let it run longer", series.meter.id);
            Unavailable::new(Reason::BelowResolution, hint)
        }));
    };
    let mut knots = vec![Knot { at: -period / 2.0, half_width: period / 2.0, joules: 0.0, variance: 0.0 }];
    for change in &changes {
        let earliest = change.old_seen.max(change.first_seen - period);
        let at = f64::midpoint(earliest, change.first_seen);
        let last = knots.last().map_or(f64::MIN, |knot| knot.at);
        if at > last {
            let half_width = (change.first_seen - earliest) / 2.0;
            knots.push(Knot { at, half_width, joules: change.joules, variance: 0.0 });
        }
    }
    if knots.len() < 2 {
        return Err(Unavailable::new(Reason::NotCovered, format!("{} was read once", series.meter.id)));
    }
    add_steps(&mut knots, totals.step_joules, stated);
    if let Some(&(last, _)) = readings.last() {
        extend(&mut knots, last, period, totals.step_joules);
    }
    Ok(Curve {
        origin,
        spread: vec![0.0; knots.len()],
        knots,
        reach: f64::INFINITY,
        // A counter continues to count while it does not answer.
        gaps: Vec::new(),
        lag: 0.0,
        watt_step: 0.0,
        period,
        resolution: totals.step_joules,
        end: totals.end,
    })
}

fn changes(readings: &[(f64, f64)]) -> Vec<Change> {
    readings
        .windows(2)
        .filter(|pair| pair[0].1 != pair[1].1)
        .map(|pair| Change { first_seen: pair[1].0, old_seen: pair[0].0, joules: pair[1].1 })
        .collect()
}

/// The update period: the stated one, or the observed one where the meter repeatedly stood still for longer (because it
/// is slower than stated, or because its step is large). Where nothing is stated, at most the usual time between two
/// observed changes.
fn period(stated: Option<f64>, changes: &[Change]) -> Option<f64> {
    let distances: Vec<f64> = changes.windows(2).map(|pair| pair[1].first_seen - pair[0].first_seen).collect();
    let stood_still: Vec<f64> = changes
        .windows(2)
        .filter(|pair| {
            let still = pair[1].old_seen - pair[0].first_seen;
            let distance = pair[1].first_seen - pair[0].first_seen;
            still > (stated.unwrap_or(0.0) * 1.5).max(distance / 2.0)
        })
        .map(|pair| pair[1].first_seen - pair[0].first_seen)
        .collect();
    let seen = if stood_still.len() * 2 > distances.len() { median(stood_still) } else { None };
    match (stated, seen) {
        _ if changes.is_empty() => None,
        (Some(stated), Some(seen)) => Some(stated.max(seen)),
        (Some(period), None) | (None, Some(period)) => Some(period),
        (None, None) => median(distances).or_else(|| changes.first().map(|change| change.first_seen)),
    }
}

/// A counter shows whole steps: the energy that it does not show yet is between zero and a step, or what is used within one update
/// period where that is less.
fn add_steps(knots: &mut [Knot], step: f64, stated: Option<f64>) {
    for index in 0..knots.len() {
        let [left, right] = [&knots[index.saturating_sub(1)], &knots[(index + 1).min(knots.len() - 1)]];
        let watts = (right.joules - left.joules) / (right.at - left.at);
        // It is unknown when the first value was written: up to a whole step may be missing from it.
        let seen = index > 0;
        let held_back = stated.filter(|_| seen).map_or(step, |period| step.min(watts * period));
        knots[index].variance = held_back.powi(2) / 12.0;
    }
}

/// Extends the curve from the last change to the last reading, at the power of the last segment, but by at most a step: a
/// larger increase would have been seen. Everything added is uncertain. A meter that stands still for longer than its steps and
/// its period explain is not extended.
fn extend(knots: &mut Vec<Knot>, until: f64, period: f64, step: f64) {
    let [.., before, last] = knots[..] else { return };
    let watts = (last.joules - before.joules) / (last.at - before.at);
    let length = until - last.at;
    if length <= 0.0 || (length > 2.0 * period && watts * length > 3.0 * step) {
        return;
    }
    let joules = (watts * length).min((watts * period).max(step));
    let variance = last.variance + (watts * last.half_width).powi(2) / 3.0 + joules.powi(2) / 3.0;
    knots.push(Knot { at: until, half_width: 0.0, joules: last.joules + joules, variance });
}

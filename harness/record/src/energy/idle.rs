//! Power of the idle device, before and after a case.

use pocketwatt_meter::{
    IdleWindows, TimeSpan,
    energy::{Reason, Unavailable},
};
use pocketwatt_protocol::MonotonicNs;

use super::{IdlePower, meters::Meters, resolution::at_least_two_updates, variance::variance_of_mean};

/// An idle window is split into at most this many parts, to see how much its power varies.
const PARTS: u64 = 20;
/// Updates of the meter in each part at least: with fewer, the parts would show single updates rather than the power.
const UPDATES: f64 = 10.0;

/// Mean power in one window and the square of its standard uncertainty.
struct Level {
    watts: f64,
    variance: f64,
}

/// The idle power, from all meters of a figure together.
///
/// # Errors
/// When one of the two windows is missing, not covered, or too short for the meter.
pub(super) fn idle_power(meters: &Meters<'_>, windows: Option<&IdleWindows>) -> Result<IdlePower, Unavailable> {
    let missing = || Unavailable::new(Reason::NotCovered, "the device was not left idle before and after the case");
    let windows = windows.ok_or_else(missing)?;
    let before = level(meters, &windows.before)?;
    let after = level(meters, windows.after.as_ref().ok_or_else(missing)?)?;
    // The mean of two means, and the drift between them: the power during the case may have been anything between the two.
    let variance = (before.variance + after.variance) / 4.0 + (before.watts - after.watts).powi(2) / 12.0;
    Ok(IdlePower { before_watts: before.watts, after_watts: after.watts, uncertainty_watts: variance.sqrt() })
}

fn level(meters: &Meters<'_>, window: &TimeSpan) -> Result<Level, Unavailable> {
    let seconds = window.duration_ns() as f64 * 1e-9;
    at_least_two_updates("idle", *window, meters.period())?;
    let whole = meters.energy(&[*window])?;
    let parts = parts(window, meters.period());
    let mut powers = Vec::with_capacity(parts.len());
    for part in &parts {
        powers.push(meters.energy(&[*part])?.joules / (part.duration_ns() as f64 * 1e-9));
    }
    let variance = whole.variance / seconds.powi(2) + variance_of_mean(&powers);
    Ok(Level { watts: whole.joules / seconds, variance })
}

/// Equal parts of a window; none if it is too short for two.
fn parts(window: &TimeSpan, period: f64) -> Vec<TimeSpan> {
    let shortest = (UPDATES * period * 1e9).max(1.0);
    let count = PARTS.min((window.duration_ns() as f64 / shortest) as u64);
    if count < 2 {
        return Vec::new();
    }
    let edge = |index: u64| MonotonicNs(window.start.0 + window.duration_ns() / count * index);
    (0..count).map(|index| TimeSpan { start: edge(index), end: edge(index + 1) }).collect()
}

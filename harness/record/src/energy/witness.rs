//! What the files of batteries reveal about each other: a broken gauge, and a battery that waits.

use pocketwatt_meter::{
    TimeSpan,
    energy::{Basis, Measurand, MeterReading, MeterSeries, MeterSource, Reason, Unavailable},
};

use super::{
    curve::{Curve, Estimate},
    gauge::watts_of,
};
use crate::Amount;

/// Every device that is awake uses more.
const LEAST_WATTS: f64 = 0.05;
const LEAST_AMPERES: f64 = 0.02;
/// A gauge is broken if what the battery holds fell by this many times what the gauge can have meant.
const FAR: f64 = 4.0;
/// A gauge that stood still while the battery's counter took this many steps has stopped, if the two differ by a share.
const STEPS: usize = 4;
const DIFFERENCE: f64 = 0.2;
/// A current that begins in milliamperes does not reach 20 A.
const LARGEST_MILLIAMPERES: i64 = 20_000;

/// Why a battery's gauge is not believed, from its own readings and from `all` readings of the case: the figure of a gauge that
/// is always at zero, or has stopped, is withheld before it is compared with a correct one.
pub fn refuted(series: &MeterSeries, all: &[MeterSeries]) -> Option<Unavailable> {
    let meter = &series.meter;
    if meter.source != MeterSource::Battery || meter.measurand.is_cumulative() || series.readings.is_empty() {
        return None;
    }
    let broken = |why: String| Some(Unavailable::new(Reason::Unreadable, why));
    if let Some(value) = beyond_its_unit(series) {
        let amperes = Amount(value as f64 * 1e-3);
        return broken(format!(
            "{} was taken for milliamperes and then showed {value}, which would be {amperes:.0} A: measure again",
            meter.id
        ));
    }
    let shown = series.readings.iter().filter_map(|reading| watts_of(meter.measurand, reading)).fold(0.0, f64::max);
    let counters = all.iter().filter(|other| {
        let other = &other.meter;
        (other.source, &other.part) == (meter.source, &meter.part) && other.measurand.is_cumulative()
    });
    for counter in counters {
        let Some((watts, changes)) = mean_power(counter) else { continue };
        let [shown_watts, counted_watts] = [shown, watts].map(Amount);
        if is_nothing(series) && watts > FAR * LEAST_WATTS.max(shown) {
            return broken(format!(
                "{} never showed more than {shown_watts:.3} W while {} fell by {counted_watts:.3} W: the gauge is broken",
                meter.id, counter.meter.id
            ));
        }
        if stands_still(series) && changes >= STEPS && (watts - shown).abs() > DIFFERENCE * watts.max(shown) {
            return broken(format!(
                "{} stood at {shown_watts:.3} W while {} took {changes} steps at {counted_watts:.3} W: the gauge has stopped",
                meter.id, counter.meter.id
            ));
        }
    }
    // One of several batteries may wait; all of them together feed the device.
    let gauges =
        all.iter().filter(|other| other.meter.source == MeterSource::Battery && !other.meter.measurand.is_cumulative());
    if is_nothing(series) && gauges.into_iter().all(is_nothing) {
        return broken(format!(
            "{} never showed more than {:.3} W, which no awake device uses: the gauge is broken, or in another unit",
            meter.id,
            Amount(shown)
        ));
    }
    None
}

/// A value that is impossible in the guessed unit.
fn beyond_its_unit(series: &MeterSeries) -> Option<i64> {
    let guessed = series.meter.unit_basis == Basis::Guessed
        && matches!(series.meter.measurand, Measurand::Current { amperes_per_unit } if amperes_per_unit > 1e-4);
    let values = series.readings.iter().map(|reading| reading.value);
    values.filter(|value| guessed && value.saturating_abs() >= LARGEST_MILLIAMPERES).max()
}

/// Whether a gauge never showed as much as a device uses that is awake.
fn is_nothing(series: &MeterSeries) -> bool {
    let little = |reading: &MeterReading| match series.meter.measurand {
        Measurand::Current { amperes_per_unit } => (reading.value as f64 * amperes_per_unit).abs() < LEAST_AMPERES,
        measurand => watts_of(measurand, reading).is_some_and(|watts| watts.abs() < LEAST_WATTS),
    };
    series.readings.iter().all(little)
}

/// Mean power of a counter in watts from its first step to its last, and the number of steps; `None` for fewer than two.
fn mean_power(counter: &MeterSeries) -> Option<(f64, usize)> {
    let changes = counter.readings.windows(2).filter(|pair| pair[0].value != pair[1].value).count();
    let curve = Curve::of(counter).ok()?;
    let knots = curve.knots.get(1..).filter(|_| changes >= 2)?;
    let (first, last) = (knots.first()?, knots.last()?);
    (last.at > first.at).then(|| ((last.joules - first.joules) / (last.at - first.at), changes))
}

/// Whether the value was the same at every reading, given at least two.
pub(super) fn stands_still(series: &MeterSeries) -> bool {
    let (Some(first), true) = (series.readings.first(), series.readings.len() > 1) else { return false };
    series.ended.is_none() && series.readings.iter().all(|reading| reading.value == first.value)
}

/// A battery whose value did not change while another one fed the device: it supplied less than a step.
#[derive(Debug)]
pub(super) struct Still {
    seen: TimeSpan,
    step_joules: f64,
    /// The most that its own gauge showed, if it has one.
    most_watts: Option<f64>,
}

impl Still {
    /// `None` for a series that changed, or that no other battery's replaces. `step_joules` is the others' step.
    pub fn of(series: &MeterSeries, all: &[MeterSeries], step_joules: f64) -> Option<Self> {
        let meter = &series.meter;
        if meter.source != MeterSource::Battery || !meter.measurand.is_cumulative() || !stands_still(series) {
            return None;
        }
        let watts = |gauge: &MeterSeries| {
            let shown = gauge.readings.iter().filter_map(|reading| watts_of(gauge.meter.measurand, reading));
            shown.map(f64::abs).reduce(f64::max)
        };
        let own = |other: &&MeterSeries| {
            other.meter.source == MeterSource::Battery
                && other.meter.part == meter.part
                && !other.meter.measurand.is_cumulative()
                && refuted(other, all).is_none()
        };
        let seen = TimeSpan { start: series.readings.first()?.at, end: series.readings.last()?.at };
        Some(Self { seen, step_joules, most_watts: all.iter().find(own).and_then(watts) })
    }

    /// Zero, with an uncertainty of a step or of what its gauge showed.
    pub fn energy(&self, spans: &[TimeSpan]) -> Result<Estimate, Unavailable> {
        if spans.iter().any(|span| span.start < self.seen.start || span.end > self.seen.end) {
            return Err(Unavailable::new(Reason::NotCovered, "a battery was not read in all of that time"));
        }
        let seconds: f64 = spans.iter().map(|span| span.duration_ns() as f64 * 1e-9).sum();
        let most = self.most_watts.map_or(self.step_joules, |watts| self.step_joules.min(watts * seconds));
        Ok(Estimate { joules: 0.0, variance: most.powi(2) / 3.0 })
    }
}

#[cfg(test)]
mod tests;

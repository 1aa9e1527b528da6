//! The curve of a meter that reports a power, or a current out of a battery.
//!
//! A value is taken as the mean since the previous update, which is what power monitors and fuel gauges compute; the
//! uncertainty includes that it may be a momentary power instead. Where a gauge is read less often than it is
//! updated, its values in between are unknown: the mean of the two neighbouring values is used for them, and their
//! difference for the uncertainty. While it did not answer, it may have had any value from its lowest to its
//! highest.

use pocketwatt_meter::energy::{Measurand, MeterGap, MeterReading, MeterSeries, MeterSource, Reason, Unavailable};

use super::{
    curve::{Curve, Gap, Knot, median, seconds_since},
    step::smallest_step,
    totals::{charger_between, no_voltage},
};

/// Draws the curve.
struct Pen {
    knots: Vec<Knot>,
    spread: Vec<f64>,
}

impl Pen {
    /// Draws `watts` until `at`; `variance` in J^2 is the uncertainty of that segment.
    fn draw(&mut self, at: f64, watts: f64, variance: f64) {
        let (Some(&last), Some(&spread)) = (self.knots.last(), self.spread.last()) else { return };
        if at > last.at {
            let joules = last.joules + watts * (at - last.at);
            self.knots.push(Knot { at, half_width: 0.0, joules, variance: 0.0 });
            self.spread.push(spread + variance);
        }
    }

    fn at(&self) -> f64 {
        self.knots.last().map_or(0.0, |knot| knot.at)
    }
}

pub(super) fn curve(series: &MeterSeries) -> Result<Curve, Unavailable> {
    let meter = &series.meter;
    let origin = series.readings[0].at;
    let mut end = series.ended.as_ref().map(|end| end.unavailable.clone());
    let mut readings = Vec::with_capacity(series.readings.len());
    let mut before = &series.readings[0];
    for reading in &series.readings {
        if let Some(charger) = charger_between(series, before, reading) {
            end = Some(charger.clone());
            break;
        }
        before = reading;
        let watts = watts(series, reading)?;
        if watts < 0.0 && meter.source == MeterSource::Battery {
            let hint = format!("{} showed a current into the battery; pull the charger and measure again", meter.id);
            end = Some(Unavailable::new(Reason::ChargerConnected, hint));
            break;
        }
        readings.push((seconds_since(origin, reading.at), watts));
    }
    let stated = meter.update_period.map(|period| period.ns as f64 * 1e-9);
    let nothing = || Unavailable::new(Reason::NotCovered, format!("{} was read once", meter.id));
    let period = stated.unwrap_or_else(|| assumed_period(&readings));
    let pen = draw(&readings, stated);
    if pen.knots.len() < 2 {
        return Err(end.unwrap_or_else(nothing));
    }
    let steps: Vec<i128> = series
        .readings
        .windows(2)
        .map(|pair| i128::from(pair[1].value) - i128::from(pair[0].value))
        .filter(|&step| step != 0)
        .collect();
    let step = smallest_step(meter.resolution, &steps) as f64;
    let unit = MeterReading { value: 1, ..series.readings[0] };
    // A single change does not prove a step: a gauge may have moved by any multiple of it.
    let step = if steps.len() < 3 { meter.resolution.max(1) as f64 } else { step };
    let watt_step = step * watts_of(meter.measurand, &unit).unwrap_or(0.0);
    Ok(Curve {
        origin,
        knots: pen.knots,
        spread: pen.spread,
        reach: period,
        gaps: gaps(series, &readings, watt_step),
        lag: period / 2.0,
        watt_step,
        period,
        resolution: watt_step,
        end,
    })
}

/// The times without an answer. All powers that the gauge showed are possible in them.
fn gaps(series: &MeterSeries, readings: &[(f64, f64)], watt_step: f64) -> Vec<Gap> {
    let powers = || readings.iter().map(|&(_, watts)| watts);
    let range = powers().fold(f64::MIN, f64::max) - powers().fold(f64::MAX, f64::min);
    let origin = series.readings[0].at;
    let gap = |gap: &MeterGap| Gap {
        start: seconds_since(origin, gap.start),
        end: seconds_since(origin, gap.end),
        watts: range.max(watt_step),
    };
    series.gaps.iter().map(gap).collect()
}

/// Seconds between two updates, where the period is neither stated nor observed: the usual interval between two changes, and at
/// least that of gauges of batteries and boards. How often the gauge was read does not matter.
fn assumed_period(readings: &[(f64, f64)]) -> f64 {
    const USUAL: f64 = 1.0;
    let changes: Vec<f64> = readings.windows(2).filter(|pair| pair[0].1 != pair[1].1).map(|pair| pair[1].0).collect();
    let distances = changes.windows(2).map(|pair| pair[1] - pair[0]).collect();
    median(distances).unwrap_or(USUAL).max(USUAL)
}

/// Draws the power over time; `period` is the time between two updates, where it is known.
fn draw(readings: &[(f64, f64)], period: Option<f64>) -> Pen {
    let mut pen = Pen { knots: Vec::new(), spread: Vec::new() };
    let Some(&(start, mut shown)) = readings.first() else { return pen };
    pen.knots.push(Knot { at: start, half_width: 0.0, joules: 0.0, variance: 0.0 });
    pen.spread.push(0.0);
    let mut seen = start;
    let mut change = 0;
    let scatter = scatter(readings);
    for &(at, watts) in &readings[1..] {
        if watts == shown {
            seen = at;
            continue;
        }
        let difference = watts - shown;
        if let Some(period) = period {
            let earliest = seen.max(at - period);
            let updated = f64::midpoint(earliest, at);
            let since = (updated - period).max(pen.at());
            let missed = (since - seen).max(0.0);
            pen.draw(seen.min(since), shown, 0.0);
            pen.draw(since, f64::midpoint(shown, watts), (missed * difference).powi(2) / 2.0);
            // If values are momentary, each is used for a period whose other moments were not seen.
            let moment = (updated - since) * scatter.get(change).copied().unwrap_or(0.0);
            pen.draw(updated, watts, ((at - earliest) / 2.0 * difference).powi(2) / 3.0 + moment.powi(2));
        } else {
            pen.draw(f64::midpoint(seen, at), shown, ((at - seen) * difference).powi(2) / 2.0);
        }
        shown = watts;
        seen = at;
        change += 1;
    }
    pen.draw(seen, shown, 0.0);
    pen
}

/// How much the power scatters around each change of the value, in watts: the median of three differences to the previous value,
/// at this change and its two neighbours, so that a single step from phase to phase does not count as noise.
fn scatter(readings: &[(f64, f64)]) -> Vec<f64> {
    let differences: Vec<f64> =
        readings.windows(2).map(|pair| (pair[1].1 - pair[0].1).abs()).filter(|&difference| difference > 0.0).collect();
    let around = |index: usize| {
        let neighbours = index.saturating_sub(1)..(index + 2).min(differences.len());
        median(differences[neighbours].to_vec()).unwrap_or(0.0)
    };
    (0..differences.len()).map(around).collect()
}

fn watts(series: &MeterSeries, reading: &MeterReading) -> Result<f64, Unavailable> {
    watts_of(series.meter.measurand, reading).ok_or_else(|| no_voltage(&series.meter))
}

pub(super) fn watts_of(measurand: Measurand, reading: &MeterReading) -> Option<f64> {
    match measurand {
        Measurand::Power { watts_per_unit } => Some(reading.value as f64 * watts_per_unit),
        Measurand::Current { amperes_per_unit } => {
            Some(reading.value as f64 * amperes_per_unit * reading.microvolts? as f64 * 1e-6)
        }
        _ => None,
    }
}

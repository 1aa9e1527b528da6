//! Power over time, from the same curves as the energy, so that charts agree with the figures.

use std::mem::take;

use pocketwatt_meter::energy::{MeterSeries, MeterSource, Scope, Unavailable};
use pocketwatt_protocol::MonotonicNs;

use super::{
    curve::{Curve, seconds_since},
    gauge::watts_of,
    meters::{groups, part},
    witness::{refuted, stands_still},
};

/// Power of one scope over time, measured through one interface: all its meters together. Times are in seconds since a moment
/// that the caller chose.
#[derive(Clone, Debug, PartialEq)]
pub struct PowerCurve {
    /// The part of the device.
    pub scope: Scope,
    /// Name of the part, for a scope whose parts do not add up.
    pub part: Option<String>,
    /// The interface.
    pub source: MeterSource,
    /// Ids of the meters.
    pub meters: Vec<String>,
    /// Time between two updates of the slowest meter, in seconds; absent where it is unknown.
    pub period_s: Option<f64>,
    /// What the meters showed.
    pub course: Course,
    /// The first of the meters to end before the case did.
    pub end: Option<CurveEnd>,
}

/// What meters showed over time.
#[derive(Clone, Debug, PartialEq)]
pub enum Course {
    /// Energy used so far, in order of time: at least two points with different times. From counters and batteries.
    Counted(Vec<EnergyPoint>),
    /// What a gauge showed, in order of time: at least two points.
    Shown(Vec<PowerPoint>),
    /// Nothing can be drawn.
    Unknown(Unavailable),
}

/// Energy that had been used at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EnergyPoint {
    /// Seconds.
    pub at: f64,
    /// The meter was updated at most this much earlier or later, in seconds.
    pub half_width: f64,
    /// Joules.
    pub joules: f64,
}

/// Power at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PowerPoint {
    /// Seconds.
    pub at: f64,
    /// Watts.
    pub watts: f64,
}

/// Where a curve ends too early.
#[derive(Clone, Debug, PartialEq)]
pub struct CurveEnd {
    /// Seconds.
    pub at: f64,
    /// Why.
    pub unavailable: Unavailable,
}

/// One curve for each scope and interface, in the order of the readings: the figures of [`super::derive_energy`] over time.
pub fn power_curves(readings: &[MeterSeries], origin: MonotonicNs) -> Vec<PowerCurve> {
    let groups = groups(readings);
    groups.iter().map(|group| power_curve(group, part(group, &groups), readings, origin)).collect()
}

fn power_curve(group: &[&MeterSeries], part: Option<String>, all: &[MeterSeries], origin: MonotonicNs) -> PowerCurve {
    let first = &group[0].meter;
    let mut power = PowerCurve {
        scope: first.scope,
        part,
        source: first.source,
        meters: group.iter().map(|series| series.meter.id.clone()).collect(),
        period_s: None,
        course: Course::Counted(Vec::new()),
        end: None,
    };
    let moves = |series: &&&MeterSeries| refuted(series, all).is_none() && Curve::of(series).is_ok();
    let one_moves = group.iter().any(|series| moves(&series));
    for series in group {
        let curve = match refuted(series, all).map_or_else(|| Curve::of(series), Err) {
            Ok(curve) => curve,
            // A battery that waits adds nothing to the others.
            Err(_) if one_moves && stands_still(series) => continue,
            Err(unavailable) => {
                power.course = Course::Unknown(unavailable);
                return power;
            }
        };
        power.period_s = Some(power.period_s.map_or(curve.period, |longest| longest.max(curve.period)));
        let offset = seconds_since(origin, curve.origin);
        if let Some(end) = end(series, &curve, origin, offset)
            && power.end.as_ref().is_none_or(|earlier| end.at < earlier.at)
        {
            power.end = Some(end);
        }
        power.course = match take(&mut power.course) {
            Course::Counted(sum) if series.meter.measurand.is_cumulative() => {
                Course::Counted(sum_of_energy(sum, counted(&curve, offset)))
            }
            Course::Counted(_) => Course::Shown(shown(series, &curve, origin, offset)),
            Course::Shown(sum) => Course::Shown(sum_of_power(&sum, &shown(series, &curve, origin, offset))),
            unknown @ Course::Unknown(_) => unknown,
        };
    }
    power
}

impl Default for Course {
    fn default() -> Self {
        Self::Counted(Vec::new())
    }
}

fn end(series: &MeterSeries, curve: &Curve, origin: MonotonicNs, offset: f64) -> Option<CurveEnd> {
    let unavailable = curve.end.clone()?;
    let stopped = series.ended.as_ref().filter(|end| end.unavailable == unavailable);
    let last = curve.knots.last().map_or(0.0, |knot| knot.at) + offset;
    Some(CurveEnd { at: stopped.map_or(last, |end| seconds_since(origin, end.at)), unavailable })
}

/// The curve from its first reading on. The value at that time was written before it, at an unknown moment.
fn counted(curve: &Curve, offset: f64) -> Vec<EnergyPoint> {
    let points: Vec<EnergyPoint> = curve
        .knots
        .iter()
        .map(|knot| EnergyPoint { at: knot.at + offset, half_width: knot.half_width, joules: knot.joules })
        .collect();
    within(&points, offset, f64::INFINITY)
}

/// The readings of gauges, up to where the curve ends.
fn shown(series: &MeterSeries, curve: &Curve, origin: MonotonicNs, offset: f64) -> Vec<PowerPoint> {
    let last = curve.knots.last().map_or(0.0, |knot| knot.at) + offset;
    let readings = series.readings.iter().map(|reading| (seconds_since(origin, reading.at), reading));
    readings
        .take_while(|(at, _)| *at <= last + 1e-9)
        .filter_map(|(at, reading)| Some(PowerPoint { at, watts: watts_of(series.meter.measurand, reading)? }))
        .collect()
}

/// Energy of several meters together, wherever all of them were read.
fn sum_of_energy(sum: Vec<EnergyPoint>, part: Vec<EnergyPoint>) -> Vec<EnergyPoint> {
    let ([first, .., last], [part_first, .., part_last]) = (sum.as_slice(), part.as_slice()) else { return part };
    let (from, to) = (first.at.max(part_first.at), last.at.min(part_last.at));
    let (sum, part) = (within(&sum, from, to), within(&part, from, to));
    let mut times: Vec<(f64, f64)> = sum.iter().chain(&part).map(|point| (point.at, point.half_width)).collect();
    times.sort_by(|left, right| left.0.total_cmp(&right.0));
    times.dedup_by(|later, earlier| later.0 <= earlier.0);
    let [sum, part] = [sum, part].map(|points| points.iter().map(|point| (point.at, point.joules)).collect::<Vec<_>>());
    times
        .into_iter()
        .map(|(at, half_width)| EnergyPoint { at, half_width, joules: value_at(&sum, at) + value_at(&part, at) })
        .collect()
}

fn sum_of_power(sum: &[PowerPoint], part: &[PowerPoint]) -> Vec<PowerPoint> {
    let ([first, .., last], [part_first, .., part_last]) = (sum, part) else { return Vec::new() };
    let (from, to) = (first.at.max(part_first.at), last.at.min(part_last.at));
    let mut times: Vec<f64> = sum.iter().chain(part).map(|point| point.at).collect();
    times.retain(|at| (from..=to).contains(at));
    times.sort_by(f64::total_cmp);
    times.dedup();
    let [sum, part] = [sum, part].map(|points| points.iter().map(|point| (point.at, point.watts)).collect::<Vec<_>>());
    times.into_iter().map(|at| PowerPoint { at, watts: value_at(&sum, at) + value_at(&part, at) }).collect()
}

/// The part of a curve between two moments, with points at both.
fn within(points: &[EnergyPoint], from: f64, to: f64) -> Vec<EnergyPoint> {
    let line: Vec<(f64, f64)> = points.iter().map(|point| (point.at, point.joules)).collect();
    let ([first, ..], [.., last]) = (points, points) else { return Vec::new() };
    let inside = |point: &&EnergyPoint| (from..=to).contains(&point.at);
    let mut part: Vec<EnergyPoint> = points.iter().filter(inside).copied().collect();
    if first.at < from && part.first().is_none_or(|point| point.at > from) {
        part.insert(0, EnergyPoint { at: from, half_width: 0.0, joules: value_at(&line, from) });
    }
    if last.at > to && part.last().is_none_or(|point| point.at < to) {
        part.push(EnergyPoint { at: to, half_width: 0.0, joules: value_at(&line, to) });
    }
    part
}

/// The value at `at` on the straight line between the two adjacent points.
fn value_at(line: &[(f64, f64)], at: f64) -> f64 {
    let after = line.partition_point(|point| point.0 <= at);
    match (after.checked_sub(1).and_then(|before| line.get(before)), line.get(after)) {
        (Some(before), Some(after)) => before.1 + (after.1 - before.1) * (at - before.0) / (after.0 - before.0),
        (Some(only), None) | (None, Some(only)) => only.1,
        (None, None) => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use pocketwatt_meter::energy::{Basis, Measurand, MeterEnd, MeterInfo, RawReading, Reason, UpdatePeriod};

    use super::*;

    const ORIGIN: MonotonicNs = MonotonicNs(5_000_000_000);

    fn series(part: &str, measurand: Measurand, values: &[(u64, i64)]) -> MeterSeries {
        let mut series = MeterSeries::new(MeterInfo {
            id: format!("powercap:{part}"),
            source: MeterSource::Powercap,
            scope: Scope::Package,
            part: part.into(),
            path: String::new(),
            measurand,
            unit_basis: Basis::Documented,
            resolution: 1,
            update_period: Some(UpdatePeriod { ns: 1_000_000, basis: Basis::Documented }),
            gain_error: None,
            power_limit_watts: None,
        });
        for &(milliseconds, value) in values {
            let at = MonotonicNs(ORIGIN.0 + milliseconds * 1_000_000);
            series.push(at, RawReading { value, microvolts: Some(4_000_000) });
        }
        series
    }

    fn steps(points: &[EnergyPoint]) -> Vec<f64> {
        points.windows(2).map(|pair| (pair[1].joules - pair[0].joules) / (pair[1].at - pair[0].at)).collect()
    }

    const COUNTER: Measurand = Measurand::EnergyCounter { joules_per_unit: 1e-3, modulus: Some(10_000) };

    #[test]
    fn two_packages_add_up_over_their_wraps() {
        let one = series("package-0", COUNTER, &[(0, 9000), (500, 14_000 % 10_000), (1000, 9000)]);
        let two = series("package-1", COUNTER, &[(0, 0), (250, 500), (1000, 2000)]);
        let curves = power_curves(&[one, two], ORIGIN);
        let [PowerCurve { course: Course::Counted(points), end: None, meters, .. }] = curves.as_slice() else {
            panic!("{curves:?}")
        };
        assert_eq!(meters.len(), 2);
        assert_eq!(points[0].at, 0.0, "nothing before the first reading");
        for watts in steps(points) {
            assert!((watts - 12.0).abs() < 0.05, "{watts} W of 10 W + 2 W");
        }
    }

    #[test]
    fn a_battery_gives_what_it_loses() {
        let measurand = Measurand::RemainingCharge { coulombs_per_unit: 1.0 };
        let curves = power_curves(&[series("battery", measurand, &[(0, 900), (1000, 899), (2000, 898)])], ORIGIN);
        let Course::Counted(points) = &curves[0].course else { panic!("{curves:?}") };
        let middle = steps(points)[1];
        assert!((middle - 4.0).abs() < 0.1, "1 C at 4 V each second, not {middle} W");
    }

    #[test]
    fn a_gauge_is_shown_as_it_was_read_up_to_its_end() {
        let measurand = Measurand::Power { watts_per_unit: 0.5 };
        let mut gauge = series("rail", measurand, &[(0, 10), (100, 10), (200, 14), (300, 14)]);
        let unavailable = Unavailable::new(Reason::Vanished, "gone");
        gauge.ended = Some(MeterEnd { at: MonotonicNs(ORIGIN.0 + 400_000_000), unavailable: unavailable.clone() });
        let curves = power_curves(&[gauge], ORIGIN);
        let watts = |points: &[PowerPoint]| points.iter().map(|point| point.watts).collect::<Vec<f64>>();
        let Course::Shown(points) = &curves[0].course else { panic!("{curves:?}") };
        assert_eq!(watts(points), [5.0, 5.0, 7.0, 7.0]);
        assert_eq!(curves[0].end, Some(CurveEnd { at: 0.4, unavailable }));
    }

    #[test]
    fn a_counter_that_stands_still_draws_nothing() {
        let curves = power_curves(&[series("package-0", COUNTER, &[(0, 5), (900, 5)])], ORIGIN);
        assert!(
            matches!(&curves[0].course, Course::Unknown(why) if why.reason == Reason::BelowResolution),
            "{curves:?}"
        );
    }
}

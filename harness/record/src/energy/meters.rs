//! Meters that belong together, and the energy that they report for windows.

use std::mem::discriminant;

use pocketwatt_meter::{
    TimeSpan,
    energy::{Measurand, MeterSeries, MeterSource, Reason, Scope, Unavailable},
};

use super::{
    Energy,
    curve::{Curve, Estimate},
    pieces::Pieces,
    witness::{Still, refuted},
};

/// A number whose 95 % interval exceeds this share of it is not shown.
pub(super) const RESOLVED: f64 = 0.5;

/// The name of a group among the groups of its scope and interface: `None` where it covers all of that scope. Cards with
/// different kinds of values form two groups.
pub(super) fn part(group: &[&MeterSeries], groups: &[Vec<&MeterSeries>]) -> Option<String> {
    let meter = &group[0].meter;
    let covers =
        |other: &[&MeterSeries]| group.iter().all(|one| other.iter().any(|other| other.meter.part == one.meter.part));
    let is_alone = groups
        .iter()
        .all(|other| (other[0].meter.scope, other[0].meter.source) != (meter.scope, meter.source) || covers(other));
    match (meter.scope, is_alone) {
        (Scope::Accelerator, false) => {
            let parts: Vec<&str> = group.iter().map(|series| &*series.meter.part).collect();
            Some(parts.join(" + "))
        }
        (scope, _) => (!scope.adds_up()).then(|| meter.part.clone()),
    }
}

/// Groups meters whose energies add up: the same interface, scope and kind of value, and each part once. Where the parts of a
/// scope do not add up, each is alone. Of several batteries, one may report its energy and another one its charge.
pub(crate) fn groups(all: &[MeterSeries]) -> Vec<Vec<&MeterSeries>> {
    let mut groups: Vec<Vec<&MeterSeries>> = Vec::new();
    for series in all {
        let meter = &series.meter;
        let together = groups.iter_mut().find(|group| {
            let first = &group[0].meter;
            meter.scope.adds_up()
                && (first.source, first.scope) == (meter.source, meter.scope)
                && same_kind(meter.source, &first.measurand, &meter.measurand)
                && group.iter().all(|other| other.meter.part != meter.part)
        });
        match together {
            Some(group) => group.push(series),
            None => groups.push(vec![series]),
        }
    }
    groups
}

fn same_kind(source: MeterSource, one: &Measurand, other: &Measurand) -> bool {
    match source {
        MeterSource::Battery => one.is_cumulative() == other.is_cumulative(),
        _ => discriminant(one) == discriminant(other),
    }
}

/// The meters of one figure.
pub(super) struct Meters<'a> {
    parts: Vec<(&'a MeterSeries, Result<Told, Unavailable>)>,
}

/// What a meter of a figure reported.
enum Told {
    Curves(Pieces),
    /// A battery whose value never changed, beside one whose value did.
    Still(Still),
}

impl<'a> Meters<'a> {
    /// The meters of a group, given all readings of the case, which may refute it.
    pub fn of(group: &[&'a MeterSeries], all: &[MeterSeries]) -> Self {
        let told = |series: &MeterSeries| match refuted(series, all) {
            Some(unavailable) => Err(unavailable),
            None => Pieces::of(series).map(Told::Curves),
        };
        let mut meters = Self { parts: group.iter().map(|&series| (series, told(series))).collect() };
        if let Some(step) = meters.curves().map(|curve| curve.resolution).reduce(f64::max) {
            for (series, told) in meters.parts.iter_mut().filter(|(_, told)| told.is_err()) {
                if let Some(still) = Still::of(series, all, step) {
                    *told = Ok(Told::Still(still));
                }
            }
        }
        meters
    }

    pub fn curves(&self) -> impl Iterator<Item = &Curve> {
        let curves = self.parts.iter().filter_map(|(_, told)| match told {
            Ok(Told::Curves(pieces)) => Some(&pieces.curves),
            _ => None,
        });
        curves.flatten()
    }

    /// The longest time between two updates, in seconds; 0 without any curve.
    pub fn period(&self) -> f64 {
        self.curves().map(|curve| curve.period).fold(0.0, f64::max)
    }

    /// Energy of all meters in some windows. Their errors are independent.
    pub fn energy(&self, spans: &[TimeSpan]) -> Result<Estimate, Unavailable> {
        let mut sum = Estimate { joules: 0.0, variance: 0.0 };
        for (_, told) in &self.parts {
            let part = match told.as_ref().map_err(Unavailable::clone)? {
                Told::Curves(pieces) => pieces.energy(spans)?,
                Told::Still(still) => still.energy(spans)?,
            };
            sum.joules += part.joules;
            sum.variance += part.variance;
        }
        if !(sum.joules.is_finite() && sum.variance.is_finite()) {
            return Err(Unavailable::new(Reason::Implausible, "the readings are beyond all numbers"));
        }
        Ok(sum)
    }

    /// Whether they show momentary powers, as gauges may.
    pub fn sample(&self) -> bool {
        self.curves().any(|curve| curve.watt_step > 0.0)
    }

    /// Variance that gauges add where windows are shorter than their updates.
    pub fn sampling_variance(&self, spans: &[TimeSpan]) -> f64 {
        self.curves().map(|curve| spans.iter().map(|span| curve.sampling_variance(span)).sum::<f64>()).sum()
    }

    /// The largest step of a counter, in joules; 0 for gauges, whose steps are watts.
    pub fn step_joules(&self) -> f64 {
        self.curves().filter(|curve| curve.watt_step <= 0.0).map(|curve| curve.resolution).fold(0.0, f64::max)
    }

    /// The largest relative error of the scales, if all are known. Scales err in the same direction, so the errors do not average out.
    pub fn gain_error(&self) -> Option<f64> {
        let mut largest: f64 = 0.0;
        for (series, _) in &self.parts {
            largest = largest.max(series.meter.gain_error?);
        }
        Some(largest)
    }
}

pub(super) fn gross(estimate: Estimate, gain_error: Option<f64>) -> Estimate {
    let scale = gain_error.unwrap_or(0.0) * estimate.joules;
    Estimate { variance: estimate.variance + scale.powi(2), ..estimate }
}

/// Energy with a coverage factor of 2.
pub(super) fn energy(estimate: Result<Estimate, Unavailable>) -> Energy {
    match estimate {
        Ok(Estimate { joules, variance }) if joules.is_finite() && variance.is_finite() => {
            Energy::Measured { joules, uncertainty_joules: 2.0 * variance.sqrt() }
        }
        Ok(_) => Energy::Unavailable(Unavailable::new(Reason::Implausible, "the readings are beyond all numbers")),
        Err(unavailable) => Energy::Unavailable(unavailable),
    }
}

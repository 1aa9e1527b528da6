//! Energy between two moments as one meter saw it, whatever happened in between.

use pocketwatt_meter::{
    TimeSpan,
    energy::{MeterSeries, Reason, Scope, Unavailable},
};

use super::{
    Energy,
    curve::{Curve, Estimate},
    meters::{Meters, RESOLVED, energy, gross, groups},
    resolution::at_least_two_updates,
};
use crate::Amount;

/// Energy from one moment to another, both of them between the first and the last reading of `series`.
pub fn energy_between(series: &MeterSeries, span: TimeSpan) -> Energy {
    energy(estimate(series, span).map(|estimate| gross(estimate, series.meter.gain_error)))
}

/// Several meters whose energies add up, and their energy.
#[derive(Clone, Debug, PartialEq)]
pub struct Together {
    /// Ids of the meters.
    pub meters: Vec<String>,
    /// What they cover together.
    pub scope: Scope,
    /// The time that all of them covered; absent where they covered none.
    pub span: Option<TimeSpan>,
    /// Joules in that time.
    pub energy: Energy,
}

/// The energy of meters that are parts of one whole, from the first moment that all of them covered to the last: the
/// packages of a server, the batteries of a notebook.
pub fn energies_together(all: &[MeterSeries]) -> Vec<Together> {
    let several = groups(all).into_iter().filter(|group| group.len() > 1);
    several
        .map(|group| {
            let span = seen_by_all(&group);
            let estimate = span
                .ok_or_else(|| Unavailable::new(Reason::NotCovered, "the meters were not read at the same time"))
                .and_then(|span| of_all(&group, all, span));
            Together {
                meters: group.iter().map(|series| series.meter.id.clone()).collect(),
                scope: group[0].meter.scope,
                span,
                energy: energy(estimate),
            }
        })
        .collect()
}

fn seen_by_all(group: &[&MeterSeries]) -> Option<TimeSpan> {
    let start =
        group.iter().map(|series| series.readings.first().map(|reading| reading.at)).collect::<Option<Vec<_>>>()?;
    let end =
        group.iter().map(|series| series.readings.last().map(|reading| reading.at)).collect::<Option<Vec<_>>>()?;
    let (start, end) = (start.into_iter().max()?, end.into_iter().min()?);
    (start < end).then_some(TimeSpan { start, end })
}

fn of_all(group: &[&MeterSeries], all: &[MeterSeries], span: TimeSpan) -> Result<Estimate, Unavailable> {
    let meters = Meters::of(group, all);
    at_least_two_updates("the watch", span, meters.period()).or_else(|short| meters.energy(&[span]).and(Err(short)))?;
    let estimate = gross(meters.energy(&[span])?, meters.gain_error());
    let uncertainty = 2.0 * estimate.variance.sqrt();
    if uncertainty > RESOLVED * estimate.joules.abs() {
        let [joules, uncertainty] = [estimate.joules, uncertainty].map(Amount);
        let hint = format!("{joules:.3} J with an uncertainty of {uncertainty:.3} J: read for longer");
        return Err(Unavailable::new(Reason::BelowResolution, hint));
    }
    Ok(estimate)
}

fn estimate(series: &MeterSeries, span: TimeSpan) -> Result<Estimate, Unavailable> {
    let curve = Curve::of(series)?;
    let seconds = span.duration_ns() as f64 * 1e-9;
    let estimate = curve.energy(&[span])?;
    let uncertainty = 2.0 * estimate.variance.sqrt();
    if seconds < 2.0 * curve.period || uncertainty > RESOLVED * estimate.joules.abs() {
        let unit = if series.meter.measurand.is_cumulative() { "J" } else { "W" };
        let hint = format!(
            "{:.1} s are too short for a meter that is updated every {:.3} s in steps of {} {unit}",
            Amount(seconds),
            Amount(curve.period),
            Amount(three_digits(curve.resolution))
        );
        return Err(Unavailable::new(Reason::BelowResolution, hint));
    }
    Ok(estimate)
}

/// A number with the three digits that are enough at a glance.
fn three_digits(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let scale = 10f64.powi(2 - value.abs().log10().floor() as i32);
    if scale.is_finite() && scale > 0.0 { (value * scale).round() / scale } else { value }
}

#[cfg(test)]
mod tests {
    use pocketwatt_meter::energy::{Basis, Measurand, MeterInfo, MeterSource, RawReading, Scope, UpdatePeriod};
    use pocketwatt_protocol::MonotonicNs;

    use super::*;

    const MS: u64 = 1_000_000;

    /// 12 W, counted in microjoules every 10 ms, and read every 100 ms for 10 s.
    fn series() -> MeterSeries {
        let mut series = MeterSeries::new(MeterInfo {
            id: "powercap:package-0".into(),
            source: MeterSource::Powercap,
            scope: Scope::Package,
            part: "package-0".into(),
            path: "simulated".into(),
            measurand: Measurand::EnergyCounter { joules_per_unit: 1e-6, modulus: None },
            unit_basis: Basis::Documented,
            resolution: 1,
            update_period: Some(UpdatePeriod { ns: 10 * MS, basis: Basis::Observed }),
            gain_error: None,
            power_limit_watts: None,
        });
        for reading in 0..=100 {
            let at_ms = reading * 100 + reading % 7;
            series.push(MonotonicNs(at_ms * MS), RawReading::new((at_ms / 10 * 120_000) as i64));
        }
        series
    }

    fn between(start_ms: u64, end_ms: u64) -> Energy {
        energy_between(&series(), TimeSpan { start: MonotonicNs(start_ms * MS), end: MonotonicNs(end_ms * MS) })
    }

    #[test]
    fn steps_are_told_with_three_digits() {
        let shown = [41.756, 6.1035e-5, 3.6, 0.0, 1e-320].map(|value| Amount(three_digits(value)).to_string());
        assert_eq!(shown[..4], ["41.8", "0.000061", "3.6", "0"].map(String::from));
        assert!(three_digits(f64::INFINITY).is_infinite() && shown[4].starts_with("0.000"), "{shown:?}");
    }

    #[test]
    fn a_stretch_of_a_known_power_holds_its_energy() {
        let (joules, uncertainty) = between(1003, 9005).measured().unwrap();
        assert!((joules - 12.0 * 8.002).abs() <= uncertainty && uncertainty < 0.5, "{joules} {uncertainty}");
    }

    #[test]
    fn what_was_not_seen_or_is_too_short_is_no_number() {
        let reason = |start, end| match between(start, end) {
            Energy::Unavailable(unavailable) => Some(unavailable.reason),
            Energy::Measured { .. } => None,
        };
        assert_eq!(reason(9000, 11_000), Some(Reason::NotCovered));
        assert_eq!(reason(5000, 5012), Some(Reason::BelowResolution));
        assert_eq!(reason(1000, 9000), None);
    }
}

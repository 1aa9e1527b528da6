//! Power of a sustained case, at first and in the end.

use pocketwatt_meter::{
    TimeSpan,
    energy::{MeterSeries, Reason},
};

use super::{
    Uncertain,
    meters::{Meters, RESOLVED, gross, groups},
    resolution::at_least_two_updates,
};
use crate::Absent;

/// Mean power in a stretch of time, gross, for each figure of the readings.
pub(crate) fn mean_powers(readings: &[MeterSeries], span: TimeSpan) -> Vec<Result<Uncertain, Absent>> {
    groups(readings).iter().map(|group| mean_power(&Meters::of(group, readings), span)).collect()
}

fn mean_power(meters: &Meters<'_>, span: TimeSpan) -> Result<Uncertain, Absent> {
    let seconds = span.duration_ns() as f64 * 1e-9;
    let estimate = at_least_two_updates("a stretch", span, meters.period())
        .or_else(|short| meters.energy(&[span]).and(Err(short)))
        .and_then(|()| meters.energy(&[span]))
        .map(|estimate| gross(estimate, meters.gain_error()))
        .map_err(|unavailable| Absent::from(&unavailable))?;
    let uncertainty = 2.0 * estimate.variance.sqrt();
    if uncertainty > RESOLVED * estimate.joules.abs() {
        return Err(Reason::BelowResolution.into());
    }
    Ok(Uncertain { value: estimate.joules / seconds, uncertainty: uncertainty / seconds })
}

//! Power of a sustained case, at first and in the end.

use pocketwatt_meter::{TimeSpan, energy::Reason};

use super::{
    figure::{Meters, RESOLVED, gross, groups},
    resolution::at_least_two_updates,
    values::Figure,
};
use crate::{Record, stretches};

/// Mean power in the stretch that a metric is about, gross, for each figure of the readings; nothing for a metric of
/// something else.
pub(super) fn stretch_power(name: &str, record: &Record) -> Option<Vec<Result<Figure, String>>> {
    let groups = groups(&record.readings.energy);
    let span =
        |at_first: bool| stretches(record).map(|both| if at_first { both.burst.span } else { both.sustained.span });
    let span = match name {
        "burst_power" => span(true),
        "sustained_power" => span(false),
        _ => return None,
    };
    Some(
        groups
            .iter()
            .map(|group| span.clone().and_then(|span| mean_power(&Meters::of(group, &record.readings.energy), span)))
            .collect(),
    )
}

fn mean_power(meters: &Meters, span: TimeSpan) -> Result<Figure, String> {
    let seconds = span.duration_ns() as f64 * 1e-9;
    let estimate = at_least_two_updates("a stretch", span, meters.period())
        .or_else(|short| meters.energy(&[span]).and(Err(short)))
        .and_then(|()| meters.energy(&[span]))
        .map(|estimate| gross(estimate, meters.gain_error()))
        .map_err(|unavailable| unavailable.reason.words().to_owned())?;
    let uncertainty = 2.0 * estimate.variance.sqrt();
    if uncertainty > RESOLVED * estimate.joules.abs() {
        return Err(Reason::BelowResolution.words().to_owned());
    }
    Ok(Figure { value: estimate.joules / seconds, uncertainty: uncertainty / seconds })
}

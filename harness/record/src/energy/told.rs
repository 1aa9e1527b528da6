//! The energy curve from a meter's readings: of counters and of gauges.

use pocketwatt_meter::energy::{MeterSeries, Reason, Unavailable};

use super::{
    counter,
    curve::{Curve, Knot},
    gauge,
};

impl Curve {
    /// The curve from a meter's readings.
    ///
    /// # Errors
    /// When there are no readings, or no change.
    pub fn of(series: &MeterSeries) -> Result<Self, Unavailable> {
        if series.readings.is_empty() {
            return Err(series.ended.as_ref().map_or_else(
                || Unavailable::new(Reason::NotCovered, format!("{} gave no reading", series.meter.id)),
                |end| end.unavailable.clone(),
            ));
        }
        if !series.readings.is_sorted_by_key(|reading| reading.at) {
            let hint = format!("the readings of {} are not in the order of time", series.meter.id);
            return Err(Unavailable::new(Reason::Implausible, hint));
        }
        let curve = if series.meter.measurand.is_cumulative() { counter::curve(series) } else { gauge::curve(series) }?;
        let is_finite = |knot: &Knot| [knot.at, knot.joules, knot.variance].into_iter().all(f64::is_finite);
        if !curve.knots.iter().all(is_finite) {
            let hint = format!("the readings of {} are beyond all numbers", series.meter.id);
            return Err(Unavailable::new(Reason::Implausible, hint));
        }
        Ok(curve)
    }
}

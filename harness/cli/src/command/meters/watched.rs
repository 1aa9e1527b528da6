//! Energy of a watch, from its first reading to its last.

use pocketwatt_meter::{
    TimeSpan,
    energy::{MeterSeries, Observation, Reason, Unavailable},
};
use pocketwatt_record::{Energy, energy_between, refuted};

/// From the first reading to the last; `None` for fewer than two.
pub fn span(observation: &Observation) -> Option<TimeSpan> {
    let (first, last) = (observation.series.readings.first()?, observation.series.readings.last()?);
    (last.at > first.at).then_some(TimeSpan { start: first.at, end: last.at })
}

/// Joules of the watch with their uncertainty, computed as for a case. `all` were watched at the same time.
pub fn energy(observation: &Observation, all: &[MeterSeries]) -> Energy {
    let series = &observation.series;
    if let Some(unavailable) = refuted(series, all) {
        return Energy::Unavailable(unavailable);
    }
    if let Some(end) = &series.ended {
        return Energy::Unavailable(end.unavailable.clone());
    }
    let Some(span) = span(observation) else {
        return Energy::Unavailable(Unavailable::new(Reason::NotCovered, "it gave no two readings"));
    };
    // A counter that changed once has no rate, and a gauge that never changed may have stopped.
    let needed = if series.meter.measurand.is_cumulative() { 2 } else { 1 };
    if observation.changes < needed {
        let hint = format!(
            "its value {} in {:.0} s: read for longer with --watch",
            if observation.changes == 0 { "never changed" } else { "changed once" },
            observation.watched_ns as f64 / 1e9
        );
        return Energy::Unavailable(Unavailable::new(Reason::BelowResolution, hint));
    }
    energy_between(series, span)
}

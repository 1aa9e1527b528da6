use pocketwatt_protocol::MonotonicClock;

use crate::energy::{EnergyMeter, MeterSeries, Moment, TimedReading};

/// A meter that changes more slowly than this has nothing new at the edge of a phase.
const SLOW_NS: u64 = 200_000_000;

/// One energy meter and its readings.
#[derive(Debug)]
pub(super) struct MeterReader {
    meter: Box<dyn EnergyMeter>,
    series: MeterSeries,
    slow: bool,
}

impl MeterReader {
    pub(super) fn new(meter: Box<dyn EnergyMeter>) -> Self {
        let info = meter.info().clone();
        let slow = info.update_period.is_some_and(|period| period.ns >= SLOW_NS);
        Self { meter, series: MeterSeries::new(info), slow }
    }

    /// Takes what there is to read, unless the meter was given up.
    pub(super) fn read(&mut self, moment: Moment) {
        if moment == Moment::PhaseEdge && self.slow {
            return;
        }
        let series = &mut self.series;
        if series.ended.is_some() {
            return;
        }
        self.meter.readings(moment, &MonotonicClock, &mut |TimedReading { at, reading }| match reading {
            _ if series.ended.is_some() => {}
            Ok(reading) => series.push(at, reading),
            Err(unavailable) => series.fail(at, unavailable),
        });
    }

    /// Whether it is read at its own pace.
    pub(super) fn has_own_pace(&self) -> bool {
        self.meter.has_own_pace()
    }

    pub(super) fn finish(self) -> (MeterSeries, Box<dyn EnergyMeter>) {
        (self.series, self.meter)
    }
}

use pocketwatt_protocol::{Clock, MonotonicClock, MonotonicNs};

use crate::energy::{EnergyMeter, MeterSeries};

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

    /// Reads once, unless the meter was given up.
    pub(super) fn read(&mut self, at_edge: bool) {
        if self.series.ended.is_some() || (at_edge && self.slow) {
            return;
        }
        let before = MonotonicClock.now();
        let reading = self.meter.read();
        let after = MonotonicClock.now();
        let at = MonotonicNs(before.0.midpoint(after.0));
        match reading {
            Ok(reading) => self.series.push(at, reading),
            Err(unavailable) => self.series.fail(at, unavailable),
        }
    }

    pub(super) fn finish(self) -> (MeterSeries, Box<dyn EnergyMeter>) {
        (self.series, self.meter)
    }
}

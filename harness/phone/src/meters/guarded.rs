//! A meter of a battery's files that the battery service watches: files of the kernel may miss a charger that the service knows of.

use std::sync::Arc;

use pocketwatt_meter::energy::{EnergyMeter, MeterInfo, Moment, RawReading, TimedReading, Unavailable};
use pocketwatt_protocol::Clock;

use super::service::{Reader, SHARED_NS, Service};
use crate::printed::BatteryReport;

/// Gives a reading only once the service has said, afterwards, that nothing feeds the phone.
#[derive(Debug)]
pub(super) struct Guarded {
    inner: Box<dyn EnergyMeter>,
    reader: Reader<BatteryReport>,
    /// Readings after the service's latest word.
    pending: Vec<TimedReading>,
}

impl Guarded {
    pub(super) fn new(inner: Box<dyn EnergyMeter>, service: &Arc<Service<BatteryReport>>) -> Self {
        Self { inner, reader: Reader::new(service), pending: Vec::new() }
    }
}

impl EnergyMeter for Guarded {
    fn info(&self) -> &MeterInfo {
        self.inner.info()
    }

    fn read(&mut self) -> Result<RawReading, Unavailable> {
        let answer = self.reader.next(Moment::Boundary).ok_or_else(super::silent)?;
        answer.report.as_ref().map_err(Unavailable::clone)?.ensure_on_battery()?;
        self.inner.read()
    }

    fn readings(&mut self, moment: Moment, clock: &dyn Clock, take: &mut dyn FnMut(TimedReading)) {
        let Self { inner, reader, pending } = self;
        inner.readings(moment, clock, &mut |reading| pending.push(reading));
        let answer = match reader.next(moment) {
            Some(answer) => answer,
            None if moment == Moment::Boundary => {
                pending.clear();
                return take(TimedReading { at: clock.now(), reading: Err(super::silent()) });
            }
            None => return,
        };
        match answer.report.as_ref().map_err(Unavailable::clone).and_then(BatteryReport::ensure_on_battery) {
            Ok(()) => {
                // What several meters share an answer for is as good as simultaneous.
                let until = answer.asked.0.saturating_add(SHARED_NS);
                let known = pending.iter().take_while(|reading| reading.at.0 <= until).count();
                pending.drain(..known).for_each(take);
            }
            Err(unavailable) => {
                pending.clear();
                take(TimedReading { at: answer.at, reading: Err(unavailable) });
            }
        }
    }

    fn has_own_pace(&self) -> bool {
        true
    }
}

//! A meter that is read from the answers of a service.

use std::{fmt::Debug, sync::Arc};

use pocketwatt_meter::energy::{EnergyMeter, MeterInfo, Moment, RawReading, TimedReading, Unavailable};
use pocketwatt_protocol::{Clock, MonotonicNs};

use super::service::{Answer, Reader, Service};

/// One value of a service's report.
pub(super) trait OfReport: Send + Debug {
    /// What the service prints.
    type Report: Send + Sync + Debug + 'static;

    /// What is read, and in which unit.
    fn info(&self) -> &MeterInfo;

    /// The value.
    ///
    /// # Errors
    /// Why there is none.
    fn reading(&mut self, at: MonotonicNs, report: &Self::Report) -> Result<RawReading, Unavailable>;
}

/// The meter of that value.
#[derive(Debug)]
pub(super) struct AnsweredMeter<V: OfReport> {
    value: V,
    reader: Reader<V::Report>,
}

impl<V: OfReport> AnsweredMeter<V> {
    pub(super) fn new(service: &Arc<Service<V::Report>>, value: V) -> Self {
        Self { value, reader: Reader::new(service) }
    }

    /// The value in a report.
    pub(super) fn reading(&mut self, at: MonotonicNs, report: &V::Report) -> Result<RawReading, Unavailable> {
        self.value.reading(at, report)
    }

    fn answered(&mut self, answer: &Answer<V::Report>) -> TimedReading {
        let report = answer.report.as_ref().map_err(Unavailable::clone);
        TimedReading { at: answer.at, reading: report.and_then(|report| self.reading(answer.at, report)) }
    }
}

impl<V: OfReport> EnergyMeter for AnsweredMeter<V> {
    fn info(&self) -> &MeterInfo {
        self.value.info()
    }

    fn read(&mut self) -> Result<RawReading, Unavailable> {
        let answer = self.reader.next(Moment::Boundary).ok_or_else(super::silent)?;
        self.answered(&answer).reading
    }

    fn readings(&mut self, moment: Moment, clock: &dyn Clock, take: &mut dyn FnMut(TimedReading)) {
        match self.reader.next(moment) {
            Some(answer) => take(self.answered(&answer)),
            None if moment == Moment::Boundary => take(TimedReading { at: clock.now(), reading: Err(super::silent()) }),
            None => {}
        }
    }

    fn has_own_pace(&self) -> bool {
        true
    }
}

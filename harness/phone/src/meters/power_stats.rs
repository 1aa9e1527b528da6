//! The supply rails of the cores as meters: true while the phone is on a cable, too.

use std::sync::Arc;

use pocketwatt_meter::energy::{
    Basis, EnergyMeter, Measurand, MeterInfo, MeterSource, Moment, RawReading, Reason, TimedReading, Unavailable,
    UpdatePeriod,
};
use pocketwatt_protocol::Clock;

use super::service::{Answer, Reader, Service};
use crate::printed::{PowerRail, RailsReport};

/// One rail of a cluster of cores.
#[derive(Debug)]
pub(super) struct CoresMeter {
    info: MeterInfo,
    reader: Reader<RailsReport>,
}

impl CoresMeter {
    /// A rail of the first report. The counter itself is updated much more often than it is read, every `period_ns`.
    pub(super) fn open(service: &Arc<Service<RailsReport>>, rail: &PowerRail, period_ns: u64) -> Self {
        let info = MeterInfo {
            id: format!("{}:{}", MeterSource::PowerStats.name(), rail.name),
            source: MeterSource::PowerStats,
            scope: rail.scope,
            part: rail.name.clone(),
            path: format!("dumpsys {}", super::POWER_STATS),
            measurand: Measurand::EnergyCounter { joules_per_unit: 1e-6, modulus: None },
            unit_basis: Basis::Documented,
            resolution: rail.resolution_microjoules().unwrap_or(1),
            update_period: Some(UpdatePeriod { ns: period_ns, basis: Basis::Documented }),
            gain_error: None,
            power_limit_watts: None,
        };
        Self { info, reader: Reader::new(service) }
    }

    fn answered(&self, answer: &Answer<RailsReport>) -> TimedReading {
        let report = answer.report.as_ref().map_err(Unavailable::clone);
        TimedReading { at: answer.at, reading: report.and_then(|report| self.reading(report)) }
    }

    fn reading(&self, report: &RailsReport) -> Result<RawReading, Unavailable> {
        let part = &self.info.part;
        let refused = |why: String| Unavailable::new(Reason::Unreadable, format!("rail {part}: {why}"));
        let rail = report.rails.iter().find(|rail| rail.name == *part);
        let rail = rail.ok_or_else(|| refused("it is not printed any more".into()))?;
        Ok(RawReading::new(rail.microjoules.clone().map_err(|why| refused(why.to_string()))?))
    }
}

impl EnergyMeter for CoresMeter {
    fn info(&self) -> &MeterInfo {
        &self.info
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

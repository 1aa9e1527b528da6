//! The supply rails of the cores as meters: true while the phone is on a cable, too.

use std::sync::Arc;

use pocketwatt_meter::energy::{
    Basis, Measurand, MeterInfo, MeterSource, RawReading, Reason, Unavailable, UpdatePeriod,
};
use pocketwatt_protocol::MonotonicNs;

use super::{
    answered::{AnsweredMeter, OfReport},
    service::Service,
};
use crate::printed::{PowerRail, RailsReport};

/// One rail of a cluster of cores.
#[derive(Debug)]
pub(super) struct CoresMeter {
    info: MeterInfo,
}

impl CoresMeter {
    /// A rail of the first report. The counter itself is updated much more often than it is read, every `period_ns`.
    pub(super) fn open(service: &Arc<Service<RailsReport>>, rail: &PowerRail, period_ns: u64) -> AnsweredMeter<Self> {
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
        AnsweredMeter::new(service, Self { info })
    }
}

impl OfReport for CoresMeter {
    type Report = RailsReport;

    fn info(&self) -> &MeterInfo {
        &self.info
    }

    fn reading(&mut self, _: MonotonicNs, report: &RailsReport) -> Result<RawReading, Unavailable> {
        let part = &self.info.part;
        let refused = |why: String| Unavailable::new(Reason::Unreadable, format!("rail {part}: {why}"));
        let rail = report.rails.iter().find(|rail| rail.name == *part);
        let rail = rail.ok_or_else(|| refused("it is not printed any more".into()))?;
        Ok(RawReading::new(rail.microjoules.clone().map_err(|why| refused(why.to_string()))?))
    }
}

//! The charge counter of the battery service as a meter of the whole phone. It counts in coarse steps, and only what the phone uses
//! while nothing feeds it.

use std::sync::Arc;

use pocketwatt_meter::energy::{Measurand, MeterInfo, MeterSource, RawReading, Reason, Scope, Unavailable};
use pocketwatt_protocol::MonotonicNs;

use super::{
    answered::{AnsweredMeter, OfReport},
    service::Service,
};
use crate::printed::{BatteryReport, ChargeCounter};

/// No phone or tablet uses more for long: a counter that falls faster has jumped.
const MOST_WATTS: f64 = 30.0;
/// The longest time between two steps that was seen, in seconds: so much may be behind the first step.
const LONGEST_STEP_S: f64 = 90.0;
/// The largest step that was seen, 3750 uAh, in joules.
const LARGEST_STEP_J: f64 = 60.0;

/// The charge counter.
#[derive(Debug)]
pub(super) struct ChargeMeter {
    info: MeterInfo,
    /// As it was when the meter was found: its unit does not change.
    first: ChargeCounter,
    /// The latest value that was new, and when it was read.
    changed: Option<(MonotonicNs, i64)>,
}

impl ChargeMeter {
    /// From the first report.
    ///
    /// # Errors
    /// Why there is no such meter: something feeds the phone, no counter, a value that is none.
    pub(super) fn open(
        service: &Arc<Service<BatteryReport>>,
        report: &BatteryReport,
    ) -> Result<AnsweredMeter<Self>, Unavailable> {
        let first = report.charge.clone()?;
        report.ensure_on_battery()?;
        let info = MeterInfo {
            id: super::CHARGE_COUNTER.into(),
            source: MeterSource::BatteryService,
            scope: Scope::Device,
            part: "battery".into(),
            path: "dumpsys battery: Charge counter, voltage".into(),
            measurand: Measurand::RemainingCharge { coulombs_per_unit: first.coulombs_per_unit },
            unit_basis: first.unit_basis,
            resolution: 1,
            update_period: None,
            gain_error: None,
            power_limit_watts: None,
        };
        let mut charge = Self { info, first, changed: None };
        charge.reading(MonotonicNs(0), report)?;
        charge.changed = None;
        Ok(AnsweredMeter::new(service, charge))
    }

    /// Gauges are corrected now and then: what they lose in a jump, nothing has used.
    fn ensure_no_jump(&mut self, at: MonotonicNs, charge: &ChargeCounter, volts: f64) -> Result<(), Unavailable> {
        let Some((since, before)) = self.changed.filter(|(_, before)| *before != charge.raw) else {
            self.changed = self.changed.or(Some((at, charge.raw)));
            return Ok(());
        };
        self.changed = Some((at, charge.raw));
        let seconds = at.since(since) as f64 * 1e-9;
        let joules = before.abs_diff(charge.raw) as f64 * charge.joules_per_unit(volts);
        if joules <= MOST_WATTS * (seconds + LONGEST_STEP_S) + LARGEST_STEP_J {
            return Ok(());
        }
        let hint = format!(
            "the charge counter jumped from {before} to {} within {seconds:.0} s: {joules:.0} J are more than a phone uses; measure \
             again",
            charge.raw
        );
        Err(Unavailable::new(Reason::Implausible, hint))
    }
}

impl OfReport for ChargeMeter {
    type Report = BatteryReport;

    fn info(&self) -> &MeterInfo {
        &self.info
    }

    fn reading(&mut self, at: MonotonicNs, report: &BatteryReport) -> Result<RawReading, Unavailable> {
        report.ensure_on_battery()?;
        let charge = report.charge.clone()?;
        if (charge.coulombs_per_unit - self.first.coulombs_per_unit).abs() > f64::EPSILON {
            let hint =
                format!("the charge counter showed {}, and now {}: it changed its unit", self.first.raw, charge.raw);
            return Err(Unavailable::new(Reason::Implausible, hint));
        }
        let why = |unread| Unavailable::new(Reason::Unreadable, format!("the charge needs the voltage: {unread}"));
        let volts = report.volts.clone().map_err(why)?;
        self.ensure_no_jump(at, &charge, volts)?;
        Ok(RawReading { value: charge.raw, microvolts: Some((volts * 1e6).round() as i64) })
    }
}

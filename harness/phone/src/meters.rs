//! The energy meters of the phone on which this runs: those of any Linux device, and what Android's services know beside them.
//!
//! An answer of a service is a process that takes some tens of milliseconds. So services are asked before and after a case, and in
//! between as rarely as their figures allow; never in the rhythm of the other meters.

mod answered;
mod battery_service;
mod dumpsys;
mod guarded;
mod power_stats;
mod service;
#[cfg(test)]
mod tests;

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use pocketwatt_meter::{
    SystemRoot,
    energy::{
        self, AbsentMeter, BatteryCapacity, Discovery, EnergyMeter, MeterSource, Moment, Reason, Scope, Unavailable,
    },
};

use pocketwatt_protocol::{Clock, MonotonicClock};

use self::{
    battery_service::ChargeMeter,
    dumpsys::Dumpsys,
    guarded::Guarded,
    power_stats::CoresMeter,
    service::{Reader, Service},
};
use crate::printed::{BatteryReport, RailsReport};

/// The id of the battery service's meter.
const CHARGE_COUNTER: &str = "battery-service:charge-counter";
const BATTERY: &str = "battery";
const POWER_STATS: &str = "android.hardware.power.stats.IPowerStats/default";
/// How often the battery service is asked: its counter steps every 30 to 90 s.
const BATTERY_PERIOD: Duration = Duration::from_secs(10);
/// How often the rails are read: they count all the time, and so resolve shorter work the more often they are read.
const RAILS_PERIOD: Duration = Duration::from_secs(2);

/// Looks for every kind of meter that a Linux device may have, and for those of Android's services where this is an Android device.
/// There, no meter of a battery is used while the battery service says that something feeds the phone.
pub fn discover(root: &SystemRoot) -> Discovery {
    let found = energy::discover(root);
    match Dumpsys::of(root) {
        Some(dumpsys) => of_services(found, &dumpsys),
        None => found,
    }
}

/// Fails unless a battery alone feeds the device: by the files of the kernel, and by the battery service where there is one.
///
/// # Errors
/// [`Reason::ChargerConnected`], naming what feeds it; [`Reason::NoMeter`] for a device without a battery;
/// [`Reason::Unreadable`] where it cannot be decided.
pub fn ensure_on_battery(root: &SystemRoot) -> Result<(), Unavailable> {
    let by_files = energy::ensure_on_battery(root);
    let Some(dumpsys) = Dumpsys::of(root) else { return by_files };
    BatteryReport::read(&dumpsys.print(BATTERY, &AtomicBool::new(false))?).ensure_on_battery()?;
    match by_files {
        // A maker may keep these files from the shell.
        Err(Unavailable { reason: Reason::NoMeter, .. }) => Ok(()),
        by_files => by_files,
    }
}

/// What the device's battery holds when it is full: by its own files, else by what the battery service says of its charge and how
/// full it is.
pub fn battery_capacity(root: &SystemRoot) -> Option<BatteryCapacity> {
    energy::battery_capacity(root).or_else(|| {
        let text = Dumpsys::of(root)?.print(BATTERY, &AtomicBool::new(false)).ok()?;
        capacity(&BatteryReport::read(&text))
    })
}

/// A level has steps of one per cent: of a battery that is nearly empty, the capacity would be off by much.
const LEAST_PERCENT: f64 = 10.0;

fn capacity(report: &BatteryReport) -> Option<BatteryCapacity> {
    let (charge, volts) = (report.charge.as_ref().ok()?, *report.volts.as_ref().ok()?);
    let percent = report.percent.as_ref().ok().copied().filter(|percent| *percent >= LEAST_PERCENT)?;
    Some(BatteryCapacity {
        name: "battery service".into(),
        joules: charge.raw as f64 * charge.joules_per_unit(volts) * 100.0 / percent,
        basis: format!("charge counter / level of {percent:.0} % x voltage"),
    })
}

/// What one answer of a service takes, beside how often it is asked for.
#[derive(Clone, Copy, Debug)]
pub struct AnswerTime {
    /// The service.
    pub service: &'static str,
    /// The median of a few answers.
    pub time: Duration,
    /// Time between two of them while something is measured.
    pub period: Duration,
}

/// How long answers take of the services that some of these meters read; empty where they read none.
pub fn answer_times(root: &SystemRoot, sources: &[MeterSource]) -> Vec<AnswerTime> {
    const ANSWERS: usize = 5;
    let Some(dumpsys) = Dumpsys::of(root) else { return Vec::new() };
    let of_battery = sources.iter().any(|source| matches!(source, MeterSource::Battery | MeterSource::BatteryService));
    let services = [
        (BATTERY, BATTERY_PERIOD, of_battery),
        (POWER_STATS, RAILS_PERIOD, sources.contains(&MeterSource::PowerStats)),
    ];
    let time = |service| {
        let begun = MonotonicClock.now();
        dumpsys.print(service, &AtomicBool::new(false)).ok()?;
        Some(Duration::from_nanos(MonotonicClock.now().since(begun)))
    };
    let median = |(service, period, _)| {
        let mut times = (0..ANSWERS).map(|_| time(service)).collect::<Option<Vec<Duration>>>()?;
        times.sort_unstable();
        Some(AnswerTime { service, time: times[ANSWERS / 2], period })
    };
    services.into_iter().filter(|(.., is_read)| *is_read).filter_map(median).collect()
}

fn of_services(found: Discovery, dumpsys: &Dumpsys) -> Discovery {
    let Discovery { meters, mut absent } = found;
    let (of_battery, mut meters): (Vec<_>, Vec<_>) =
        meters.into_iter().partition(|meter| meter.info().source == MeterSource::Battery);
    let missing = |source: MeterSource, id: &str, scope: Scope, unavailable: Unavailable| AbsentMeter {
        source,
        id: id.to_owned(),
        scope: Some(scope),
        unavailable,
    };
    match rails(dumpsys) {
        Ok(rails) => meters.extend(rails),
        Err(why) => {
            absent.push(missing(MeterSource::PowerStats, MeterSource::PowerStats.name(), Scope::CpuRails, why));
        }
    }
    let battery = Service::start(dumpsys.clone(), BATTERY, |text| Ok(BatteryReport::read(text)), BATTERY_PERIOD);
    let asked = battery.map(Arc::new).and_then(|service| {
        let answer = Reader::new(&service).next(Moment::Boundary).ok_or_else(silent)?;
        answer.report.as_ref().map_err(Unavailable::clone)?;
        Ok((service, answer))
    });
    let (guard, counter) = match &asked {
        Ok((service, answer)) => match &answer.report {
            Ok(report) => (report.ensure_on_battery().map(|()| service), ChargeMeter::open(service, report)),
            Err(why) => (Err(why.clone()), Err(why.clone())),
        },
        Err(why) => (Err(why.clone()), Err(why.clone())),
    };
    for meter in of_battery {
        match &guard {
            Ok(service) => meters.push(Box::new(Guarded::new(meter, service))),
            Err(why) => absent.push(missing(MeterSource::Battery, &meter.info().id, Scope::Device, why.clone())),
        }
    }
    match counter {
        Ok(counter) => meters.push(Box::new(counter)),
        Err(why) => absent.push(missing(MeterSource::BatteryService, CHARGE_COUNTER, Scope::Device, why)),
    }
    Discovery { meters, absent }
}

fn rails(dumpsys: &Dumpsys) -> Result<Vec<Box<dyn EnergyMeter>>, Unavailable> {
    let service = Arc::new(Service::start(dumpsys.clone(), POWER_STATS, RailsReport::read, RAILS_PERIOD)?);
    let answer = Reader::new(&service).next(Moment::Boundary).ok_or_else(silent)?;
    let report = answer.report.as_ref().map_err(Unavailable::clone)?;
    let period_ns = RAILS_PERIOD.as_nanos() as u64;
    let meters: Vec<Box<dyn EnergyMeter>> = report
        .of_cores()
        .map(|rail| Box::new(CoresMeter::open(&service, rail, period_ns)) as Box<dyn EnergyMeter>)
        .collect();
    if meters.is_empty() {
        return Err(Unavailable::new(Reason::NoMeter, "none of the phone's rails feeds a cluster of cores"));
    }
    Ok(meters)
}

fn silent() -> Unavailable {
    Unavailable::new(Reason::Unreadable, "the service did not answer")
}

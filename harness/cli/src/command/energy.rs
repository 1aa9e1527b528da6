//! Which meters a run reads, for how long, and the battery that user units refer to.

use std::{path::PathBuf, time::Duration};

use anyhow::Result;
use clap::{Args, value_parser};
use pocketwatt_meter::{
    SystemRoot, device_facts,
    energy::{
        AbsentMeter, Choice, EnergyMeter, MeterInfo, MeterSource, Moment, Observation, RawReading, Reason,
        TimedReading, Unavailable, choose, observe_until_found, settle_scopes, settle_units,
    },
};
use pocketwatt_phone::meters::{battery_capacity, discover, ensure_on_battery};
use pocketwatt_protocol::Clock;
use pocketwatt_record::{BatteryAssumption, EnergyPlan};

use super::quantity;
use crate::{
    measure::CaseMeters,
    plan::{idle_ms, is_silent, shortest_window_ms},
    refusal::Refusal,
};

/// `--meter none` reads none.
const NONE: &str = "none";
/// Duration of the look at the meters before a run: enough for two updates of a gauge that is updated once a second.
const LOOK: Duration = Duration::from_millis(2500);
/// If an uncertainty was requested, it is worth waiting for a charge counter: these step every 30 to 90 s.
const LONG_LOOK: Duration = Duration::from_secs(200);
/// A phone that idles takes up to two minutes for a step of its battery service's counter.
const LONGEST_LOOK: Duration = Duration::from_secs(300);
/// A battery's counter with a longer update period cannot resolve an ordinary case: then its gauge is preferred.
const COARSE_COUNTER_NS: u64 = 10_000_000_000;

/// How energy is measured.
#[derive(Args, Debug, Default)]
pub struct EnergyArguments {
    #[command(flatten)]
    meters: MeterChoiceArguments,
    /// Repeat the counted iterations until the energy of a request is known with this uncertainty (95 %), as far as the
    /// meter's updates limit it, such as 5%.
    #[arg(long, value_name = "PERCENT", value_parser = quantity::share)]
    energy_uncertainty: Option<f64>,
    /// Leave the device idle for this many seconds before and after each case [default: 20 updates of the meter, at least
    /// 2 s].
    #[arg(long, value_name = "S", value_parser = value_parser!(u64).range(1..=3600))]
    idle: Option<u64>,
    /// Battery for hours of chat and per cent of battery, such as 50kJ or 15Wh [default: this device's].
    #[arg(long, value_name = "ENERGY", value_parser = quantity::energy)]
    battery: Option<f64>,
    /// Power of the idle device for hours of chat per charge, such as 1.2W [default: measured beside each case].
    #[arg(long, value_name = "POWER", value_parser = quantity::power)]
    idle_power: Option<f64>,
    /// Before each block and each case, wait until the battery alone feeds the device, for at most this long [default: 10min].
    /// Afterwards its times are measured without the battery's energy; with --strict it fails.
    #[arg(long, value_name = "TIME", num_args = 0..=1, require_equals = true, default_missing_value = "10min",
        value_parser = quantity::duration_ms)]
    on_battery: Option<u64>,
    /// Power of the screen for hours of chat per charge, if the meter does not include it.
    #[arg(long, value_name = "POWER", default_value = "0W", value_parser = quantity::power)]
    screen_power: f64,
}

/// Which meters are read, and where.
#[derive(Args, Debug, Default)]
pub struct MeterChoiceArguments {
    /// Energy meter to read: an id or an interface as `pocketwatt meters` lists them, or none; the first one is shown first
    /// [default: all that can be read].
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    meter: Vec<String>,
    #[command(flatten)]
    root: RootArguments,
}

/// Where `/sys` is.
#[derive(Args, Debug, Default)]
pub struct RootArguments {
    /// Read this folder in place of /sys, for simulated meters.
    #[arg(long, value_name = "DIR")]
    sysfs_root: Option<PathBuf>,
}

impl RootArguments {
    /// The tree that meters are read from.
    ///
    /// # Errors
    /// When there is no such folder.
    pub fn open(&self) -> Result<SystemRoot> {
        match &self.sysfs_root {
            None => Ok(SystemRoot::real()),
            Some(folder) if folder.is_dir() => Ok(SystemRoot::with_sys(&std::path::absolute(folder)?)),
            Some(folder) => Err(Refusal::error(format!("--sysfs-root {} is not a folder", folder.display()))),
        }
    }
}

impl MeterChoiceArguments {
    /// The tree and the requested meters in it.
    ///
    /// # Errors
    /// When the tree does not exist, or a requested meter cannot be read.
    pub fn open(&self) -> Result<(SystemRoot, Choice)> {
        let root = self.root.open()?;
        let choice = self.choose(&root)?;
        Ok((root, choice))
    }

    fn choose(&self, root: &SystemRoot) -> Result<Choice> {
        let found = discover(root);
        if self.meter.iter().any(|meter| meter == NONE) {
            let mut absent = found.absent;
            absent.extend(found.meters.iter().map(|meter| AbsentMeter {
                source: meter.info().source,
                id: meter.info().id.clone(),
                scope: Some(meter.info().scope),
                unavailable: Unavailable::new(Reason::NotChosen, "--meter none"),
            }));
            return Ok(Choice { meters: Vec::new(), absent });
        }
        choose(found, &self.meter).map_err(|error| Refusal::error(error.to_string()))
    }
}

impl EnergyArguments {
    /// Finds out at once whether all requested meters exist, before a model is generated.
    ///
    /// # Errors
    /// As [`EnergyArguments::prepare`].
    pub fn check(&self) -> Result<()> {
        // A battery's meter may be one only once the charger is unplugged.
        if self.on_battery.is_some() {
            return self.on_battery_most_ms().map(drop);
        }
        self.meters.open().map(drop)
    }

    /// The tree that meters are read from.
    ///
    /// # Errors
    /// When there is no such folder.
    pub fn root(&self) -> Result<SystemRoot> {
        self.meters.root.open()
    }

    /// The longest wait until the battery alone feeds the device, in milliseconds; `None` where that is not asked for.
    ///
    /// # Errors
    /// When that is asked for on a device without a battery.
    pub fn on_battery_most_ms(&self) -> Result<Option<u64>> {
        if self.on_battery.is_some()
            && let Err(unavailable) = ensure_on_battery(&self.root()?)
            && unavailable.reason == Reason::NoMeter
        {
            return Err(Refusal::error(format!("--on-battery: {}", unavailable.hint)));
        }
        Ok(self.on_battery)
    }

    /// Finds meters, watches them for a moment, and plans what is read beside every case.
    ///
    /// # Errors
    /// When a requested meter cannot be read.
    pub fn prepare(&self) -> Result<(CaseMeters, EnergyPlan)> {
        let (root, mut choice) = self.meters.open()?;
        let mut observed = observe_until_found(&mut choice.meters, LOOK);
        settle_units(&mut observed);
        settle_scopes(&mut observed, &choice.absent);
        let mut meters: Vec<(Box<dyn EnergyMeter>, Observation)> = choice.meters.into_iter().zip(observed).collect();
        if self.meters.meter.is_empty() {
            meters.sort_by_key(|(_, observation)| is_silent(observation));
            gauges_before_coarse_counters(&mut meters);
        }
        if self.energy_uncertainty.is_some() {
            meters = look_again(meters);
        }
        let preferred = meters.first().map(|(_, observation)| observation);
        let at_least_ms = match (self.energy_uncertainty, preferred) {
            (Some(uncertainty), Some(observation)) => shortest_window_ms(observation, uncertainty)?,
            _ => 0,
        };
        let idle_ms = match (meters.is_empty(), self.idle) {
            (true, _) => 0,
            (false, Some(seconds)) => seconds * 1000,
            (false, None) => idle_ms(preferred, at_least_ms),
        };
        let plan = EnergyPlan {
            meters: meters.iter().map(|(_, observation)| observation.series.meter.clone()).collect(),
            absent: choice.absent,
            sysfs_root: root.sys().map(|folder| folder.display().to_string()),
            idle_ms,
            asked_idle_ms: self.idle.filter(|_| !meters.is_empty()).map(|seconds| seconds * 1000),
            uncertainty: self.energy_uncertainty,
            at_least_ms,
            battery: self.battery(&root),
            sampling_overhead: None,
        };
        let none = meters.is_empty().then(|| why_none(&root, &plan.absent));
        let meters =
            meters.into_iter().map(|(meter, observation)| described(meter, observation.series.meter)).collect();
        Ok((CaseMeters::new(root, meters, none, Duration::from_millis(idle_ms)), plan))
    }

    /// The meters of a resumed run.
    ///
    /// # Errors
    /// When one of them no longer exists.
    pub fn reopen(plan: &EnergyPlan) -> Result<CaseMeters> {
        let root = root_of(plan);
        let ids: Vec<String> = plan.meters.iter().map(|meter| meter.id.clone()).collect();
        let meters = if ids.is_empty() {
            Vec::new()
        } else {
            let choice = choose(discover(&root), &ids)
                .map_err(|error| Refusal::error(format!("{error}; the run was begun with it: start a new run")))?;
            // In the order of the plan, with the properties observed then.
            let find = |meter: Box<dyn EnergyMeter>| {
                let info = plan.meters.iter().find(|info| info.id == meter.info().id).cloned();
                let info = info.unwrap_or_else(|| meter.info().clone());
                described(meter, info)
            };
            choice.meters.into_iter().map(find).collect()
        };
        let none = plan.meters.is_empty().then(|| why_none(&root, &plan.absent));
        Ok(CaseMeters::new(root, meters, none, Duration::from_millis(plan.idle_ms)))
    }

    fn battery(&self, root: &SystemRoot) -> Option<BatteryAssumption> {
        let (joules, basis) = match self.battery {
            Some(joules) => (joules, "--battery".to_owned()),
            None => {
                let battery = battery_capacity(root)?;
                (battery.joules, format!("{}, {}", battery.name, battery.basis))
            }
        };
        Some(BatteryAssumption { joules, basis, idle_watts: self.idle_power, screen_watts: self.screen_power })
    }
}

/// The tree that a run's meters are read from.
pub fn root_of(plan: &EnergyPlan) -> SystemRoot {
    match &plan.sysfs_root {
        Some(folder) => SystemRoot::with_sys(folder.as_ref()),
        None => SystemRoot::real(),
    }
}

/// Why nothing is read, for the table: a virtual machine says more than "no meter". The caller adds where to learn
/// more.
pub fn why_none(root: &SystemRoot, absent: &[AbsentMeter]) -> Unavailable {
    // On a phone, what the battery service says of a charger comes before what its maker denies.
    let fed = absent.iter().find(|absent| {
        absent.source == MeterSource::BatteryService && absent.unavailable.reason == Reason::ChargerConnected
    });
    if let Some(fed) = fed {
        return Unavailable::new(Reason::ChargerConnected, format!("{}: {}", fed.id, fed.unavailable.hint));
    }
    let first = |reason: Reason| absent.iter().find(|absent| absent.unavailable.reason == reason);
    let telling = [
        Reason::NotPermitted,
        Reason::Covered,
        Reason::ChargerConnected,
        Reason::Unreadable,
        Reason::NotCovered,
        Reason::NotChosen,
    ];
    if let Some(absent) = telling.into_iter().find_map(first) {
        return Unavailable::new(absent.unavailable.reason, format!("{}: {}", absent.id, absent.unavailable.hint));
    }
    match device_facts(root, None).virtualisation {
        Some(machine) if root.sys().is_none() => Unavailable::new(
            Reason::VirtualMachine,
            format!("this is a virtual machine ({machine}), whose host keeps its meters to itself"),
        ),
        _ => Unavailable::new(Reason::NoMeter, "no energy meter was found"),
    }
}

/// Order of preference within one battery: a counter integrates, but one with rare steps cannot separate cases.
fn gauges_before_coarse_counters(meters: &mut [(Box<dyn EnergyMeter>, Observation)]) {
    let Some((_, first)) = meters.first() else { return };
    let (source, scope) = (first.series.meter.source, first.series.meter.scope);
    let same = meters
        .iter()
        .take_while(|(_, seen)| seen.series.meter.source == source && seen.series.meter.scope == scope)
        .count();
    // A gauge that did not move may have stopped.
    let gauge_moved = |(_, seen): &(Box<dyn EnergyMeter>, Observation)| {
        !seen.series.meter.measurand.is_cumulative() && seen.changes > 0
    };
    if !meters[..same].iter().any(gauge_moved) {
        return;
    }
    meters[..same].sort_by_key(|(_, seen)| {
        let coarse = seen.update_period.is_none_or(|period| period.ns > COARSE_COUNTER_NS);
        coarse && seen.series.meter.measurand.is_cumulative()
    });
}

/// Watches the preferred meter until it steps, unless a step was already seen.
fn look_again(mut meters: Vec<(Box<dyn EnergyMeter>, Observation)>) -> Vec<(Box<dyn EnergyMeter>, Observation)> {
    let unknown = |seen: &Observation| seen.series.meter.update_period.is_none();
    if !meters.first().is_some_and(|(_, seen)| unknown(seen) && seen.series.meter.measurand.is_cumulative()) {
        return meters;
    }
    let (meter, seen) = meters.remove(0);
    let is_service = seen.series.meter.source == MeterSource::BatteryService;
    let long_look = if is_service { LONGEST_LOOK } else { LONG_LOOK };
    notice!("watching {} until it steps, for {} s at most", seen.series.meter.id, long_look.as_secs());
    let mut alone = vec![meter];
    let again = observe_until_found(&mut alone, long_look);
    meters.splice(0..0, alone.into_iter().zip(again));
    meters
}

/// A meter with its observed properties.
#[derive(Debug)]
struct Described {
    meter: Box<dyn EnergyMeter>,
    info: MeterInfo,
}

fn described(meter: Box<dyn EnergyMeter>, info: MeterInfo) -> Box<dyn EnergyMeter> {
    Box::new(Described { meter, info })
}

impl EnergyMeter for Described {
    fn info(&self) -> &MeterInfo {
        &self.info
    }

    fn read(&mut self) -> Result<RawReading, Unavailable> {
        self.meter.read()
    }

    fn readings(&mut self, moment: Moment, clock: &dyn Clock, take: &mut dyn FnMut(TimedReading)) {
        self.meter.readings(moment, clock, take);
    }

    fn has_own_pace(&self) -> bool {
        self.meter.has_own_pace()
    }
}

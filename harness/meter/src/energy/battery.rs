//! Batteries through `/sys/class/power_supply` (Documentation/ABI/testing/sysfs-class-power).

mod capacity;
mod identity;
mod kind;
mod size;
mod supply;
mod unit;
mod whole;

use std::sync::Arc;

use super::{
    AbsentMeter, Basis, Discovery, EnergyMeter, MeterInfo, MeterSource, RawFile, RawReading, Reason, Scope,
    Unavailable,
    plausible::{MICROAMPERE_HOURS, MICROVOLTS, MICROWATT_HOURS},
};
use crate::{
    SystemRoot,
    power_supply::{CLASS, PowerSupplies},
};

pub use capacity::{BatteryCapacity, battery_capacity};
pub use supply::ensure_on_battery;
pub use unit::{prove_current_unit, settle_units};

use self::{
    identity::{Identity, identities},
    kind::{Around, Kind},
    size::Size,
    supply::ensure_fed_by_batteries,
    whole::of_all_batteries,
};

const JOULES_IN_MICROWATT_HOUR: f64 = 3.6e-3;
const COULOMBS_IN_MICROAMPERE_HOUR: f64 = 3.6e-3;
/// Values that phones without a charge counter were seen to show, in microampere-hours.
const BOGUS_CHARGES: [i64; 3] = [0, 220, 1000];
/// A current below this from a battery that waits is noise, whatever its sign; in microamperes.
const WAITING_MICROAMPERES: i64 = 20_000;

/// Finds every way in which the batteries report what they supply: what they still hold, and what flows out of them now.
pub fn discover(root: &SystemRoot) -> Discovery {
    let mut found = Discovery::default();
    let supplies = Arc::new(PowerSupplies::open(root));
    for bay in &supplies.empty_bays {
        let hint = format!("the bay {bay} is empty: its file `present` is 0");
        found.absent.push(absent(format!("battery:{bay}"), Unavailable::new(Reason::NoMeter, hint)));
    }
    for name in supplies.uninterruptible() {
        let hint = format!("{name} is an uninterruptible supply, which may feed more than this device");
        found.absent.push(absent(format!("battery:{name}"), Unavailable::new(Reason::NotSupported, hint)));
    }
    if supplies.batteries.is_empty() {
        let hint = format!("there is no battery below {}", root.join(CLASS).display());
        found.absent.push(absent("battery".into(), Unavailable::new(Reason::NoMeter, hint)));
    }
    let mut names: Vec<&str> = Vec::new();
    for (battery, identity) in identities(root, &supplies) {
        match identity {
            Identity::Own => names.push(battery),
            Identity::Same { hint, .. } => {
                found.absent.push(absent(format!("battery:{battery}"), Unavailable::new(Reason::Duplicate, hint)));
            }
            Identity::Undecided { hint } => {
                found.absent.push(absent(format!("battery:{battery}"), Unavailable::new(Reason::Unreadable, hint)));
            }
        }
    }
    let mut meters: Vec<BatteryMeter> = Vec::new();
    for name in &names {
        let others = largest_current(root, names.iter().filter(|other| *other != name));
        let around = Around {
            charge: Size::of_charge(root, name),
            energy: Size::of_energy(root, name),
            largest_current: others.max(largest_current(root, [name].into_iter())),
            waits: others == 0 && supplies.waits(name),
        };
        let mut has_meter = false;
        for kind in Kind::ALL {
            if !root.join(format!("{CLASS}/{name}/{}", kind.file())).exists() {
                continue;
            }
            has_meter = true;
            match BatteryMeter::open(root, name, kind, &around, &supplies) {
                Ok(meter) => meters.push(meter),
                Err(unavailable) => found.absent.push(absent(id(name, kind), unavailable)),
            }
        }
        if !has_meter {
            let hint = format!("battery {name} reports neither energy nor charge, power or current");
            found.absent.push(absent(format!("battery:{name}"), Unavailable::new(Reason::Unreadable, hint)));
        }
    }
    of_all_batteries(&names, meters, &mut found);
    found
}

/// Coulombs in one unit of a charge counter that shows `value` when the battery is so full, in per cent, and why that unit is
/// believed. For a counter that does not come as a file of the kernel; `name` is what messages call it.
///
/// # Errors
/// [`Reason::Unreadable`] when the value is none that a battery can hold, or fits neither microampere-hours nor milliampere-hours.
pub fn charge_unit(value: i64, percent: Option<f64>, name: &str) -> Result<(f64, Basis), Unavailable> {
    MICROAMPERE_HOURS.admit(value, name)?;
    ensure_no_bogus_charge(value)?;
    let prefix = Size::of_charge_at(percent).prefix_of(value, name)?;
    Ok((COULOMBS_IN_MICROAMPERE_HOUR * prefix.factor(), prefix.basis()))
}

fn ensure_no_bogus_charge(value: i64) -> Result<(), Unavailable> {
    if !BOGUS_CHARGES.contains(&value) {
        return Ok(());
    }
    let hint = format!("it shows {value} uAh, which is not a charge: drivers without a counter show it");
    Err(Unavailable::new(Reason::Unreadable, hint))
}

fn id(name: &str, kind: Kind) -> String {
    format!("battery:{name}/{}", kind.file())
}

fn absent(id: String, unavailable: Unavailable) -> AbsentMeter {
    AbsentMeter { source: MeterSource::Battery, id, scope: Some(Scope::Device), unavailable }
}

/// The largest current without its sign; 0 where no file has one.
fn largest_current<'a>(root: &SystemRoot, names: impl Iterator<Item = &'a &'a str>) -> i64 {
    let current = |name: &&str| {
        let file = format!("{CLASS}/{name}/{}", Kind::CurrentNow.file());
        Kind::CurrentNow.unit().stated(root, &file).ok().flatten().map(i64::abs)
    };
    names.filter_map(current).max().unwrap_or(0)
}

/// One file of a battery, together with the battery's state.
#[derive(Debug)]
struct BatteryMeter {
    info: MeterInfo,
    kind: Kind,
    value: RawFile,
    voltage: Option<RawFile>,
    supplies: Arc<PowerSupplies>,
    /// Batteries that wait and have no meter of this kind. If one of them begins to feed the device, this meter no longer
    /// covers all of it.
    silent: Vec<String>,
    /// The driver's sign for a current out of the battery: 1 or -1, as first seen while discharging.
    out: i64,
}

impl BatteryMeter {
    fn open(
        root: &SystemRoot,
        name: &str,
        kind: Kind,
        around: &Around,
        supplies: &Arc<PowerSupplies>,
    ) -> Result<Self, Unavailable> {
        let folder = format!("{CLASS}/{name}");
        let value = RawFile::open(root, &format!("{folder}/{}", kind.file()))?;
        let voltage = if kind.needs_voltage() {
            let file = RawFile::open(root, &format!("{folder}/voltage_now")).map_err(|voltage| {
                Unavailable::new(voltage.reason, format!("it needs the voltage: {}", voltage.hint))
            })?;
            Some(file)
        } else {
            None
        };
        // A file that never gave a reading cannot have vanished: a driver that answers with "no such device" gives nothing.
        let first = value.amount(&kind.unit()).map_err(|unavailable| match unavailable.reason {
            Reason::Vanished => Unavailable::new(Reason::Unreadable, unavailable.hint),
            _ => unavailable,
        })?;
        if kind == Kind::ChargeCounter {
            ensure_no_bogus_charge(first)?;
        }
        ensure_fed_by_batteries(supplies)?;
        let (measurand, unit_basis) = kind.measurand(first, around)?;
        let info = MeterInfo {
            id: id(name, kind),
            source: MeterSource::Battery,
            scope: Scope::Device,
            part: name.to_owned(),
            path: value.path().display().to_string(),
            measurand,
            unit_basis,
            resolution: 1,
            update_period: None,
            gain_error: None,
            power_limit_watts: None,
        };
        let supplies = supplies.clone();
        let mut meter = Self { info, kind, value, voltage, supplies, silent: Vec::new(), out: first.signum() };
        meter.read()?;
        Ok(meter)
    }

    /// # Errors
    /// When something other than the batteries that are read feeds the device, or this battery is gone.
    fn ensure_source(&self) -> Result<(), Unavailable> {
        ensure_fed_by_batteries(&self.supplies)?;
        let battery = &self.info.part;
        if self.supplies.battery(battery).is_some_and(|battery| !battery.is_there()) {
            return Err(Unavailable::new(Reason::Vanished, format!("battery {battery} was taken out of its bay")));
        }
        match self.silent.iter().find(|silent| !self.supplies.waits(silent)) {
            Some(silent) => Err(Unavailable::new(
                Reason::NotCovered,
                format!("battery {silent} feeds the device now, and has no {}", self.kind.file()),
            )),
            None => Ok(()),
        }
    }
}

impl EnergyMeter for BatteryMeter {
    fn info(&self) -> &MeterInfo {
        &self.info
    }

    fn read(&mut self) -> Result<RawReading, Unavailable> {
        self.ensure_source()?;
        let mut value = self.value.amount(&self.kind.unit())?;
        if !self.kind.is_store() {
            // Drivers differ in the sign of a current out of the battery; the status says that it flows out.
            if self.out == 0 {
                self.out = value.signum();
            }
            value *= self.out;
            if value < 0 && value > -WAITING_MICROAMPERES && self.supplies.may_wait(&self.info.part) {
                value = 0;
            }
            if value < 0 {
                let hint = format!("the sign of {} changed: current flows into the battery", self.info.id);
                return Err(Unavailable::new(Reason::ChargerConnected, hint));
            }
        }
        let microvolts = self.voltage.as_ref().map(|voltage| voltage.amount(&MICROVOLTS)).transpose()?;
        Ok(RawReading { value, microvolts })
    }
}

#[cfg(test)]
mod tests;

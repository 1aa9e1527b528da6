//! Batteries through `/sys/class/power_supply` (Documentation/ABI/testing/sysfs-class-power).

mod capacity;
mod supply;
mod unit;

use std::sync::Arc;

use super::{
    AbsentMeter, Basis, Discovery, EnergyMeter, Measurand, MeterInfo, MeterSource, RawFile, RawReading, Reason, Scope,
    Unavailable,
    plausible::{FileUnit, MICROAMPERE_HOURS, MICROAMPERES, MICROVOLTS, MICROWATT_HOURS, MICROWATTS},
};
use crate::SystemRoot;

pub use capacity::{BatteryCapacity, battery_capacity};
pub use unit::{prove_current_unit, prove_current_units};

use self::supply::SupplyState;

const CLASS: &str = "sys/class/power_supply";
const JOULES_IN_MICROWATT_HOUR: f64 = 3.6e-3;
const COULOMBS_IN_MICROAMPERE_HOUR: f64 = 3.6e-3;
/// Charge counters that phones were seen to show where they have none, in microampere-hours.
const BOGUS_CHARGES: [i64; 3] = [0, 220, 1000];

/// Finds every way in which each battery tells what it gives: what it still holds, and what flows out of it now.
pub fn discover(root: &SystemRoot) -> Discovery {
    let mut found = Discovery::default();
    let names = batteries(root);
    if names.is_empty() {
        let hint = format!("there is no battery below {}", root.join(CLASS).display());
        found.absent.push(absent("battery".into(), Unavailable::new(Reason::NoMeter, hint)));
    }
    for name in names {
        let state = Arc::new(SupplyState::open(root, &name));
        let mut told = false;
        for kind in Kind::ALL {
            let path = format!("{CLASS}/{name}/{}", kind.file());
            if !root.join(&path).exists() {
                continue;
            }
            told = true;
            let id = format!("battery:{name}/{}", kind.file());
            match BatteryMeter::open(root, &name, kind, id.clone(), state.clone()) {
                Ok(meter) => found.meters.push(Box::new(meter)),
                Err(unavailable) => found.absent.push(absent(id, unavailable)),
            }
        }
        if !told {
            let hint = format!("battery {name} tells neither energy nor charge, power or current");
            found.absent.push(absent(format!("battery:{name}"), Unavailable::new(Reason::Unreadable, hint)));
        }
    }
    found
}

/// Names of the device's own batteries; not those of a mouse.
fn batteries(root: &SystemRoot) -> Vec<String> {
    let text = |name: &str, file: &str| root.text(format!("{CLASS}/{name}/{file}"));
    let own = |name: &String| {
        text(name, "type").as_deref() == Some("Battery") && text(name, "scope").as_deref() != Some("Device")
    };
    root.names(CLASS).into_iter().filter(own).collect()
}

fn absent(id: String, unavailable: Unavailable) -> AbsentMeter {
    AbsentMeter { source: MeterSource::Battery, id, scope: Some(Scope::Device), unavailable }
}

/// One of the ways in which a battery tells what it gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    EnergyNow,
    ChargeNow,
    ChargeCounter,
    PowerNow,
    CurrentNow,
}

impl Kind {
    const ALL: [Kind; 5] = [Kind::EnergyNow, Kind::ChargeNow, Kind::ChargeCounter, Kind::PowerNow, Kind::CurrentNow];

    fn file(self) -> &'static str {
        match self {
            Self::EnergyNow => "energy_now",
            Self::ChargeNow => "charge_now",
            Self::ChargeCounter => "charge_counter",
            Self::PowerNow => "power_now",
            Self::CurrentNow => "current_now",
        }
    }

    fn unit(self) -> FileUnit {
        match self {
            Self::EnergyNow => MICROWATT_HOURS,
            Self::ChargeNow | Self::ChargeCounter => MICROAMPERE_HOURS,
            Self::PowerNow => MICROWATTS,
            Self::CurrentNow => MICROAMPERES,
        }
    }

    /// Whether it means nothing without the voltage.
    fn needs_voltage(self) -> bool {
        matches!(self, Self::ChargeNow | Self::ChargeCounter | Self::CurrentNow)
    }

    fn measurand(self, first: i64) -> (Measurand, Basis) {
        let documented = |measurand| (measurand, Basis::Documented);
        match self {
            Self::EnergyNow => documented(Measurand::RemainingEnergy { joules_per_unit: JOULES_IN_MICROWATT_HOUR }),
            Self::ChargeNow | Self::ChargeCounter => {
                documented(Measurand::RemainingCharge { coulombs_per_unit: COULOMBS_IN_MICROAMPERE_HOUR })
            }
            Self::PowerNow => documented(Measurand::Power { watts_per_unit: 1e-6 }),
            Self::CurrentNow => {
                let (amperes_per_unit, basis) = unit::guess(first);
                (Measurand::Current { amperes_per_unit }, basis)
            }
        }
    }
}

/// One file of a battery, with the battery's state beside it.
#[derive(Debug)]
struct BatteryMeter {
    info: MeterInfo,
    kind: Kind,
    value: RawFile,
    voltage: Option<RawFile>,
    state: Arc<SupplyState>,
    /// The sign that the driver gives to a current out of the battery: 1 or -1, as it was first seen while discharging.
    out: i64,
}

impl BatteryMeter {
    fn open(
        root: &SystemRoot,
        name: &str,
        kind: Kind,
        id: String,
        state: Arc<SupplyState>,
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
        let first = value.amount(&kind.unit())?;
        if kind == Kind::ChargeCounter && BOGUS_CHARGES.contains(&first) {
            let hint = format!("it shows {first} uAh, which is no charge but what drivers without a counter show");
            return Err(Unavailable::new(Reason::Unreadable, hint));
        }
        state.ensure_discharging()?;
        let (measurand, unit_basis) = kind.measurand(first);
        let info = MeterInfo {
            id,
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
        let mut meter = Self { info, kind, value, voltage, state, out: first.signum() };
        meter.read()?;
        Ok(meter)
    }
}

impl EnergyMeter for BatteryMeter {
    fn info(&self) -> &MeterInfo {
        &self.info
    }

    fn read(&mut self) -> Result<RawReading, Unavailable> {
        self.state.ensure_discharging()?;
        let mut value = self.value.amount(&self.kind.unit())?;
        if matches!(self.kind, Kind::PowerNow | Kind::CurrentNow) {
            // Drivers differ in the sign of what flows out; that it flows out is known from the status.
            if self.out == 0 {
                self.out = value.signum();
            }
            value *= self.out;
            if value < 0 {
                let hint = format!("{} turned its sign: current flows into the battery", self.info.id);
                return Err(Unavailable::new(Reason::ChargerConnected, hint));
            }
        }
        let microvolts = self.voltage.as_ref().map(|voltage| voltage.amount(&MICROVOLTS)).transpose()?;
        if microvolts.is_some_and(|microvolts| microvolts <= 0) {
            return Err(Unavailable::new(Reason::Unreadable, format!("{} shows a voltage of 0", self.info.part)));
        }
        Ok(RawReading { value, microvolts })
    }
}

#[cfg(test)]
mod tests;

//! `dumpsys battery`: the battery as Android's battery service reports it (AOSP, `BatteryService.java`).
//!
//! - A value has its exact key after two blanks, and the first line with that key counts. A Samsung S23 prints a second
//!   `charge counter` in lower case and history lines with `level:43` and `temperature:392`; a Pixel 11 Pro prints lines such as
//!   ` The last voltage value sent via the battery changed broadcast` after one blank, and `Capacity level`.
//! - `Charge counter` is in µAh by its documentation. A Redmi Note 14 prints 4274, which is in mAh: the unit is the one in which a
//!   battery can hold that much at that level. Values without a charge behind them (0, 4, 220, 1000, -562) are refused.
//! - `current now` of Samsung is not read: no document states its unit, and it says 0 while a charger feeds the phone.
//! - After `dumpsys battery unplug` or `set`, every value is made up, and stays as it is: `(UPDATES STOPPED ...)`. None is read.
//! - A power source may feed the phone while the battery is "not charging" (Pixel 11 Pro), "full" (a Samsung of 2018), or even
//!   charging while it loses charge (S23 at a weak USB port): any source that is `true` counts as one that feeds the phone.

use std::{fmt::Display, ops::RangeInclusive};

use pocketwatt_meter::{
    BatteryStatus,
    energy::{Basis, Reason, Unavailable, charge_unit},
};

use crate::Unread;

/// What `dumpsys battery` says.
#[derive(Clone, Debug, PartialEq)]
pub struct BatteryReport {
    /// Whether its values were replaced by a command, and are not updated.
    pub updates_stopped: bool,
    /// The sources that feed the phone.
    pub powered: Result<Vec<PowerSource>, Unread>,
    /// What the battery does.
    pub status: Result<BatteryStatus, Unread>,
    /// How full it is, in per cent.
    pub percent: Result<f64, Unread>,
    /// Its voltage in volts.
    pub volts: Result<f64, Unread>,
    /// Its temperature in degrees Celsius.
    pub celsius: Result<f64, Unread>,
    /// The charge that it holds, as a meter.
    pub charge: Result<ChargeCounter, Unavailable>,
}

/// A source of power other than the battery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PowerSource {
    /// A charger.
    Ac,
    /// A USB port.
    Usb,
    /// A coil.
    Wireless,
    /// A dock.
    Dock,
}

/// A counter of the charge that a battery holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChargeCounter {
    /// As printed.
    pub raw: i64,
    /// Coulombs in one raw unit.
    pub coulombs_per_unit: f64,
    /// Why that unit is believed.
    pub unit_basis: Basis,
}

impl PowerSource {
    const ALL: [Self; 4] = [Self::Ac, Self::Usb, Self::Wireless, Self::Dock];

    fn key(self) -> &'static str {
        match self {
            Self::Ac => "AC powered",
            Self::Usb => "USB powered",
            Self::Wireless => "Wireless powered",
            Self::Dock => "Dock powered",
        }
    }

    /// In a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ac => "a charger",
            Self::Usb => "USB",
            Self::Wireless => "a wireless charger",
            Self::Dock => "a dock",
        }
    }
}

impl ChargeCounter {
    /// Joules that one raw unit stands for at that voltage: no counter resolves less, and most resolve far less.
    pub fn joules_per_unit(&self, volts: f64) -> f64 {
        self.coulombs_per_unit * volts
    }

    /// Whether it counts milliampere-hours rather than microampere-hours.
    pub fn is_in_milliampere_hours(&self) -> bool {
        self.coulombs_per_unit > 1.0
    }
}

const MILLIVOLTS: (RangeInclusive<i64>, &str) = (1000..=20_000, "1000 to 20000 mV");
const TENTHS_OF_A_DEGREE: (RangeInclusive<i64>, &str) = (-400..=1000, "-400 to 1000 tenths of a degree");
const LEVELS: (RangeInclusive<i64>, &str) = (0..=1000, "0 to 1000");
/// The scale of levels where none is printed: the service's own constant.
const SCALE: i64 = 100;
const UPDATES_STOPPED: &str = "(UPDATES STOPPED";

impl BatteryReport {
    /// Reads the text of `dumpsys battery`.
    pub fn read(text: &str) -> Self {
        let updates_stopped = text.lines().any(|line| line.trim_start().starts_with(UPDATES_STOPPED));
        if updates_stopped {
            return Self::without_values(true, &Unread::UpdatesStopped);
        }
        let mut report = Self {
            updates_stopped,
            powered: powered(text),
            status: status(text),
            percent: percent(text),
            volts: number(text, "voltage", &MILLIVOLTS).map(|millivolts| millivolts as f64 / 1e3),
            celsius: celsius(text),
            charge: charge(text),
        };
        if value(text, "present") == Some("false") {
            report = Self { powered: report.powered, ..Self::without_values(false, &Unread::NoBattery) };
        }
        report
    }

    /// The same reason for every value.
    pub(crate) fn without_values(updates_stopped: bool, why: &Unread) -> Self {
        let reason = match why {
            Unread::NoBattery => Reason::NoMeter,
            Unread::NotPermitted => Reason::NotPermitted,
            _ => Reason::Unreadable,
        };
        Self {
            updates_stopped,
            powered: Err(why.clone()),
            status: Err(why.clone()),
            percent: Err(why.clone()),
            volts: Err(why.clone()),
            celsius: Err(why.clone()),
            charge: Err(Unavailable::new(reason, why.to_string())),
        }
    }

    /// Fails unless the battery alone feeds the phone: else what it loses is not what the phone uses.
    ///
    /// # Errors
    /// [`Reason::ChargerConnected`], or [`Reason::Unreadable`] where the report does not decide it.
    pub fn ensure_on_battery(&self) -> Result<(), Unavailable> {
        let undecided = |why: &Unread| Unavailable::new(Reason::Unreadable, format!("what feeds the phone: {why}"));
        let sources = self.powered.as_ref().map_err(undecided)?;
        if let Some(source) = sources.first() {
            return Err(Unavailable::new(Reason::ChargerConnected, format!("{} feeds the phone", source.name())));
        }
        match self.status.as_ref().map_err(undecided)? {
            BatteryStatus::Discharging => Ok(()),
            other => {
                let hint = format!("the battery is {}, although no source feeds the phone", other.description());
                Err(Unavailable::new(Reason::ChargerConnected, hint))
            }
        }
    }
}

/// The value of the first line with that key.
fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix("  ")?.strip_prefix(key)?.strip_prefix(':')).map(str::trim)
}

fn integer(text: &str, key: &str) -> Result<i64, Unread> {
    let value = value(text, key).ok_or(Unread::Missing)?;
    value.parse().map_err(|_| Unread::unreadable(value))
}

fn number(text: &str, key: &str, (range, words): &(RangeInclusive<i64>, &'static str)) -> Result<i64, Unread> {
    let value = integer(text, key)?;
    if range.contains(&value) { Ok(value) } else { Err(impossible(value, words)) }
}

fn impossible(seen: impl Display, range: &'static str) -> Unread {
    Unread::Impossible { seen: seen.to_string(), range }
}

fn powered(text: &str) -> Result<Vec<PowerSource>, Unread> {
    let mut sources = Vec::new();
    let mut is_reported = false;
    for source in PowerSource::ALL {
        match value(text, source.key()) {
            Some("true") => sources.push(source),
            Some("false") => {}
            Some(other) => return Err(Unread::unreadable(other)),
            None => continue,
        }
        is_reported = true;
    }
    if is_reported { Ok(sources) } else { Err(Unread::Missing) }
}

/// The numbers of `android.os.BatteryManager`.
fn status(text: &str) -> Result<BatteryStatus, Unread> {
    match integer(text, "status")? {
        1 => Ok(BatteryStatus::Unknown),
        2 => Ok(BatteryStatus::Charging),
        3 => Ok(BatteryStatus::Discharging),
        4 => Ok(BatteryStatus::NotCharging),
        5 => Ok(BatteryStatus::Full),
        other => Err(impossible(other, "1 to 5")),
    }
}

fn percent(text: &str) -> Result<f64, Unread> {
    let level = number(text, "level", &LEVELS)?;
    let scale = match number(text, "scale", &LEVELS) {
        Err(Unread::Missing) => SCALE,
        Ok(0) => return Err(impossible(0, "a scale of at least 1")),
        scale => scale?,
    };
    if level > scale {
        return Err(impossible(format!("{level} of {scale}"), "0 to the scale"));
    }
    Ok(100.0 * level as f64 / scale as f64)
}

/// A battery at exactly 0.0 degrees is one without a sensor.
fn celsius(text: &str) -> Result<f64, Unread> {
    match number(text, "temperature", &TENTHS_OF_A_DEGREE)? {
        0 => Err(Unread::NoValue { seen: "0".into() }),
        tenths => Ok(tenths as f64 / 10.0),
    }
}

fn charge(text: &str) -> Result<ChargeCounter, Unavailable> {
    const KEY: &str = "Charge counter";
    let raw = integer(text, KEY).map_err(|why| {
        let reason = if why == Unread::Missing { Reason::NoMeter } else { Reason::Unreadable };
        Unavailable::new(reason, format!("{KEY}: {why}"))
    })?;
    let (coulombs_per_unit, unit_basis) = charge_unit(raw, percent(text).ok(), KEY)?;
    Ok(ChargeCounter { raw, coulombs_per_unit, unit_basis })
}

#[cfg(test)]
mod tests;

//! `dumpsys thermalservice`: temperatures as Android's thermal service reports them (AOSP, `ThermalManagerService.java`).
//!
//! - Only the block `Current temperatures from HAL:` is read. The cached block before it is stale: a Shield TV showed 37 degrees
//!   there while the HAL said 66.5, a Samsung 35.8 against 28.2.
//! - Types 0 to 5 and 9 are degrees. Types 6, 7 and 8 are a voltage, a current and a share (a Pixel 6 has `mValue=8900.0, mType=7`),
//!   -1 is anything, also differences of two sensors, which are negative. Higher types have been seen on no phone here.
//! - Where the block `HAL connection:` names `Sdhms`, Samsung's own service, types are one higher: skin is 4, the processor 1.
//! - -99.9 and exactly 0.0 stand for no sensor (Samsung's `SUBBAT`, a Pixel 6's `VIRTUAL-USB-UI`).
//! - Names may contain blanks (`test temperature sensor` of the emulator), lines begin with a tab, blanks or nothing, and may end in
//!   blanks.

mod thresholds;

pub use thresholds::Threshold;

use crate::Unread;

/// What `dumpsys thermalservice` says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ThermalReport {
    /// How far the phone limits itself, by its own word.
    pub status: Option<ThermalStatus>,
    /// Whether a command replaced that status.
    pub is_overridden: bool,
    /// Sensors of the HAL, in the printed order, also those without a temperature.
    pub temperatures: Vec<Temperature>,
    /// At which temperatures the phone begins to limit itself; empty on phones that do not say.
    pub thresholds: Vec<Threshold>,
}

/// A sensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Temperature {
    /// `VIRTUAL-SKIN`, `AP`: the maker's, untrusted.
    pub name: String,
    /// What it measures; `None` for types without a meaning here.
    pub kind: Option<SensorKind>,
    /// Degrees Celsius.
    pub celsius: Result<f64, Unread>,
}

/// What a sensor measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SensorKind {
    /// The processor's cores.
    Processor,
    /// The graphics unit.
    Graphics,
    /// The battery.
    Battery,
    /// What a hand feels; phones limit themselves by it.
    Skin,
    /// The USB port.
    UsbPort,
    /// The radio's power amplifier.
    PowerAmplifier,
    /// The unit for neural networks.
    Npu,
}

/// How far a phone limits itself (`PowerManager.THERMAL_STATUS_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ThermalStatus {
    /// Not at all. Clocks may be limited all the same.
    None,
    /// The user notices nothing.
    Light,
    /// Little.
    Moderate,
    /// Much.
    Severe,
    /// As far as it can.
    Critical,
    /// Parts are switched off.
    Emergency,
    /// It is about to switch itself off.
    Shutdown,
}

const HAL_BLOCK: &str = "Current temperatures from HAL:";
/// A Pixel 6 has 42.
const MOST_SENSORS: usize = 512;
const PLAUSIBLE_CELSIUS: std::ops::RangeInclusive<f64> = -40.0..=150.0;

impl ThermalStatus {
    /// In its order.
    pub const ALL: [Self; 7] =
        [Self::None, Self::Light, Self::Moderate, Self::Severe, Self::Critical, Self::Emergency, Self::Shutdown];

    /// In a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Light => "light",
            Self::Moderate => "moderate",
            Self::Severe => "severe",
            Self::Critical => "critical",
            Self::Emergency => "emergency",
            Self::Shutdown => "shutdown",
        }
    }
}

impl SensorKind {
    /// The kind with the type number of the HAL.
    fn of(number: i64) -> Option<Self> {
        Some(match number {
            0 => Self::Processor,
            1 => Self::Graphics,
            2 => Self::Battery,
            3 => Self::Skin,
            4 => Self::UsbPort,
            5 => Self::PowerAmplifier,
            9 => Self::Npu,
            _ => return None,
        })
    }
}

impl ThermalReport {
    /// Reads the text of `dumpsys thermalservice`.
    pub fn read(text: &str) -> Self {
        let lines = || text.lines().map(str::trim);
        let value = |key: &str| lines().find_map(|line| line.strip_prefix(key)).map(str::trim);
        let status = value("Thermal Status:").and_then(|number| number.parse::<usize>().ok());
        let shift = if lines().any(|line| line.starts_with("Sdhms connected")) { 1 } else { 0 };
        let block = lines().skip_while(|line| *line != HAL_BLOCK).skip(1);
        Self {
            status: status.and_then(|number| ThermalStatus::ALL.get(number).copied()),
            is_overridden: value("IsStatusOverride:") == Some("true"),
            temperatures: block.map_while(|line| temperature(line, shift)).take(MOST_SENSORS).collect(),
            thresholds: lines().filter_map(|line| thresholds::threshold(line, shift)).take(MOST_SENSORS).collect(),
        }
    }

    /// The highest temperature of that kind, and the sensor's name.
    pub fn hottest(&self, kind: SensorKind) -> Option<(&str, f64)> {
        let known = self.temperatures.iter().filter(|sensor| sensor.kind == Some(kind));
        let degrees = known.filter_map(|sensor| Some((&*sensor.name, *sensor.celsius.as_ref().ok()?)));
        degrees.max_by(|one, other| one.1.total_cmp(&other.1))
    }
}

/// Reads `Temperature{mValue=30.8, mType=3, mName=test temperature sensor, mStatus=0}`; `None` for any other line, which ends the
/// block.
fn temperature(line: &str, shift: i64) -> Option<Temperature> {
    let fields = line.strip_prefix("Temperature{mValue=")?.strip_suffix('}')?;
    let (value, rest) = fields.split_once(", mType=")?;
    let (kind, rest) = rest.split_once(", mName=")?;
    let (name, _status) = rest.rsplit_once(", mStatus=")?;
    let number = kind.parse::<i64>().ok().and_then(|number| number.checked_sub(shift));
    let kind = number.and_then(SensorKind::of);
    let celsius = match number {
        _ if kind.is_some() => celsius(value),
        Some(6) => Err(Unread::NotDegrees { kind: "a voltage" }),
        Some(7) => Err(Unread::NotDegrees { kind: "a current" }),
        Some(8) => Err(Unread::NotDegrees { kind: "a share of charge" }),
        _ => Err(Unread::NotDegrees { kind: "of an unknown type" }),
    };
    Some(Temperature { name: name.to_owned(), kind, celsius })
}

fn celsius(seen: &str) -> Result<f64, Unread> {
    let value: f64 = seen.parse().map_err(|_| Unread::unreadable(seen))?;
    if value == 0.0 || value == -99.9 || !value.is_finite() {
        return Err(Unread::NoValue { seen: seen.to_owned() });
    }
    if !PLAUSIBLE_CELSIUS.contains(&value) {
        return Err(Unread::Impossible { seen: seen.to_owned(), range: "-40 to 150 degrees" });
    }
    Ok(value)
}

#[cfg(test)]
mod tests;

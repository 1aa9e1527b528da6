//! Energy meters: what a device can say about the energy or the power that a part of it uses.
//!
//! Each kind of meter has a file of its own that finds its meters below a [`crate::SystemRoot`]. What is there but cannot
//! be read comes back as an [`AbsentMeter`] with the reason. Readings are raw: joules are computed by the record crate,
//! from the raw values and the [`Measurand`] that stands beside them.

mod battery;
mod choice;
#[cfg(test)]
pub mod fixture;
mod hwmon;
mod info;
mod nvml;
mod observe;
mod perf;
mod pixel_rails;
mod powercap;
mod raw_file;
mod series;
mod unavailable;
mod vendor;

pub use battery::{BatteryCapacity, battery_capacity, prove_current_unit, prove_current_units};
pub use choice::{Choice, ChoiceError, choose};
pub use info::{Basis, Measurand, MeterInfo, MeterSource, Scope, UpdatePeriod};
pub use observe::{Observation, Pace, observe, observe_here, observe_until_found};
pub use raw_file::RawFile;
pub use series::{MeterEnd, MeterReading, MeterSeries};
pub use unavailable::{AbsentMeter, Reason, Unavailable};

use std::fmt::Debug;

use crate::SystemRoot;

/// Something that says how much energy or power a part of the device uses.
pub trait EnergyMeter: Send + Debug {
    /// What is read, and in which unit.
    fn info(&self) -> &MeterInfo;

    /// Reads once, in as few system calls as possible: it is done beside a measurement.
    ///
    /// # Errors
    /// Why there is no reading: the meter vanished, a charger was connected, the file was empty. Never a zero instead.
    fn read(&mut self) -> Result<RawReading, Unavailable>;
}

/// One reading, as the interface gave it. The caller stamps the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawReading {
    /// In units of the meter's [`Measurand`].
    pub value: i64,
    /// Voltage at the same time in microvolts, for charge and current.
    pub microvolts: Option<i64>,
}

impl RawReading {
    /// A reading that needs no voltage.
    pub fn of(value: i64) -> Self {
        Self { value, microvolts: None }
    }
}

/// What was found on a device.
#[derive(Debug, Default)]
pub struct Discovery {
    /// Meters that gave a first reading.
    pub meters: Vec<Box<dyn EnergyMeter>>,
    /// What is there but cannot be used, or is not there at all, with the reason.
    pub absent: Vec<AbsentMeter>,
}

impl Discovery {
    /// Adds what another kind of meter found.
    pub fn extend(&mut self, other: Discovery) {
        self.meters.extend(other.meters);
        self.absent.extend(other.absent);
    }
}

/// Looks for every kind of meter. Each kind says for itself why it has none.
pub fn discover(root: &SystemRoot) -> Discovery {
    let mut found = Discovery::default();
    for kind in
        [powercap::discover, perf::discover, battery::discover, hwmon::discover, pixel_rails::discover, nvml::discover]
    {
        found.extend(kind(root));
    }
    found
}

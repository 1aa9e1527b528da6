//! Energy meters: what a device reports about the energy or the power that a part of it uses.
//!
//! Each kind of meter has a file of its own that finds its meters below a [`crate::SystemRoot`]. A meter that exists but cannot
//! be read comes back as an [`AbsentMeter`] with the reason. Readings are raw: the record crate computes joules
//! from the raw values and the [`Measurand`] that stands beside them.

mod battery;
mod choice;
mod cover;
mod failure;
#[cfg(test)]
pub mod fixture;
mod hwmon;
mod info;
mod nvml;
mod observe;
mod perf;
mod pixel_rails;
mod plausible;
mod powercap;
mod raw_file;
mod series;
mod timed;
mod unavailable;
mod vendor;
mod whole;

pub use battery::{
    BatteryCapacity, battery_capacity, charge_unit, discover as discover_batteries, ensure_on_battery,
    prove_current_unit, settle_units,
};
pub use choice::{Choice, ChoiceError, choose};
pub use info::{Basis, Measurand, MeterInfo, MeterSource, Scope, UpdatePeriod};
pub use observe::{Observation, Pace, observe, observe_here, observe_until_found};
pub use pixel_rails::scope_of_rail;
pub use raw_file::RawFile;
pub use series::{MeterEnd, MeterGap, MeterReading, MeterSeries};
pub use timed::{Moment, TimedReading};
pub use unavailable::{AbsentMeter, Reason, Unavailable};
pub use whole::settle_scopes;

pub(crate) use failure::may_answer_at_once;

use std::fmt::Debug;

use pocketwatt_protocol::{Clock, MonotonicNs};

use crate::SystemRoot;

/// Something that reports how much energy or power a part of the device uses.
pub trait EnergyMeter: Send + Debug {
    /// What is read, and in which unit.
    fn info(&self) -> &MeterInfo;

    /// Reads once, in as few system calls as possible, because it runs beside a measurement.
    ///
    /// # Errors
    /// Why there is no reading: the meter vanished, a charger was connected, the file was empty. It never returns a zero instead.
    fn read(&mut self) -> Result<RawReading, Unavailable>;

    /// Gives everything that was read since it was last asked. An ordinary meter is read once, now. One that takes long to answer is
    /// read by a thread of its own, at its own pace: it gives each answer once, with its time, and keeps nobody waiting, except at a
    /// [`Moment::Boundary`], where it is read at once.
    fn readings(&mut self, _moment: Moment, clock: &dyn Clock, take: &mut dyn FnMut(TimedReading)) {
        let before = clock.now();
        let reading = self.read();
        let after = clock.now();
        take(TimedReading { at: MonotonicNs(before.0.midpoint(after.0)), reading });
    }

    /// Whether it is read at its own pace.
    fn has_own_pace(&self) -> bool {
        false
    }
}

/// One reading, as the interface gave it. The caller adds the time stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawReading {
    /// Raw value, in units of the meter's [`Measurand`].
    pub value: i64,
    /// Voltage at the same time in microvolts, for meters of charge and current.
    pub microvolts: Option<i64>,
}

impl RawReading {
    /// A reading that needs no voltage.
    pub fn new(value: i64) -> Self {
        Self { value, microvolts: None }
    }
}

/// What was found on a device.
#[derive(Debug, Default)]
pub struct Discovery {
    /// Meters that gave a first reading.
    pub meters: Vec<Box<dyn EnergyMeter>>,
    /// Meters that exist but cannot be used, and interfaces that are missing, with the reason.
    pub absent: Vec<AbsentMeter>,
}

impl Discovery {
    /// Adds what another kind of meter found.
    pub fn extend(&mut self, other: Discovery) {
        self.meters.extend(other.meters);
        self.absent.extend(other.absent);
    }
}

/// Looks for every kind of meter. Each kind reports why it has none.
pub fn discover(root: &SystemRoot) -> Discovery {
    let mut found = Discovery::default();
    for kind in
        [powercap::discover, perf::discover, battery::discover, hwmon::discover, pixel_rails::discover, nvml::discover]
    {
        found.extend(kind(root));
    }
    for covered in cover::covered(root) {
        // A covered meter does exist.
        found.absent.retain(|absent| absent.id != covered.id || absent.unavailable.reason != Reason::NoMeter);
        found.absent.push(covered);
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{fixture::Tree, *};

    const NUMBERS: [&str; 12] = [
        "0",
        "-1",
        "9223372036854775807",
        "-9223372036854775808",
        "18446744073709551615",
        "18446744073710",
        "1e400",
        "nan",
        "inf",
        "-",
        "\u{202e}7",
        "0-4294967295",
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        /// Whatever a device's file holds is either a reading within its unit, or absent with a reason.
        #[test]
        fn damaged_files_are_refused_and_never_computed_with(
            name in prop::sample::select(vec!["intel-client", "laptop", "hwmon-board", "hwmon-acpi-power-meter", "pixel-rails"]),
            changes in prop::collection::vec((any::<prop::sample::Index>(), prop::sample::select(NUMBERS.to_vec())), 1..5),
        ) {
            let tree = Tree::named(name);
            let files = tree.files();
            for (file, content) in changes {
                tree.set(&files[file.index(files.len())], content);
            }
            let root = tree.root();
            let mut found = discover(&root);
            for meter in &mut found.meters {
                let _ = meter.read();
                let info = meter.info();
                prop_assert!(info.update_period.is_none_or(|period| period.ns <= 86_400_000_000_000), "{info:?}");
                prop_assert!(info.power_limit_watts.is_none_or(|watts| watts > 0.0 && watts <= 1e5), "{info:?}");
                prop_assert!(info.gain_error.is_none_or(|error| (0.0..=1.0).contains(&error)), "{info:?}");
            }
            prop_assert!(battery_capacity(&root).is_none_or(|capacity| capacity.joules < 1e9));
            let _ = crate::device_facts(&root, None);
        }
    }
}

//! Readers of what phones print: texts in, values out. None of them asks a phone.
//!
//! Texts are untrusted: a reader never panics, and its work does not grow faster than its input.

mod battery;
mod clusters;
mod properties;
mod rails;
mod room;
mod screen;
mod seccomp;
mod supplies;
mod thermal;

pub use battery::{BatteryReport, ChargeCounter, PowerSource};
pub use clusters::{Cluster, clusters, values_of_cores};
pub use properties::Properties;
pub use rails::{PowerRail, RailsReport};
pub use room::free_bytes;
pub use screen::{brightness, is_screen_on};
pub use seccomp::{Seccomp, seccomp};
pub use supplies::{PowerSupply, power_supplies, unplugged_tree};
pub use thermal::{SensorKind, Temperature, ThermalReport, ThermalStatus, Threshold};

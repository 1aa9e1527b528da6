//! Phones over adb: the client that asks them, and readers of what they print.
//!
//! Makers print the same facts in different ways, and some print numbers that are none. Each reader is one file below `printed`,
//! with its rules and the phone that made each of them necessary; what is not proven is absent, with the reason.

pub mod adb;
mod condition;
#[cfg(test)]
mod fixture;
mod here;
pub mod host;
pub mod job;
mod metering;
pub mod meters;
mod obstacle;
mod phone;
pub mod printed;
mod questions;
mod unread;

pub use condition::obstacles;
pub use here::{Here, battery_and_skin};
pub use metering::{Metering, SupplyMeters};
pub use obstacle::{Obstacle, Severity};
pub use phone::{Facts, Phone, examine};
pub use unread::Unread;

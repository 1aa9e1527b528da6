//! A phone that is none: it answers the real `adb` over TCP as a phone's daemon does, with the texts of real phones.

mod daemon;
mod server;
mod tree;

pub use daemon::{Fault, StandIn};
pub use server::AdbServer;
pub use tree::{Tree, capture, section};

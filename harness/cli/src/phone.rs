//! Phones from the host's side: which one, what is brought to it, and what comes home.

mod bring_home;
mod choose;
mod given;
mod programs;
mod restored;
mod uploads;

pub use bring_home::{Home, bring_home};
pub use choose::{Chosen, adb, choose, listed};
pub use given::{Given, Inputs, Way, given, way};
pub use programs::PhonePrograms;
pub use restored::restored;
pub use uploads::{of_model, of_programs};

/// `1 case`, `3 cases`.
pub fn cases(count: u32) -> String {
    if count == 1 { "1 case".to_owned() } else { format!("{count} cases") }
}

//! Where the numbers come from, in words.

mod data;
mod device;
mod disturbances;
mod energy;
mod engine;
mod fleet;
mod imitations;
mod legend;
mod run;
mod scope;
mod seen;

pub use device::short_device;
pub use disturbances::{disturbances, others, unanswered};
pub use engine::engine;
pub use fleet::starts;
pub use imitations::{imitations, imitations_of};
pub use legend::legend;
pub use run::facts;
pub use scope::scope_name;
pub use seen::Seen;

//! What is measured: scenarios, which are fed to a model turn by turn, and studies, which put cases of them side by side.
//!
//! Both are TOML files: see the folder `scenarios`.

mod error;
mod limits;
mod scenario;
mod study;
pub mod synthetic;
mod unknown;

pub use error::ScenarioError;
pub use scenario::{Data, Items, Scenario, Shape, Talk};
pub use study::{Axis, Published, Shown, Study};
pub use unknown::UnknownName;

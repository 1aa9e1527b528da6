//! One file for each command.

pub mod conformance;
pub mod list;
pub mod model;
pub mod output;
pub mod probe;
pub mod run;
pub mod schema;
pub mod selection;
pub mod show;
pub mod stored_run;

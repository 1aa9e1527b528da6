//! One file for each command.

mod advice;
pub mod backends;
pub mod beside;
pub mod calibrate;
pub mod calls;
pub mod compare;
pub mod conformance;
pub mod damaged;
mod decode;
pub mod display;
pub mod doctor;
pub mod energy;
mod judgement;
pub mod list;
pub mod meters;
pub mod model;
pub mod output;
pub mod probe;
pub mod quantity;
pub mod run;
pub mod sampling_overhead;
pub mod schema;
pub mod selection;
pub mod show;
pub mod stored_run;
mod strict;
pub mod study;

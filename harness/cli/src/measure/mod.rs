//! Measuring: one child process for each case, watched from outside.

mod ask;
mod audit;
mod calls;
mod case;
pub mod device;
mod elf;
mod environment;
mod family;
mod guard;
mod hangup;
pub mod holder;
mod judgement;
mod library;
mod mailbox;
mod meters;
pub mod observer;
mod process;
mod program;
mod quality;
mod source;
mod sweep;

pub use ask::ask;
pub use audit::Audit;
pub use case::{CaseInput, CaseProgress, Ended, measure_case, skipped};
pub use device::{Device, DeviceBusy, Entered, WhenBusy, who_measures};
pub use elf::ensure_whole;
pub use library::LibraryPlace;
pub use mailbox::Mailbox;
pub use meters::CaseMeters;
pub use process::{RunnerError, RunnerProcess};
pub use program::{Programs, RunnerProgram, Whereabouts};
pub use source::source_checkout;
pub use sweep::{Observer, Sweep, SweepEnd};

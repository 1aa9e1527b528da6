//! Measuring: one child process for each case, watched from outside.

mod ask;
mod audit;
mod calls;
mod case;
pub mod device;
mod elf;
mod environment;
mod execution;
mod family;
mod guard;
mod hangup;
pub mod holder;
mod judgement;
mod library;
mod mailbox;
mod materials;
mod meters;
mod process;
mod program;
mod quality;
pub mod sampling_overhead;
mod source;

pub use ask::ask;
pub use audit::Audit;
pub use case::{CaseInput, CaseProgress, Ended, measure_case, skipped};
pub use device::{Device, DeviceBusy, Entered, WhenBusy, who_measures};
pub use elf::ensure_whole;
pub use execution::{Completion, Execution, Instruments, RunListener};
pub use library::LibraryPlace;
pub use mailbox::Mailbox;
pub use materials::{Materials, model_of, scenario_of};
pub use meters::CaseMeters;
pub use process::{RunnerError, RunnerProcess};
pub use program::{Programs, RunnerProgram, Whereabouts};
pub use source::source_checkout;

//! Exit statuses: one for each way in which a command ends, so that scripts can tell them apart.

use std::process::ExitCode;

use crate::{measure::DeviceBusy, refusal::is_refusal};

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All was done.
    Success = 0,
    /// Something broke.
    Broken = 1,
    /// The input was refused. (2 is clap's for wrong usage.)
    Refused = 3,
    /// Some case failed or was skipped; the others are stored.
    Incomplete = 4,
    /// No case was measured.
    NothingMeasured = 5,
    /// Something on the device would spoil a measurement.
    Unfit = 6,
    /// Ctrl-C; what was measured is stored.
    Interrupted = 130,
}

/// Tells the user what went wrong, and turns the outcome of a command into the exit status.
pub fn report(outcome: anyhow::Result<Exit>) -> ExitCode {
    let exit = outcome.unwrap_or_else(|error| {
        notice!("pocketwatt: {error:#}");
        if error.is::<DeviceBusy>() {
            Exit::Unfit
        } else if is_refusal(&error) {
            Exit::Refused
        } else {
            Exit::Broken
        }
    });
    ExitCode::from(exit as u8)
}

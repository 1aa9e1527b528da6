//! Exit statuses: one for each way in which a command ends, so that scripts can tell them apart.

use std::io::ErrorKind;

use crate::{inert, measure::DeviceBusy, notice, refusal::is_refusal};

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All was done.
    Success = 0,
    /// Something broke.
    Broken = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// The input was refused.
    Refused = 3,
    /// Some case failed or was skipped; the others are stored.
    Incomplete = 4,
    /// No case was measured.
    NothingMeasured = 5,
    /// Something on the device would spoil a measurement.
    Unfit = 6,
    /// Ctrl-C, a request to terminate, or the end of the terminal; what was measured is stored.
    Interrupted = 130,
}

/// Tells the user what went wrong, and turns the outcome of a command into the exit status.
pub fn report(outcome: anyhow::Result<Exit>) -> Exit {
    outcome.unwrap_or_else(|error| {
        notice!("pocketwatt: {error:#}");
        if error.is::<DeviceBusy>() {
            Exit::Unfit
        } else if is_refusal(&error) {
            Exit::Refused
        } else {
            Exit::Broken
        }
    })
}

/// Shows the help or the version where that was asked for, else what is wrong with the command line.
pub fn report_usage(error: &clap::Error) -> Exit {
    if error.use_stderr() {
        let plain = error.to_string();
        if inert::text(&plain) == plain {
            // That nobody can read it changes nothing.
            let _ = error.print();
        } else {
            notice::write_raw(&inert::text(&plain));
        }
        return Exit::Usage;
    }
    match error.print() {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            notice!("pocketwatt: cannot write to standard output: {error}");
            Exit::Broken
        }
        _ => Exit::Success,
    }
}

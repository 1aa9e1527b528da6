//! Exit statuses: one for each way in which a command ends, so that scripts can distinguish them.

use std::io::ErrorKind;

use crate::{command::compare::NotComparable, inert, measure::DeviceBusy, notice, refusal::is_refusal};

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Everything worked.
    Success = 0,
    /// Something failed.
    Broken = 1,
    /// The command line is wrong.
    Usage = 2,
    /// The input was refused.
    Refused = 3,
    /// Some case failed or was skipped; the others are stored.
    Incomplete = 4,
    /// No case was measured.
    NothingMeasured = 5,
    /// Something on the device would spoil a measurement.
    Unfit = 6,
    /// A comparison found something worse, and `--fail-on worse` asked for this status.
    Worse = 10,
    /// A comparison left something undecided, and `--decide` asked for this status.
    Undecided = 11,
    /// What should be compared is not comparable.
    NotComparable = 14,
    /// Ctrl-C, a request to terminate, or the end of the terminal; what was measured is stored.
    Interrupted = 130,
}

impl Exit {
    const ALL: [Self; 11] = [
        Self::Success,
        Self::Broken,
        Self::Usage,
        Self::Refused,
        Self::Incomplete,
        Self::NothingMeasured,
        Self::Unfit,
        Self::Worse,
        Self::Undecided,
        Self::NotComparable,
        Self::Interrupted,
    ];

    /// How another process of this program ended; `None` for a status that it does not have.
    pub fn from_status(status: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|exit| *exit as i32 == status)
    }
}

/// Reports an error to the user, and converts the outcome of a command to the exit status.
pub fn report(outcome: anyhow::Result<Exit>) -> Exit {
    outcome.unwrap_or_else(|error| {
        notice!("pocketwatt: {error:#}");
        if error.is::<DeviceBusy>() {
            Exit::Unfit
        } else if error.is::<NotComparable>() {
            Exit::NotComparable
        } else if is_refusal(&error) {
            Exit::Refused
        } else {
            Exit::Broken
        }
    })
}

/// Shows the help or the version if it was requested, else what is wrong with the command line.
pub fn report_usage(error: &clap::Error) -> Exit {
    if error.use_stderr() {
        let plain = error.to_string();
        if inert::text(&plain) == plain {
            // If nobody can read it, nothing changes.
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

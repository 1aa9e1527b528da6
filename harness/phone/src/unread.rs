use thiserror::Error;

/// Why something that a phone could report is not known.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unread {
    /// It does not print it.
    #[error("the phone does not report it")]
    Missing,
    /// It prints something else in that place.
    #[error("{seen:?} cannot be read")]
    Unreadable {
        /// What it prints, shortened.
        seen: String,
    },
    /// It prints a number that stands for none.
    #[error("{seen} stands for no value")]
    NoValue {
        /// The number.
        seen: String,
    },
    /// It prints a number that cannot be true.
    #[error("{seen} is impossible: the range is {range}")]
    Impossible {
        /// The number.
        seen: String,
        /// `1 to 20 V`.
        range: &'static str,
    },
    /// A sensor's number is no temperature.
    #[error("it is not in degrees: {kind}")]
    NotDegrees {
        /// `a voltage`.
        kind: &'static str,
    },
    /// A command replaced the values of the battery service, and they stay as they are.
    #[error("the updates of the battery service are stopped, so its values are made up")]
    UpdatesStopped,
    /// There is no battery.
    #[error("the phone has no battery")]
    NoBattery,
    /// The shell user has no right to it.
    #[error("the phone's shell may not read it")]
    NotPermitted,
    /// The command failed on the phone.
    #[error("the command failed with status {status}: {words}")]
    Failed {
        /// Its exit status.
        status: i32,
        /// The end of its standard error.
        words: String,
    },
    /// The phone had stopped answering before it was asked.
    #[error("the phone did not answer")]
    NotAnswered,
}

impl Unread {
    /// What cannot be read, shortened to what a line has room for.
    pub(crate) fn unreadable(seen: &str) -> Self {
        Self::Unreadable { seen: seen.chars().take(40).collect() }
    }
}

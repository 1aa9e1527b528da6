use pocketwatt_protocol::MonotonicNs;

use super::{RawReading, Unavailable};

/// A reading, or why there is none, and when that was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimedReading {
    /// Middle of the time that it took.
    pub at: MonotonicNs,
    /// What the meter answered.
    pub reading: Result<RawReading, Unavailable>,
}

/// When a meter is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// One of many rounds.
    Regular,
    /// A phase begins or ends: work is being measured.
    PhaseEdge,
    /// Before the first round or after the last one: nothing is being measured, and a meter may take its time to answer.
    Boundary,
}

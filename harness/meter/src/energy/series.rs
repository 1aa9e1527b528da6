use pocketwatt_protocol::MonotonicNs;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{MeterInfo, RawReading, Unavailable};
use crate::plateau;

/// All readings of one meter beside one case, raw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MeterSeries {
    /// The meter.
    pub meter: MeterInfo,
    /// In order of time. Of equal readings in a row only the first and the last are kept.
    pub readings: Vec<MeterReading>,
    /// Readings that were taken, those left out included.
    pub taken: u64,
    /// When and why there were no more readings, if it ended before the case did.
    pub ended: Option<MeterEnd>,
}

/// A raw value and when it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MeterReading {
    /// Middle of the time that the reading took.
    pub at: MonotonicNs,
    /// In units of the meter's measurand.
    pub value: i64,
    /// Voltage in microvolts, for charge and current.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub microvolts: Option<i64>,
}

/// The end of a series that ended too early.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MeterEnd {
    /// When the reading failed.
    pub at: MonotonicNs,
    /// Why.
    pub unavailable: Unavailable,
}

impl MeterSeries {
    /// A series without readings.
    pub fn new(meter: MeterInfo) -> Self {
        Self { meter, readings: Vec::new(), taken: 0, ended: None }
    }

    /// Adds a reading. Of equal readings in a row the first and the last stay: when a value was last seen unchanged says
    /// as much about the meter as when it changed.
    pub fn push(&mut self, at: MonotonicNs, reading: RawReading) {
        self.taken += 1;
        let next = MeterReading { at, value: reading.value, microvolts: reading.microvolts };
        let same = |one: &MeterReading, other: &MeterReading| MeterReading { at: other.at, ..*one } == *other;
        plateau::push(&mut self.readings, next, same, |last, next| last.at = next.at);
    }
}

//! The time axis that a panel and its strips share.

use crate::report::charts::bars::tick;

/// Time in the unit that people would use.
pub struct TimeAxis {
    /// Seconds times this are units.
    factor: f64,
    unit: &'static str,
    since: &'static str,
    /// The last moment, in units.
    pub end: f64,
}

impl TimeAxis {
    /// For a case of so many seconds.
    pub fn of(seconds: f64) -> Self {
        Self::since("the start of the case", seconds, 15.0 * 60.0)
    }

    /// For so many seconds since something happened, in minutes from so many seconds on.
    pub fn since(event: &'static str, seconds: f64, minutes_from: f64) -> Self {
        let (factor, unit) = match seconds {
            long if long >= 3.0 * 3600.0 => (1.0 / 3600.0, "hours"),
            long if long >= minutes_from => (1.0 / 60.0, "minutes"),
            _ => (1.0, "seconds"),
        };
        Self { factor, unit, since: event, end: seconds * factor }
    }

    /// A moment in units.
    pub fn at(&self, seconds: f64) -> f64 {
        seconds * self.factor
    }

    /// A label of the axis.
    pub fn label(&self, value: f64) -> String {
        tick(value, self.end)
    }

    /// Its name.
    pub fn words(&self) -> String {
        format!("{} since {}", self.unit, self.since)
    }
}

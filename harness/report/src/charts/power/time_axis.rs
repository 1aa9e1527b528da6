//! The time axis that a panel and its strips share.

use crate::charts::scale::tick;

/// Time in a unit that suits its length.
#[derive(Clone, Copy)]
pub struct TimeAxis {
    /// Factor from seconds to units.
    factor: f64,
    unit: &'static str,
    since: &'static str,
    /// The last moment, in units.
    pub end: f64,
}

impl TimeAxis {
    /// The axis for a case of this many seconds.
    pub fn of(seconds: f64) -> Self {
        Self::since("the start of the case", seconds, 15.0 * 60.0)
    }

    /// The axis for a time since an event; in minutes from `minutes_from` seconds on.
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

    /// Where a moment is drawn: a moment beyond the axis is moved to its end.
    pub fn place(&self, seconds: f64) -> f64 {
        self.at(seconds).max(0.0).min(self.end)
    }

    /// A label of the axis.
    pub fn label(&self, value: f64) -> String {
        tick(value, self.end)
    }

    /// Its name.
    pub fn title(&self) -> String {
        format!("{} since {}", self.unit, self.since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_drawn_beyond_the_axis() {
        let axis = TimeAxis::of(20.0);
        let places = [-1.0, 0.0, 7.0, 20.0, 1.8e10, f64::NAN].map(|seconds| axis.place(seconds));
        assert_eq!(places, [0.0, 0.0, 7.0, 20.0, 20.0, 0.0]);
    }
}

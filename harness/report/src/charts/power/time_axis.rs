//! The time axis that a panel and its strips share.

use crate::{charts::scale::tick, output::quantity::fixed};

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

    /// A moment as exact as it can be seen.
    fn exact(&self, seconds: f64) -> String {
        fixed(self.at(seconds), if self.end < 100.0 { 2 } else { 1 })
    }

    /// Its name.
    pub fn title(&self) -> String {
        format!("{} since {}", self.unit, self.since)
    }
}

/// A part of a line over time in words, from seconds and values: `12.1 to 14.0 seconds: 31.20 W to 32.05 W`.
pub fn along_time(points: &[(f64, f64)], axis: TimeAxis, amount: impl Fn(f64) -> String) -> String {
    let lowest = points.iter().map(|point| point.1).reduce(f64::min);
    let (Some(first), Some(last), Some(lowest)) = (points.first(), points.last(), lowest) else { return String::new() };
    let highest = points.iter().map(|point| point.1).fold(lowest, f64::max);
    let [from, to] = [first, last].map(|point| axis.exact(point.0));
    let (low, high) = (amount(lowest), amount(highest));
    let range = if low == high { low } else { format!("{low} to {high}") };
    format!("{from} to {to} {}: {range}", axis.unit)
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

//! Where numbers lie on an axis, and how its labels are written.

use crate::output::quantity::fixed;

/// The smallest and the largest number that are drawn.
const SMALLEST: f64 = 1e-15;
const LARGEST: f64 = 1e15;

/// Whether a number can be drawn.
pub fn drawable(value: f64) -> bool {
    value.abs() <= LARGEST
}

/// The largest value of an axis that begins at 0 and leaves room above `largest`.
pub fn axis_end(largest: f64) -> f64 {
    axis_with_room(largest, 1.15)
}

/// The same with other room above the largest. Records may contain anything, so absurdly large or small numbers make no
/// axis.
pub fn axis_with_room(largest: f64, room: f64) -> f64 {
    if largest > SMALLEST { largest.min(LARGEST) * room } else { 1.0 }
}

/// A number on an axis from `low` to `high`; a number beyond it is moved to its end.
pub fn within(low: f64, high: f64, value: f64) -> f64 {
    value.max(low).min(high)
}

/// A label of the axis, with as many decimals as its largest value needs.
pub fn tick(value: f64, largest: f64) -> String {
    let decimals = if largest >= 10.0 {
        0
    } else if largest >= 1.0 {
        1
    } else {
        2
    };
    fixed(value, decimals)
}

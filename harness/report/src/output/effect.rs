//! Differences between two measurements, as shares.

use super::quantity::fixed;

/// Larger effects are not shown as a number.
const MOST: f64 = 10.0;

/// `2.4 %`, `14 %`, `over 1000 %`.
pub fn effect(share: f64) -> String {
    match share {
        huge if huge > MOST => format!("over {} %", fixed(MOST * 100.0, 0)),
        large if large >= 0.1 => format!("{} %", fixed(large * 100.0, 0)),
        small => format!("{} %", fixed(small * 100.0, 1)),
    }
}

//! Lengths of time as people read them.

use super::quantity::{Quantity, fixed, significant};

/// A given or measured length of time in one unit: `1 ms`, `30 s`, `20 min`.
pub fn duration(seconds: f64) -> String {
    if seconds >= 600.0 {
        format!("{} min", significant(seconds / 60.0))
    } else {
        Quantity::new(seconds, "s").prefixed().in_text()
    }
}

/// A waiting time in the units of a clock: `4.2 s`, `45 s`, `3 min 20 s`, `2 h 5 min`.
pub fn waiting_time(seconds: f64) -> String {
    let whole = seconds.round().max(0.0) as u64;
    match whole {
        0..60 if seconds < 9.5 => format!("{} s", fixed(seconds, 1)),
        0..60 => format!("{whole} s"),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        assert_eq!([0.001, 90.0, 599.0, 1200.0].map(duration), ["1 ms", "90 s", "599 s", "20 min"]);
        let cases = [(0.0, "0.0 s"), (1.26, "1.3 s"), (45.4, "45 s"), (200.0, "3 min 20 s"), (7500.0, "2 h 5 min")];
        for (seconds, expected) in cases {
            assert_eq!(waiting_time(seconds), expected);
        }
    }
}

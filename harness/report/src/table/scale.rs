//! The unit and the decimals that all numbers of a row share.

use pocketwatt_record::Unit;

/// A unit for people, and how to convert from the catalogue's unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// Numbers are multiplied by this.
    pub factor: f64,
    /// Its symbol.
    pub symbol: &'static str,
}

/// The unit in which numbers up to `largest` are easiest to read.
pub fn scale(unit: Unit, largest: f64) -> Scale {
    const MEBIBYTE: f64 = 1048576.0;
    let (factor, symbol) = match unit {
        Unit::Nanoseconds if largest >= 1e10 => (1e-9, "s"),
        Unit::Nanoseconds if largest >= 1e6 => (1e-6, "ms"),
        Unit::Nanoseconds => (1e-3, "µs"),
        Unit::TokensPerSecond => (1.0, "tokens/s"),
        Unit::Bytes if largest >= 10240.0 * MEBIBYTE => (1.0 / (1024.0 * MEBIBYTE), "GiB"),
        Unit::Bytes if largest >= MEBIBYTE => (1.0 / MEBIBYTE, "MiB"),
        Unit::Bytes => (1.0 / 1024.0, "KiB"),
        Unit::Fraction => (100.0, "%"),
        Unit::Cores => (1.0, "cores"),
        Unit::Joules if largest >= 1e4 => (1e-3, "kJ"),
        Unit::Joules if largest >= 1.0 => (1.0, "J"),
        Unit::Joules => (1e3, "mJ"),
        Unit::Watts if largest >= 1.0 => (1.0, "W"),
        Unit::Watts => (1e3, "mW"),
        Unit::JouleSeconds => (1.0, "J s"),
        Unit::TokensPerWattHour => (1.0, "tokens/Wh"),
        Unit::Hours => (1.0, "h"),
        Unit::DegreesCelsius => (1.0, "°C"),
        Unit::Hertz => (1e-9, "GHz"),
        Unit::Nats => (1.0, "nats"),
        Unit::One => (1.0, ""),
    };
    Scale { factor, symbol }
}

/// Decimals that give the smallest of `values` three significant digits, or two where the largest would get more than
/// four digits, and that never give the largest more than five.
pub fn decimals(values: impl Iterator<Item = f64> + Clone) -> usize {
    let magnitude = |value: f64| if value > 0.0 { value.log10().floor() as i32 } else { 0 };
    let smallest = values.clone().filter(|&value| value > 0.0).fold(f64::INFINITY, f64::min);
    let largest = magnitude(values.fold(0.0, f64::max)).max(0);
    let wanted = if smallest.is_finite() { 2 - magnitude(smallest) } else { 0 };
    let decimals = wanted.min((3 - largest).max(wanted - 1)).min(4 - largest);
    decimals.clamp(0, 3) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_one_unit_and_enough_digits() {
        assert_eq!(scale(Unit::Nanoseconds, 4.1e9).symbol, "ms");
        assert_eq!(scale(Unit::Nanoseconds, 4.1e10).symbol, "s");
        assert_eq!(scale(Unit::Nanoseconds, 4.1e5).symbol, "µs");
        assert_eq!(scale(Unit::Bytes, 6e9).symbol, "MiB");
        assert_eq!(decimals([31.8, 250.0].into_iter()), 1);
        assert_eq!(decimals([0.5, 1234.0].into_iter()), 1);
        assert_eq!(decimals([21.0, 1110.0].into_iter()), 0);
        assert_eq!(decimals([0.0].into_iter()), 0);
        assert_eq!(decimals([123_456.0].into_iter()), 0);
    }
}

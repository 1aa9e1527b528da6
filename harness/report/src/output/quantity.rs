//! Single quantities in running text.

use pocketwatt_record::Amount;

/// Digits of a number that is followed by its uncertainty.
const MOST_DIGITS: i32 = 4;

/// A number with so many decimals, see [`Amount`].
pub fn fixed(value: f64, decimals: usize) -> String {
    format!("{:.decimals$}", Amount(value))
}

/// All digits of a number, with a power of ten where it is very small or large.
pub fn exact(value: f64) -> String {
    if value == 0.0 || (1e-9..1e15).contains(&value.abs()) { value.to_string() } else { format!("{value:e}") }
}

/// A number with as many decimals as its uncertainty allows, or three significant digits where that is not known.
pub fn between(value: f64, uncertainty: Option<f64>, unit: &str) -> String {
    match uncertainty.filter(|&half| half > 0.0) {
        Some(half) => {
            // Two digits of an uncertainty that begins with a 1: a half of it would be lost otherwise.
            let digits = if half / 10f64.powf(half.log10().floor()) < 2.0 { 2 } else { 1 };
            let shown = decimals(half, digits);
            // A fifth digit would not survive the error of any meter's scale.
            let value = fixed(value, shown.min(decimals(value, MOST_DIGITS)));
            format!("{value} {unit} ±{}", fixed(half, shown))
        }
        None => format!("{} {unit}", significant(value)),
    }
}

/// Three significant digits, at the least.
pub fn significant(value: f64) -> String {
    let text = fixed(value, decimals(value, 3));
    // `5.00 s` says no more than `5 s`.
    if text.contains('.') && !text.contains('e') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

fn decimals(value: f64, digits: i32) -> usize {
    if value == 0.0 { 0 } else { (digits - 1 - value.abs().log10().floor() as i32).clamp(0, 9) as usize }
}

/// `50 kJ`, `61 µJ`.
pub fn joules(value: f64) -> String {
    prefixed(value, "J")
}

/// With the prefix of the unit that leaves one to three digits before the point.
pub fn prefixed(value: f64, unit: &str) -> String {
    const PREFIXES: [(f64, &str); 7] =
        [(1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n")];
    let (factor, prefix) = PREFIXES
        .into_iter()
        .find(|(factor, _)| value.abs() >= factor * 0.9995)
        .unwrap_or(if value == 0.0 { (1.0, "") } else { (1e-9, "n") });
    format!("{} {prefix}{unit}", significant(value / factor))
}

/// `1 ms`, `30 s`, `4 min`.
pub fn duration(seconds: f64) -> String {
    if seconds >= 600.0 { format!("{} min", significant(seconds / 60.0)) } else { prefixed(seconds, "s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_as_long_as_they_are_certain() {
        assert_eq!(between(3.7116, Some(0.062), "h"), "3.71 h ±0.06");
        assert_eq!(between(3.7116, Some(0.015), "h"), "3.712 h ±0.015");
        assert_eq!(between(4120.4, Some(31.0), "J"), "4120 J ±31");
        assert_eq!(between(0.009_669_3, Some(0.000_002), "%"), "0.009669 % ±0.000002");
        assert_eq!(between(0.012345, None, "%"), "0.0123 %");
        assert_eq!(joules(50_000.0), "50 kJ");
        assert_eq!(joules(61.03515625e-6), "61 µJ");
        assert_eq!(prefixed(0.0, "W"), "0 W");
        assert_eq!(duration(0.001), "1 ms");
        assert_eq!(duration(90.0), "90 s");
        assert_eq!(duration(1200.0), "20 min");
        assert_eq!(prefixed(999.96, "J"), "1 kJ");
    }
}

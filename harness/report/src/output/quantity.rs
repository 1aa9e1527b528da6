//! Physical quantities as people read them: one type, and one rule by which they are rounded.

use pocketwatt_record::Amount;

/// Significant digits of a number whose uncertainty is not known.
const DIGITS: i32 = 3;

/// A number with its unit, and half of its 95 % interval where that is known.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantity {
    /// In its unit.
    pub value: f64,
    /// In the same unit; one of 0 counts as unknown.
    pub uncertainty: Option<f64>,
    /// Its symbol, with a prefix if it has one.
    pub unit: String,
}

/// How many digits of a number are written.
///
/// An uncertainty is written with its significant digits: two if it begins with a small digit, because rounding to one
/// would change it by up to a half, otherwise one. The number has as many decimals as its uncertainty. A number without an
/// uncertainty has three significant digits.
#[derive(Clone, Copy, Debug)]
pub struct Rounding {
    /// An uncertainty that begins with less than this has a second digit; 10 for all.
    pub two_digits_below: f64,
    /// Most significant digits of the number: the scale error of any meter is larger than a fifth digit.
    pub most_digits: i32,
    /// Most decimals.
    pub most_decimals: i32,
    /// Whether an uncertainty is rounded up, so that a small one does not become zero.
    pub upwards: bool,
    /// Whether trailing zeros stay, so that numbers in a column line up; those of a whole number are always dropped.
    pub zeros: bool,
}

impl Rounding {
    /// In running text.
    pub const TEXT: Self =
        Self { two_digits_below: 2.0, most_digits: 4, most_decimals: 9, upwards: false, zeros: false };
    /// In a chart, where there is little room.
    pub const CHART: Self =
        Self { two_digits_below: 3.0, most_digits: i32::MAX, most_decimals: 2, upwards: true, zeros: false };
    /// In a column of numbers.
    pub const COLUMN: Self =
        Self { two_digits_below: 10.0, most_digits: i32::MAX, most_decimals: 6, upwards: false, zeros: true };

    /// Decimals that show the significant digits of an uncertainty, which is more than 0.
    pub fn decimals_of(self, uncertainty: f64) -> usize {
        let digits = if uncertainty / 10f64.powi(magnitude(uncertainty)) < self.two_digits_below { 2 } else { 1 };
        decimals(uncertainty, digits).min(self.most_decimals as usize)
    }

    /// A number, and its uncertainty if it has one.
    fn write(self, value: f64, uncertainty: Option<f64>) -> (String, Option<String>) {
        let Some(uncertainty) = uncertainty.filter(|&half| half > 0.0) else { return (self.alone(value), None) };
        let shown = self.decimals_of(uncertainty);
        let units = 10f64.powi(shown as i32);
        // A number that is whole except for rounding errors of the computation stays whole.
        let uncertainty = if self.upwards { (uncertainty * units - 1e-6).ceil() / units } else { uncertainty };
        (fixed(value, shown.min(decimals(value, self.most_digits))), Some(fixed(uncertainty, shown)))
    }

    fn alone(self, value: f64) -> String {
        let most = |decimals: usize| decimals.min(self.most_decimals as usize);
        let decimals = most(decimals(value, DIGITS));
        // What rounds to 100 has three digits without decimals, as 100 has.
        let units = 10f64.powi(decimals as i32);
        let decimals = most(self::decimals((value * units).round() / units, DIGITS));
        if !self.zeros {
            return without_zeros(fixed(value, decimals));
        }
        let is_whole = (value - value.round()).abs() < 1e-6 * value.abs();
        fixed(value, if is_whole { 0 } else { decimals })
    }
}

impl Quantity {
    /// A number with its unit.
    pub fn new(value: f64, unit: &str) -> Self {
        Self { value, uncertainty: None, unit: unit.to_owned() }
    }

    /// The same with half of its 95 % interval.
    pub fn with(self, uncertainty: impl Into<Option<f64>>) -> Self {
        Self { uncertainty: uncertainty.into(), ..self }
    }

    /// With the prefix of the unit that leaves one to three digits before the point: of the number, or of its uncertainty if
    /// that is larger. Seconds have no prefix above one.
    pub fn prefixed(self) -> Self {
        const PREFIXES: [(f64, &str); 7] =
            [(1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n")];
        let prefixes = if self.unit == "s" { &PREFIXES[3..] } else { &PREFIXES[..] };
        let largest = self.value.abs().max(self.uncertainty.unwrap_or(0.0));
        // What rounds to 1000 takes the next prefix.
        let fits = |(factor, _): &&(f64, &str)| largest >= 0.9995 * factor;
        let smallest = if largest == 0.0 { (1.0, "") } else { (1e-9, "n") };
        let (factor, prefix) = prefixes.iter().find(fits).copied().unwrap_or(smallest);
        Self {
            value: self.value / factor,
            uncertainty: self.uncertainty.map(|half| half / factor),
            unit: format!("{prefix}{}", self.unit),
        }
    }

    /// `3.71 h ±0.06`, `61 µJ`.
    pub fn in_text(&self) -> String {
        match Rounding::TEXT.write(self.value, self.uncertainty) {
            (value, Some(uncertainty)) => format!("{value} {} ±{uncertainty}", self.unit),
            (value, None) => format!("{value} {}", self.unit),
        }
    }

    /// `24.3 ± 0.5 W`.
    pub fn in_chart(&self) -> String {
        match Rounding::CHART.write(self.value, self.uncertainty) {
            (value, Some(uncertainty)) => format!("{value} ± {uncertainty} {}", self.unit),
            (value, None) => format!("{value} {}", self.unit),
        }
    }

    /// `36.930 ±0.010 J`, `1.00 W`.
    pub fn in_column(&self) -> String {
        match Rounding::COLUMN.write(self.value, self.uncertainty) {
            (value, Some(uncertainty)) => format!("{value} ±{uncertainty} {}", self.unit),
            (value, None) => format!("{value} {}", self.unit),
        }
    }
}

/// A number with this many decimals, see [`Amount`].
pub fn fixed(value: f64, decimals: usize) -> String {
    format!("{:.decimals$}", Amount(value))
}

/// All digits of a number, with a power of ten if it is very small or large.
pub fn exact(value: f64) -> String {
    if value == 0.0 || (1e-9..1e15).contains(&value.abs()) { value.to_string() } else { format!("{value:e}") }
}

/// At least three significant digits.
pub fn significant(value: f64) -> String {
    Rounding::TEXT.alone(value)
}

/// The requested decimals, or as many more as it takes to show that many digits of a number that would be shown as
/// zero but is not zero: at most six.
pub fn not_as_zero(value: f64, decimals: usize, digits: i32) -> String {
    const MOST: usize = 6;
    let vanishes = value != 0.0 && value.abs() * 10f64.powi(decimals as i32) < 0.5;
    let wanted = if vanishes { self::decimals(value, digits).min(MOST) } else { 0 };
    fixed(value, decimals.max(wanted))
}

/// Decimals that show this many significant digits.
fn decimals(value: f64, digits: i32) -> usize {
    if value == 0.0 { 0 } else { digits.saturating_sub(1).saturating_sub(magnitude(value)).clamp(0, 9) as usize }
}

/// The decimal exponent of the first digit: 0 for 1 to 9.99. The number is not 0.
fn magnitude(value: f64) -> i32 {
    value.abs().log10().floor() as i32
}

/// `5.00` says the same as `5`.
fn without_zeros(text: String) -> String {
    if text.contains('.') && !text.contains('e') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(value: f64, uncertainty: impl Into<Option<f64>>, unit: &str) -> String {
        Quantity::new(value, unit).with(uncertainty).in_text()
    }

    #[test]
    fn numbers_are_as_long_as_they_are_certain() {
        assert_eq!(text(3.7116, 0.062, "h"), "3.71 h ±0.06");
        assert_eq!(text(3.7116, 0.015, "h"), "3.712 h ±0.015");
        assert_eq!(text(4120.4, 31.0, "J"), "4120 J ±31");
        assert_eq!(text(0.009_669_3, 0.000_002, "%"), "0.009669 % ±0.000002");
        assert_eq!(text(0.012345, None, "%"), "0.0123 %");
        let chart = |value: f64, uncertainty: f64| Quantity::new(value, "W").with(uncertainty).in_chart();
        assert_eq!(chart(24.3456, 0.43), "24.3 ± 0.5 W");
        assert_eq!(chart(24.3456, 0.14), "24.35 ± 0.14 W");
        assert_eq!(chart(243.456, 12.0), "243 ± 12 W");
        assert_eq!(chart(22.0054, 0.0004), "22.01 ± 0.01 W");
    }

    #[test]
    fn a_prefix_leaves_three_digits() {
        let text = |value: f64, unit: &str| Quantity::new(value, unit).prefixed().in_text();
        assert_eq!([text(50_000.0, "J"), text(61.03515625e-6, "J"), text(0.0, "W")], ["50 kJ", "61 µJ", "0 W"]);
        assert_eq!([text(999.96, "J"), text(0.001, "s"), text(1800.0, "s")], ["1 kJ", "1 ms", "1800 s"]);
        let column = |value: f64| Quantity::new(value, "J").prefixed().in_column();
        let shown = [column(36.93), column(6.1e-5), column(1e-6), column(0.9999), column(99.97), column(-2.5)];
        assert_eq!(shown, ["36.9 J", "61 µJ", "1 µJ", "1.00 J", "100 J", "-2.50 J"]);
        let certain = |value: f64, uncertainty: f64| Quantity::new(value, "J").with(uncertainty).prefixed().in_column();
        assert_eq!([certain(36.93, 0.0101), certain(0.012, 0.034)], ["36.930 ±0.010 J", "12 ±34 mJ"]);
    }

    /// Numbers from 1e-5 to 1e6 with either sign, equally many of each magnitude.
    fn numbers() -> impl Strategy<Value = f64> {
        (-5.0..6.0, any::<bool>()).prop_map(|(power, negative)| 10f64.powf(power) * if negative { -1.0 } else { 1.0 })
    }

    fn decimals_in(text: &str) -> usize {
        text.split_once('.').map_or(0, |(_, decimals)| decimals.len())
    }

    proptest! {
        #[test]
        fn what_is_shown_is_the_number_within_half_of_its_last_digit(value in numbers(), half in numbers()) {
            for rounding in [Rounding::TEXT, Rounding::CHART, Rounding::COLUMN] {
                let (shown, _) = rounding.write(value, Some(half.abs()));
                let last = 10f64.powi(-(decimals_in(&shown) as i32));
                prop_assert!((shown.parse::<f64>().unwrap() - value).abs() <= last * 0.5001, "{value} {shown}");
            }
        }

        #[test]
        fn an_uncertainty_loses_little_and_in_a_chart_nothing(value in numbers(), half in numbers()) {
            let half = half.abs();
            let shown = |rounding: Rounding| rounding.write(value, Some(half)).1.unwrap().parse::<f64>().unwrap();
            prop_assert!((shown(Rounding::TEXT) / half - 1.0).abs() <= 0.2501);
            prop_assert!(shown(Rounding::CHART) >= half - 1e-6);
        }

        #[test]
        fn a_number_and_its_uncertainty_end_at_the_same_digit(value in numbers(), half in numbers()) {
            for rounding in [Rounding::CHART, Rounding::COLUMN] {
                let (value, half) = rounding.write(value, Some(half.abs()));
                prop_assert_eq!(decimals_in(&value), decimals_in(&half.unwrap()));
            }
        }

        #[test]
        fn a_number_alone_has_three_digits(value in numbers()) {
            let shown: f64 = significant(value).parse().unwrap();
            prop_assert!((shown / value - 1.0).abs() <= 0.00501);
            let prefixed = Quantity::new(value, "J").prefixed();
            prop_assert!((0.9995..1000.0).contains(&prefixed.value.abs()), "{prefixed:?}");
            prop_assert!(prefixed.in_text().split(' ').next().unwrap().trim_start_matches('-').len() <= 4);
        }

        #[test]
        fn what_is_not_zero_is_not_shown_as_zero(value in numbers(), decimals in 0..4_usize) {
            let shown: f64 = not_as_zero(value, decimals, 1).parse().unwrap();
            prop_assert!(shown != 0.0, "{value}");
        }
    }
}

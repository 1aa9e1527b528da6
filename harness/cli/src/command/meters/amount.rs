//! Physical quantities as people read them.

const PREFIXES: [(f64, &str); 6] = [(1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n")];

/// What rounds to 1000 takes the next prefix.
fn fitting(value: f64, prefixes: &'static [(f64, &'static str)]) -> (f64, &'static str) {
    let fits = |(factor, _): &&(f64, &str)| value.abs() >= 0.9995 * factor;
    *prefixes.iter().find(fits).unwrap_or(&PREFIXES[5])
}

/// Both in one unit, with two digits of the uncertainty: `36.930 ±0.010 J`.
pub fn with_uncertainty(value: f64, uncertainty: f64, unit: &str) -> String {
    let (factor, prefix) = fitting(value.abs().max(uncertainty), &PREFIXES);
    let (value, uncertainty) = (value / factor, uncertainty / factor);
    let digits = if uncertainty > 0.0 { (1.0 - uncertainty.log10().floor()).clamp(0.0, 6.0) as usize } else { 3 };
    format!("{value:.digits$} ±{uncertainty:.digits$} {prefix}{unit}")
}

/// Three digits with the prefix that fits: `36.9 J`, `61.0 µJ`; `1 µJ` where the number is whole.
pub fn quantity(value: f64, unit: &str) -> String {
    if value == 0.0 {
        return format!("0 {unit}");
    }
    let prefixes = if unit == "s" { &PREFIXES[2..] } else { &PREFIXES[..] };
    let (factor, prefix) = fitting(value, prefixes);
    let number = value / factor;
    let whole = (number - number.round()).abs() < 1e-6 * number.abs();
    let digits = match number.abs() {
        _ if whole => 0,
        number if number >= 99.95 => 0,
        number if number >= 9.995 => 1,
        _ => 2,
    };
    format!("{number:.digits$} {prefix}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_have_three_digits_and_a_prefix() {
        let text = |value| quantity(value, "J");
        assert_eq!(
            [text(36.93), text(6.1e-5), text(1e-6), text(0.9999), text(262_143.3)],
            ["36.9 J", "61 µJ", "1 µJ", "1.00 J", "262 kJ"]
        );
        assert_eq!([text(0.0), text(-2.5), text(2.33e-10)], ["0 J", "-2.50 J", "0.23 nJ"]);
        assert_eq!(with_uncertainty(36.93, 0.0101, "J"), "36.930 ±0.010 J");
        assert_eq!(with_uncertainty(0.012, 0.034, "J"), "12 ±34 mJ");
        assert_eq!([quantity(1800.0, "s"), quantity(0.00102, "s")], ["1800 s", "1.02 ms"]);
    }
}

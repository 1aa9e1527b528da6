//! Quantities with units, as people write them: `50kJ`, `15 Wh`, `800mW`, `5%`, `10min`.

/// Joules.
///
/// # Errors
/// When it is not an energy, or is zero.
pub fn energy(text: &str) -> Result<f64, String> {
    const UNITS: [(&str, f64); 6] =
        [("kWh", 3.6e6), ("mWh", 3.6), ("Wh", 3600.0), ("MJ", 1e6), ("kJ", 1e3), ("J", 1.0)];
    positive(text, &UNITS, "an energy such as 50kJ or 15Wh")
}

/// Watts; 0 is allowed.
///
/// # Errors
/// When it is not a power.
pub fn power(text: &str) -> Result<f64, String> {
    const UNITS: [(&str, f64); 2] = [("mW", 1e-3), ("W", 1.0)];
    parse(text, &UNITS).ok_or_else(|| "expected a power such as 800mW or 1.5W".into())
}

/// Milliseconds.
///
/// # Errors
/// When it is not a duration between a millisecond and a day.
pub fn duration_ms(text: &str) -> Result<u64, String> {
    const UNITS: [(&str, f64); 4] = [("min", 60_000.0), ("ms", 1.0), ("s", 1_000.0), ("h", 3_600_000.0)];
    const DAY: f64 = 86_400_000.0;
    let expected = || "expected a duration of at most 24h, such as 10min or 90s".to_owned();
    let milliseconds = parse(text, &UNITS).map(f64::round).ok_or_else(expected)?;
    if (1.0..=DAY).contains(&milliseconds) { Ok(milliseconds as u64) } else { Err(expected()) }
}

/// A share of one.
///
/// # Errors
/// When it is not a percentage between 0.1 % and 50 %.
pub fn share(text: &str) -> Result<f64, String> {
    const UNITS: [(&str, f64); 1] = [("%", 0.01)];
    let expected = || "expected a percentage between 0.1% and 50%, such as 5%".to_owned();
    let share = parse(text, &UNITS).ok_or_else(expected)?;
    if (0.001..=0.5).contains(&share) { Ok(share) } else { Err(expected()) }
}

fn positive(text: &str, units: &[(&str, f64)], expected: &str) -> Result<f64, String> {
    parse(text, units).filter(|&value| value > 0.0).ok_or_else(|| format!("expected {expected}"))
}

/// The number times its unit; `None` without a unit, so that nobody has to guess the meaning of a bare number.
fn parse(text: &str, units: &[(&str, f64)]) -> Option<f64> {
    let (number, factor) = units.iter().find_map(|(unit, factor)| Some((text.trim().strip_suffix(unit)?, *factor)))?;
    let value = number.trim().parse::<f64>().ok()? * factor;
    (value.is_finite() && value >= 0.0).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_understood_and_demanded() {
        assert_eq!(energy("50kJ"), Ok(50e3));
        assert_eq!(energy("15 Wh"), Ok(54e3));
        assert_eq!(power("800mW"), Ok(0.8));
        assert_eq!(power("0W"), Ok(0.0));
        assert_eq!(share("5%"), Ok(0.05));
        let durations = ["10min", "90 s", "1.5h", "250ms"].map(duration_ms);
        assert_eq!(durations, [Ok(600_000), Ok(90_000), Ok(5_400_000), Ok(250)]);
        for nonsense in ["10", "10m", "0s", "-1s", "25h", "min", "0.1ms"] {
            assert!(duration_ms(nonsense).is_err(), "{nonsense}");
        }
        for nonsense in ["50", "kJ", "-1J", "0J", "infJ", "NaNJ", "5%", ""] {
            assert!(energy(nonsense).is_err(), "{nonsense}");
        }
        for nonsense in ["5", "0%", "60%", "-5%"] {
            assert!(share(nonsense).is_err(), "{nonsense}");
        }
    }
}

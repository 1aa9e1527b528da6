//! Numbers as people compare them: one unit and one number of decimals for a whole row.

use pocketwatt_record::{Direction, Unit};

/// A single observation, or a single iteration, has no spread to compare with: it is better only by more than this.
const SINGLE_OBSERVATION_MARGIN: f64 = 0.05;

/// Iterations of one process agree better than processes do: without a lead of this much, nothing is the best.
const MARGIN_BETWEEN_ITERATIONS: f64 = 0.01;

/// One number of a row, and between which values its iterations lie.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// What is shown.
    pub value: f64,
    /// Lowest and highest iteration, or the ends of the 95 % interval; absent where there is only one observation.
    pub range: Option<(f64, f64)>,
    /// Of how many questions the number is a share; its range is then Wilson's interval, which is not symmetric.
    pub questions: Option<usize>,
}

impl Estimate {
    /// A number and the range of its iterations.
    pub fn between(value: f64, range: Option<(f64, f64)>) -> Self {
        Self { value, range, questions: None }
    }
}

/// A unit that people read, and how to get there from the catalogue's unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// Numbers are multiplied by this.
    pub factor: f64,
    /// Its symbol.
    pub symbol: &'static str,
}

/// The unit in which numbers up to `largest` are read most easily.
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

/// Decimals that give the smallest of `values` three significant digits, or two where the largest would get longer than
/// four digits, and never make the largest longer than five.
pub fn decimals(values: impl Iterator<Item = f64> + Clone) -> usize {
    let magnitude = |value: f64| if value > 0.0 { value.log10().floor() as i32 } else { 0 };
    let smallest = values.clone().filter(|&value| value > 0.0).fold(f64::INFINITY, f64::min);
    let largest = magnitude(values.fold(0.0, f64::max)).max(0);
    let wanted = if smallest.is_finite() { 2 - magnitude(smallest) } else { 0 };
    let decimals = wanted.min((3 - largest).max(wanted - 1)).min(4 - largest);
    decimals.clamp(0, 3) as usize
}

/// Which of a row's estimates is the best beyond doubt: its iterations do not overlap with those of any other and it
/// leads by more than [`MARGIN_BETWEEN_ITERATIONS`], or, where there is no spread, by [`SINGLE_OBSERVATION_MARGIN`].
pub fn best(estimates: &[Option<Estimate>], direction: Direction) -> Option<usize> {
    // With the sign turned where more is better, less is better everywhere.
    let sign = match direction {
        Direction::LowerIsBetter => 1.0,
        Direction::HigherIsBetter => -1.0,
        Direction::Informative => return None,
    };
    let present = || estimates.iter().enumerate().filter_map(|(index, estimate)| Some((index, (*estimate)?)));
    let (leader, lead) = present().min_by(|(_, a), (_, b)| (sign * a.value).total_cmp(&(sign * b.value)))?;
    let mut others = present().filter(|&(index, _)| index != leader).peekable();
    others.peek()?;
    others.all(|(_, other)| clearly_less(lead, other, sign)).then_some(leader)
}

fn clearly_less(lead: Estimate, other: Estimate, sign: f64) -> bool {
    let leads_by = |margin: f64| (other.value - lead.value).abs() > margin * lead.value.abs().min(other.value.abs());
    match (lead.range, other.range) {
        (Some((low, high)), Some((other_low, other_high))) => {
            let apart = if sign > 0.0 { high < other_low } else { low > other_high };
            apart && leads_by(MARGIN_BETWEEN_ITERATIONS)
        }
        _ => leads_by(SINGLE_OBSERVATION_MARGIN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimate(value: f64, spread: f64) -> Option<Estimate> {
        Some(Estimate { value, range: Some((value - spread, value + spread)), questions: None })
    }

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

    #[test]
    fn the_best_is_marked_only_beyond_doubt() {
        use Direction::{HigherIsBetter, Informative, LowerIsBetter};
        let apart = [estimate(30.0, 0.4), None, estimate(32.0, 0.4)];
        assert_eq!(best(&apart, LowerIsBetter), Some(0));
        assert_eq!(best(&apart, HigherIsBetter), Some(2));
        assert_eq!(best(&apart, Informative), None);
        assert_eq!(best(&[estimate(30.0, 1.0), estimate(31.0, 0.5)], LowerIsBetter), None, "ranges overlap");
        assert_eq!(best(&[estimate(30.0, 1.0), None], LowerIsBetter), None, "nothing to compare with");
        assert_eq!(best(&[estimate(30.0, 0.01), estimate(30.2, 0.01)], LowerIsBetter), None, "less than 1 % apart");
        let single = |value| Some(Estimate { value, range: None, questions: None });
        assert_eq!(best(&[single(100.0), single(104.0)], LowerIsBetter), None, "within 5 %");
        assert_eq!(best(&[single(100.0), single(106.0)], LowerIsBetter), Some(0));
        assert_eq!(best(&[single(7.0), single(7.0)], LowerIsBetter), None, "a tie");
        assert_eq!(best(&[single(0.0), single(0.0)], LowerIsBetter), None, "a tie at nothing");
    }
}

//! What a series does without a change: it drifts, and neighbours resemble each other.

/// Fewer values say nothing about how much neighbours resemble each other.
const LEAST_NEIGHBOURS: usize = 8;

/// The middle of some values; NaN for none.
pub fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    let count = values.len();
    if count == 0 {
        return f64::NAN;
    }
    let (below, middle, _) = values.select_nth_unstable_by(count / 2, f64::total_cmp);
    let middle = *middle;
    if count % 2 == 1 {
        return middle;
    }
    f64::midpoint(below.iter().copied().fold(f64::NEG_INFINITY, f64::max), middle)
}

/// The change from one value to the next in the long run: the median of the slopes between all pairs (Theil 1950, Sen 1968), which a
/// few values off the line do not move.
pub fn slope(values: &[f64]) -> f64 {
    let of_pairs = |(place, value): (usize, &f64)| {
        let value = *value;
        let later = values[place + 1..].iter().enumerate();
        later.map(move |(beyond, later)| (later - value) / (beyond + 1) as f64)
    };
    let slopes: Vec<f64> = values.iter().enumerate().flat_map(of_pairs).collect();
    if slopes.is_empty() { 0.0 } else { median(&slopes) }
}

/// The values without that change.
pub fn without_slope(values: &[f64], slope: f64) -> Vec<f64> {
    values.iter().enumerate().map(|(place, value)| value - slope * place as f64).collect()
}

/// How much neighbours are alike, at least: the lower end of a standard error around the correlation that the share of neighbours on
/// the same side of the median says, `sin(pi / 2 x mean of sign x sign)`; 0 if that is not above 0.
pub fn likeness(values: &[f64]) -> f64 {
    if values.len() < LEAST_NEIGHBOURS {
        return 0.0;
    }
    let middle = median(values);
    let side = |value: f64| f64::from(i8::from(value > middle) - i8::from(value < middle));
    let pairs = (values.len() - 1) as f64;
    let mean = values.windows(2).map(|pair| side(pair[0]) * side(pair[1])).sum::<f64>() / pairs;
    ((mean - 1.0 / pairs.sqrt()).max(0.0) * std::f64::consts::FRAC_PI_2).sin()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_slopes_ignore_what_is_far_off() {
        assert_eq!([median(&[3.0, 1.0, 2.0]), median(&[4.0, 1.0, 3.0, 2.0])], [2.0, 2.5]);
        assert!(median(&[]).is_nan());
        assert_eq!(slope(&[1.0, 3.0, 5.0, 700.0, 9.0, 11.0]), 2.0);
        assert_eq!(without_slope(&[1.0, 3.0, 5.0], 2.0), [1.0; 3]);
        assert_eq!(slope(&[7.0]), 0.0);
    }

    #[test]
    fn neighbours_are_alike_in_waves_and_not_in_turns() {
        let wave: Vec<f64> = (0..80).map(|place| if place / 10 % 2 == 0 { 1.0 } else { 2.0 }).collect();
        assert!(likeness(&wave) > 0.8, "{}", likeness(&wave));
        let turns: Vec<f64> = (0..80).map(|place| f64::from(place % 2)).collect();
        assert_eq!(likeness(&turns), 0.0);
        assert_eq!([likeness(&[5.0; 80]), likeness(&[1.0, 1.0, 2.0])], [0.0; 2]);
    }
}

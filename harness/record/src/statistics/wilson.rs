/// The 97.5 % quantile of the standard normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// The 95 % confidence interval of a share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ShareInterval {
    /// The lower end, at least 0.
    pub low: f64,
    /// The upper end, at most 1.
    pub high: f64,
}

/// Wilson's score interval for a proportion, without a continuity correction (Wilson 1927; method 3 of Newcombe,
/// "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17, 1998). With `p = right / all`,
/// `n = all` and `z = 1.96`:
///
/// `(p + z²/2n ± z √(p(1−p)/n + z²/4n²)) / (1 + z²/n)`
///
/// It is accurate for few answers and for shares near 0 and 1, where the usual `p ± z √(p(1−p)/n)` is not. `None` when
/// `all` is 0 or less than `right`.
pub fn wilson_interval(right: usize, all: usize) -> Option<ShareInterval> {
    if all == 0 || right > all {
        return None;
    }
    let (n, p) = (all as f64, right as f64 / all as f64);
    let z_squared_share = Z * Z / n;
    let center = p + z_squared_share / 2.0;
    let reach = Z * (p * (1.0 - p) / n + z_squared_share / (4.0 * n)).sqrt();
    let end = |offset: f64| (center + offset) / (1.0 + z_squared_share);
    // At the ends the two parts are equal except for rounding.
    let low = if right == 0 { 0.0 } else { end(-reach) };
    let high = if right == all { 1.0 } else { end(reach) };
    Some(ShareInterval { low, high })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Table I of Newcombe 1998, method 3.
    #[test]
    fn the_published_intervals() {
        for (right, all, low, high) in
            [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)]
        {
            let interval = wilson_interval(right, all).unwrap();
            assert!((interval.low - low).abs() < 5e-5, "{right}/{all}: {interval:?}");
            assert!((interval.high - high).abs() < 5e-5, "{right}/{all}: {interval:?}");
        }
    }

    #[test]
    fn nothing_has_no_share() {
        assert_eq!(wilson_interval(0, 0), None);
        assert_eq!(wilson_interval(2, 1), None);
        assert_eq!(wilson_interval(3, 3).unwrap().high, 1.0);
        assert!(wilson_interval(3, 3).unwrap().low > 0.4);
    }
}

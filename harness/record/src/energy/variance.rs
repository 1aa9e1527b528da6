/// s^2 / n_eff: the effective number of independent values is n / (1 + 2 x sum of the autocorrelations), up to the first
/// that is not positive (Geyer 1992). 0 for fewer than two values, whose spread is unknown.
pub(super) fn variance_of_mean(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    if count < 2.0 {
        return 0.0;
    }
    let mean = values.iter().sum::<f64>() / count;
    let deviations: Vec<f64> = values.iter().map(|value| value - mean).collect();
    let squares: f64 = deviations.iter().map(|deviation| deviation * deviation).sum();
    if squares <= 0.0 {
        return 0.0;
    }
    let correlation =
        |lag: usize| deviations.iter().zip(&deviations[lag..]).map(|(early, late)| early * late).sum::<f64>() / squares;
    let correlated: f64 = (1..values.len()).map(correlation).take_while(|&value| value > 0.0).sum();
    let effective = (count / (1.0 + 2.0 * correlated)).clamp(1.0, count);
    squares / (count - 1.0) / effective
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_follow_each_other_count_less() {
        let independent: Vec<f64> = (0..20).map(|index| f64::from(index % 2)).collect();
        let slow: Vec<f64> = (0..20).map(|index| f64::from(index / 10)).collect();
        let spread = 20.0 * 0.25 / 19.0;
        assert!(
            (variance_of_mean(&independent) - spread / 20.0).abs() < 1e-12,
            "alternating: not positively correlated"
        );
        assert!(variance_of_mean(&slow) > 4.0 * spread / 20.0, "a drift has few independent values");
        assert_eq!(variance_of_mean(&[1.0]), 0.0);
        assert_eq!(variance_of_mean(&[2.0, 2.0]), 0.0);
    }
}

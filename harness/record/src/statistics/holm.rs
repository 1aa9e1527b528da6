//! Several tests at once.

/// Holm's adjusted p-values (Holm 1979): those that are at most `level` can all be rejected, and the probability that any
/// of the rejected hypotheses is true stays below `level`, however the tests depend on each other.
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&left, &right| p_values[left].total_cmp(&p_values[right]));
    let mut adjusted = vec![1.0; p_values.len()];
    let mut largest = 0.0_f64;
    for (rank, &index) in order.iter().enumerate() {
        largest = largest.max(p_values[index] * (p_values.len() - rank) as f64).min(1.0);
        adjusted[index] = largest;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p_values_are_adjusted_as_in_r() {
        // p.adjust(c(0.01, 0.02, 0.03, 0.005), "holm")
        let adjusted = holm(&[0.01, 0.02, 0.03, 0.005]);
        for (found, expected) in adjusted.iter().zip([0.03, 0.04, 0.04, 0.02]) {
            assert!((found - expected).abs() < 1e-12, "{adjusted:?}");
        }
        assert_eq!(holm(&[]), [0.0; 0]);
        assert_eq!(holm(&[0.9, 0.8]), [1.0, 1.0]);
    }
}

//! Wilcoxon's signed-rank test and what follows from it: Hodges and Lehmann's estimate and Tukey's interval (Hollander, Wolfe and
//! Chicken, Nonparametric Statistical Methods, 3.1 to 3.3).

/// The estimate: the median of the means of all pairs, each value with itself included.
pub(super) fn centre(values: &[f64]) -> f64 {
    let walsh = walsh_averages(values);
    match walsh.len() {
        0 => f64::NAN,
        even if even.is_multiple_of(2) => f64::midpoint(walsh[even / 2 - 1], walsh[even / 2]),
        odd => walsh[odd / 2],
    }
}

/// The interval with at least this confidence; unbounded where there are too few values for it.
pub(super) fn interval(values: &[f64], confidence: f64) -> (f64, f64) {
    let walsh = walsh_averages(values);
    let tail = (1.0 - confidence) / 2.0;
    let mut cumulative = 0.0;
    // So many of the averages are left out at each end.
    let outside = null_distribution(values.len()).into_iter().take_while(|probability| {
        cumulative += probability;
        cumulative <= tail
    });
    match outside.count().checked_sub(1) {
        Some(outside) => (walsh[outside], walsh[walsh.len() - 1 - outside]),
        None => (f64::NEG_INFINITY, f64::INFINITY),
    }
}

/// Twice the probability that values around 0 or below would have such a sum of ranks above 0.
pub(super) fn p_above(values: &[f64]) -> f64 {
    // A value of exactly 0 speaks for neither side.
    let mut signed: Vec<f64> = values.iter().copied().filter(|value| *value != 0.0).collect();
    signed.sort_by(|left, right| left.abs().total_cmp(&right.abs()));
    let mut positive = 0.0;
    let mut first = 0;
    for group in signed.chunk_by(|left, right| left.abs() == right.abs()) {
        // Equal ones share the mean of their ranks.
        let rank = first as f64 + (group.len() + 1) as f64 / 2.0;
        positive += rank * group.iter().filter(|value| **value > 0.0).count() as f64;
        first += group.len();
    }
    let at_least = positive.floor() as usize;
    let tail: f64 = null_distribution(signed.len()).iter().skip(at_least).sum();
    (2.0 * tail).min(1.0)
}

/// Of each sum of positive ranks, from 0 to n (n + 1) / 2, its probability where every sign is a toss of a coin.
fn null_distribution(count: usize) -> Vec<f64> {
    let mut probabilities = vec![0.0; count * (count + 1) / 2 + 1];
    probabilities[0] = 1.0;
    for rank in 1..=count {
        let highest = rank * (rank + 1) / 2;
        for sum in (0..=highest).rev() {
            let with = sum.checked_sub(rank).map_or(0.0, |rest| probabilities[rest]);
            probabilities[sum] = f64::midpoint(probabilities[sum], with);
        }
    }
    probabilities
}

fn walsh_averages(values: &[f64]) -> Vec<f64> {
    let mut averages = Vec::with_capacity(values.len() * (values.len() + 1) / 2);
    for (index, &first) in values.iter().enumerate() {
        averages.extend(values[index..].iter().map(|&second| f64::midpoint(first, second)));
    }
    averages.sort_by(f64::total_cmp);
    averages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distribution_is_that_of_published_tables() {
        // Hollander and Wolfe, table A.4: P(W >= 21) = 1/64 for n = 6; P(W >= 47) = 0.024 for n = 10.
        let tail = |count: usize, from: usize| null_distribution(count)[from..].iter().sum::<f64>();
        assert!((tail(6, 21) - 1.0 / 64.0).abs() < 1e-15);
        assert!((tail(10, 47) - 0.024).abs() < 5e-4);
        assert!((null_distribution(40).iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn estimate_and_interval_agree_with_r() {
        // wilcox.test(x, conf.int = TRUE, conf.level = 0.95, exact = TRUE)
        let depression = [0.952, -0.147, 1.022, 0.430, 0.620, 0.590, 0.490, -0.080, 0.010];
        assert!((centre(&depression) - 0.46).abs() < 1e-9, "{}", centre(&depression));
        let (low, high) = interval(&depression, 0.95);
        assert!((low - 0.010).abs() < 1e-9 && (high - 0.786).abs() < 1e-9, "{low} {high}");
        assert!((p_above(&depression) - 0.039_062_5).abs() < 1e-12, "{}", p_above(&depression));
    }

    #[test]
    fn few_values_are_sure_of_nothing() {
        assert_eq!(interval(&[1.0, 2.0, 3.0], 0.95), (f64::NEG_INFINITY, f64::INFINITY));
        assert_eq!(p_above(&[1.0, 2.0, 3.0]), 0.25);
        assert_eq!(p_above(&[0.0, 0.0]), 1.0, "no difference at all");
    }
}

//! Two things measured in the same blocks: how far apart they are, and how sure that is.

use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

use super::signed_rank;

/// From so many blocks on, the signed-rank test can reach the levels that a family of comparisons needs: with `n` blocks it
/// gives no p below 2^(1 - n), so with these it can decide in families of up to 147 chains (eight columns without energy).
const SIGNED_RANK_BLOCKS: usize = 15;

/// Differences between two cases, one for each block in which both were measured, in the order of the blocks.
///
/// The two are measured one right after the other, in an order that was drawn by lot. If nothing sets them apart, each difference
/// is therefore as likely to be positive as negative, however the device drifts, and the signed-rank test is exact
/// (Hollander, Wolfe and Chicken, Nonparametric Statistical Methods, 3.1 to 3.3). With few blocks it cannot reach a small
/// p, and Student's t takes its place: on symmetric differences with long tails it errs on the safe side (Benjamini 1983).
/// Which of the two is used follows from the number of blocks alone.
#[derive(Clone, Debug, PartialEq)]
pub struct Paired {
    /// In order of size.
    sorted: Vec<f64>,
    /// Where they are centred.
    difference: f64,
    /// Standard deviation of a block's difference.
    deviation: f64,
    /// How far blocks scatter: their standard deviation, or by ranks that of normal blocks which would have the same 95 % interval.
    scatter: f64,
    /// The variance of what the blocks cannot show, such as a meter's own uncertainty.
    beyond_blocks: f64,
}

impl Paired {
    /// `None` for fewer than two differences, or if one is not finite.
    pub fn new(differences: &[f64]) -> Option<Self> {
        if differences.len() < 2 || differences.iter().any(|difference| !difference.is_finite()) {
            return None;
        }
        let mut sorted = differences.to_vec();
        sorted.sort_by(f64::total_cmp);
        let count = sorted.len() as f64;
        let mean = sorted.iter().sum::<f64>() / count;
        let squares: f64 = sorted.iter().map(|difference| (difference - mean).powi(2)).sum();
        let deviation = (squares / (count - 1.0)).sqrt();
        let (difference, scatter) = if is_by_rank(sorted.len()) {
            let (low, high) = signed_rank::interval(&sorted, 0.95);
            (signed_rank::centre(&sorted), (high - low) / 2.0 * count.sqrt() / student_quantile(count - 1.0, 0.975))
        } else {
            (mean, deviation)
        };
        Some(Self { sorted, difference, deviation, scatter, beyond_blocks: 0.0 })
    }

    /// The same with a further, independent standard uncertainty of the whole difference.
    #[must_use]
    pub fn with_uncertainty(mut self, standard: f64) -> Self {
        self.beyond_blocks += standard.powi(2);
        self
    }

    /// Number of blocks.
    pub fn blocks(&self) -> usize {
        self.sorted.len()
    }

    /// The difference: the mean, or from 15 blocks on the median of the means of all pairs of blocks (Hodges and Lehmann 1963).
    pub fn difference(&self) -> f64 {
        self.difference
    }

    /// The interval that contains the true difference with this confidence.
    pub fn interval(&self, confidence: f64) -> (f64, f64) {
        let centre = self.difference;
        let (low, high) = if is_by_rank(self.blocks()) {
            signed_rank::interval(&self.sorted, confidence)
        } else {
            let half = self.quantile(f64::midpoint(1.0, confidence)) * self.standard_error();
            (centre - half, centre + half)
        };
        if self.beyond_blocks <= 0.0 {
            return (low, high);
        }
        // Both are independent: the widths add up like standard deviations.
        let more = normal_quantile(confidence) * self.beyond_blocks.sqrt();
        (centre - (centre - low).hypot(more), centre + (high - centre).hypot(more))
    }

    /// How likely a difference like this one is where the true one is at most `margin` either way: the p-value of a two-sided test. The
    /// p-value of "no difference" with a margin of 0.
    pub fn p_beyond(&self, margin: f64) -> f64 {
        let centre = self.difference;
        if centre.abs() <= margin {
            return 1.0;
        }
        // On the side of the difference; a margin on the other side is further away.
        let shifted: Vec<f64> = self.sorted.iter().map(|value| (value * centre.signum()) - margin).collect();
        if is_by_rank(self.blocks()) && self.beyond_blocks <= 0.0 {
            return signed_rank::p_above(&shifted);
        }
        let error = self.standard_error().hypot(self.beyond_blocks.sqrt());
        let distance = centre.abs() - margin;
        if error <= 0.0 {
            // The same in every block: chance alone would give all of them one sign with this probability.
            return least_p(self.blocks());
        }
        (2.0 * (1.0 - self.cumulative(distance / error))).clamp(0.0, 1.0)
    }

    /// Half the width that the interval would have in so many blocks, were they to scatter as these do. Unbounded where ranks of so
    /// many blocks cannot reach this confidence.
    pub fn half_width_in(&self, blocks: usize, confidence: f64) -> f64 {
        if blocks < 2 || is_by_rank(blocks) && least_p(blocks) > 1.0 - confidence {
            return f64::INFINITY;
        }
        let quantile = student_quantile((blocks - 1) as f64, f64::midpoint(1.0, confidence));
        let own = quantile * self.scatter / (blocks as f64).sqrt();
        own.hypot(normal_quantile(confidence) * self.beyond_blocks.sqrt())
    }

    /// Standard deviation of a block's difference.
    pub fn deviation(&self) -> f64 {
        self.deviation
    }

    fn standard_error(&self) -> f64 {
        self.deviation / (self.blocks() as f64).sqrt()
    }

    fn quantile(&self, probability: f64) -> f64 {
        student_quantile(self.freedom(), probability)
    }

    fn freedom(&self) -> f64 {
        (self.blocks() - 1) as f64
    }

    fn cumulative(&self, value: f64) -> f64 {
        StudentsT::new(0.0, 1.0, self.freedom()).map_or(0.5, |student| student.cdf(value))
    }
}

fn is_by_rank(blocks: usize) -> bool {
    blocks >= SIGNED_RANK_BLOCKS
}

/// The p-value of blocks that all have the same sign, were each sign a toss of a coin.
fn least_p(blocks: usize) -> f64 {
    2.0 * 0.5_f64.powi(i32::try_from(blocks).unwrap_or(i32::MAX))
}

/// Half the width of the 95 % interval of a mean, from the standard deviation of so many observations.
pub(crate) fn student_half(deviation: f64, count: u64) -> f64 {
    student_quantile(count.saturating_sub(1) as f64, 0.975) * deviation / (count as f64).sqrt()
}

/// A quantile of Student's distribution with so many degrees of freedom, for a probability from 0 to 1.
pub fn student_quantile(freedom: f64, probability: f64) -> f64 {
    StudentsT::new(0.0, 1.0, freedom).map_or(f64::INFINITY, |student| student.inverse_cdf(probability))
}

/// The standard deviation of values whose mean is known to be 0.
pub(crate) fn root_mean_square(values: &[f64]) -> f64 {
    (values.iter().map(|value| value.powi(2)).sum::<f64>() / values.len().max(1) as f64).sqrt()
}

/// Half the width of the interval of a standard normal variable.
fn normal_quantile(confidence: f64) -> f64 {
    Normal::new(0.0, 1.0).map_or(f64::INFINITY, |normal| normal.inverse_cdf(f64::midpoint(1.0, confidence)))
}

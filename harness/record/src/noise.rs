//! What two measurements of the same thing differ by.

use crate::{
    Absent, AbsentKind, BlockValues, MOST_BLOCKS, MetricId, Record, Statistic, block_values,
    statistics::{root_mean_square, student_quantile},
};

/// The noise of a metric on a device.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MeasuredNoise {
    /// Standard deviation of the natural logarithm of a block's ratio.
    pub of_block: f64,
    /// Blocks from which it was computed.
    pub blocks: usize,
    /// Standard deviation of the natural logarithm of the ratio of two runs of so many blocks as a run has.
    pub between_runs: f64,
    /// Pairs of runs from which it was computed, as many as are independent of each other.
    pub pairs: usize,
}

/// The noise of a metric, from the blocks of two cases that are the same thing. A run is taken to be `run` blocks that follow
/// each other; every two of them are compared.
///
/// # Errors
/// Why there is none.
pub fn measured_noise(one: &Record, other: &Record, metric: MetricId, run: usize) -> Result<MeasuredNoise, Absent> {
    let (one, other) = (logarithms(one, metric)?, logarithms(other, metric)?);
    let ratios: Vec<f64> = one.iter().filter_map(|(block, value)| Some(value.0 - other.get(block)?.0)).collect();
    let runs = [&one, &other].map(|values| runs(values, run));
    let between: Vec<f64> = runs.iter().flat_map(|runs| differences(runs)).collect();
    let pairs = runs.iter().map(|runs| runs.len().saturating_sub(1)).sum();
    if ratios.len() < 2 || pairs < 2 {
        return Err(AbsentKind::FewBlocks.into());
    }
    Ok(MeasuredNoise {
        of_block: root_mean_square(&ratios),
        blocks: ratios.len(),
        between_runs: root_mean_square(&between),
        pairs,
    })
}

fn logarithms(record: &Record, metric: MetricId) -> Result<BlockValues, Absent> {
    let mut values = block_values(record, metric, Statistic::Median)?;
    if values.values().any(|(value, _)| *value <= 0.0) {
        return Err(AbsentKind::NoRatio.into());
    }
    values.values_mut().for_each(|(value, _)| *value = value.ln());
    Ok(values)
}

/// The means of whole runs.
fn runs(values: &BlockValues, run: usize) -> Vec<f64> {
    let values: Vec<f64> = values.values().map(|(value, _)| *value).collect();
    values.chunks_exact(run.max(1)).map(|run| run.iter().sum::<f64>() / run.len() as f64).collect()
}

fn differences(runs: &[f64]) -> Vec<f64> {
    (1..runs.len()).flat_map(|later| (0..later).map(move |earlier| runs[later] - runs[earlier])).collect()
}

/// The smallest true difference, as a share, that so many blocks show with a probability of 95 % beyond a margin, where a block's ratio
/// has this standard deviation of its logarithm and a verdict needs a p-value of `level`.
pub fn detectable_in(deviation: f64, blocks: usize, margin: f64, level: f64) -> Option<f64> {
    let freedom = blocks.checked_sub(1).filter(|freedom| *freedom > 0)? as f64;
    let quantiles = student_quantile(freedom, 1.0 - level / 2.0) + student_quantile(freedom, 0.95);
    Some((margin.ln_1p() + quantiles * deviation / (blocks as f64).sqrt()).exp_m1()).filter(|effect| effect.is_finite())
}

/// The fewest blocks that show such a difference; `None` if a case cannot have so many.
pub fn blocks_to_detect(effect: f64, deviation: f64, margin: f64, level: f64) -> Option<usize> {
    let is_shown = |blocks: usize| detectable_in(deviation, blocks, margin, level).is_some_and(|least| least <= effect);
    let (mut too_few, mut enough) = (1, MOST_BLOCKS as usize);
    if !is_shown(enough) {
        return None;
    }
    while enough - too_few > 1 {
        let middle = usize::midpoint(too_few, enough);
        if is_shown(middle) { enough = middle } else { too_few = middle }
    }
    Some(enough)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_blocks_that_follow_each_other() {
        let values: BlockValues = (1..=7_u32).map(|block| (block, (f64::from(block), 0.0))).collect();
        assert_eq!(runs(&values, 3), [2.0, 5.0], "the last block is no run");
        assert_eq!(differences(&[2.0, 5.0, 9.0]), [3.0, 7.0, 4.0]);
        assert!(differences(&runs(&values, 0)).len() == 21, "a run has a block at least");
    }

    #[test]
    fn more_blocks_show_smaller_differences() {
        let in_blocks = |blocks: usize| detectable_in(0.02, blocks, 0.01, 0.01).unwrap();
        assert!(in_blocks(5) > in_blocks(20) && in_blocks(20) > in_blocks(80));
        // qt(0.995, 19) + qt(0.95, 19) = 2.8609 + 1.7291
        assert!((in_blocks(20) - (1.01 * (4.59 * 0.02 / 20_f64.sqrt()).exp() - 1.0)).abs() < 1e-4, "{}", in_blocks(20));
        assert_eq!(detectable_in(0.02, 1, 0.01, 0.01), None);
        let enough = blocks_to_detect(0.05, 0.02, 0.01, 0.01).unwrap();
        assert!(in_blocks(enough) <= 0.05 && in_blocks(enough - 1) > 0.05, "{enough}");
        assert_eq!(blocks_to_detect(0.01, 0.02, 0.01, 0.01), None, "the margin is no difference");
    }
}

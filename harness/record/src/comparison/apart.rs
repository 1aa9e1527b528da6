//! The ratio of a metric in two cases that were not measured together.

use crate::{
    Absent, AbsentKind, MetricId, Record, Statistic, UnpairedRatio, block_values,
    estimate::{LEAST_VALUES, rounds},
};

/// The ratio over the blocks of each case, or over its rounds where one process measured it.
pub(super) fn apart_ratio(baseline: &Record, candidate: &Record, metric: MetricId) -> Result<UnpairedRatio, Absent> {
    let (baseline, candidate) = (values(baseline, metric)?, values(candidate, metric)?);
    let numbers = |values: &[(f64, f64)]| values.iter().map(|(value, _)| *value).collect::<Vec<_>>();
    let ratio = UnpairedRatio::of(&numbers(&baseline), &numbers(&candidate)).ok_or(AbsentKind::NoRatio)?;
    Ok(ratio.with_uncertainty(meter(&baseline).hypot(meter(&candidate))))
}

/// What a case shows by itself: the number of each block or round, with the 95 % uncertainty of its meter.
fn values(record: &Record, metric: MetricId) -> Result<Vec<(f64, f64)>, Absent> {
    let found: Vec<(f64, f64)> = if record.samples.blocks.is_empty() {
        if let Some(absent) = record.value(metric).ok_or(AbsentKind::NotInRecord)?.absent() {
            return Err(absent.clone());
        }
        let rounds = rounds(record, metric, Statistic::Median).ok_or(AbsentKind::FewRounds)?;
        rounds.into_iter().map(|value| (value, 0.0)).collect()
    } else {
        block_values(record, metric, Statistic::Median)?.into_values().collect()
    };
    if found.len() < LEAST_VALUES { Err(AbsentKind::FewRounds.into()) } else { Ok(found) }
}

/// The relative standard uncertainty of a meter, which may be the same in every block.
fn meter(values: &[(f64, f64)]) -> f64 {
    let variance = values.iter().map(|(value, uncertainty)| (uncertainty / 2.0 / value.abs()).powi(2)).sum::<f64>();
    (variance / values.len() as f64).sqrt()
}

use crate::{
    Absent, AbsentKind, MetricId, MetricValue, Paired, Record, Share, Statistic, Summary, Value, block_values,
    metrics::Observe, share, statistics::student_half,
};

/// A number of a case with its range, by which cases are compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The value that is shown, in the metric's unit.
    pub value: f64,
    /// The ends of the 95 % interval; absent where one observation has none.
    pub range: Option<(f64, f64)>,
    /// The number of questions, if the number is a share; its range is then Wilson's interval, which is not symmetric.
    pub questions: Option<usize>,
}

/// Blocks or rounds from which an interval is computed: that of two is thirteen times as wide as their distance.
pub(crate) const LEAST_VALUES: usize = 3;

impl Estimate {
    /// A number and its range.
    pub fn between(value: f64, range: Option<(f64, f64)>) -> Self {
        Self { value, range, questions: None }
    }

    /// A number and half the width of its 95 % interval.
    pub fn plus_minus(value: f64, half: f64) -> Self {
        Self::between(value, Some((value - half, value + half)))
    }

    /// The median of observations, with the 95 % interval of Student's t if there are at least three.
    pub fn of_observations(summary: &Summary) -> Self {
        let enough = summary.count >= LEAST_VALUES as u64;
        let half =
            summary.standard_deviation.filter(|_| enough).map(|deviation| student_half(deviation, summary.count));
        half.map_or(Self::between(summary.median, None), |half| Self::plus_minus(summary.median, half))
    }

    /// A share of right answers and its 95 % Wilson interval.
    pub fn of_share(share: Share) -> Self {
        let interval = share.interval().map(|interval| (interval.low, interval.high));
        Self { value: share.value(), range: interval, questions: Some(share.questions) }
    }
}

impl MetricValue {
    /// The number with its stored 95 % interval, or with that of its observations.
    ///
    /// # Errors
    /// Why there is no number.
    pub fn estimate(&self) -> Result<Estimate, Absent> {
        match (&self.value, self.uncertainty) {
            (Value::Measured(summary), Some(half)) => Ok(Estimate::plus_minus(summary.mean, half)),
            (Value::Measured(summary), None) => Ok(Estimate::of_observations(summary)),
            (Value::Absent(absent), _) => Err(absent.clone()),
        }
    }
}

/// A metric of a record, with its 95 % interval: that of the blocks in which the case was measured, or of the rounds of one process
/// where there were none. For an energy metric, the value of the preferred scope.
///
/// # Errors
/// Why there is no number.
pub fn estimate(record: &Record, metric: impl Into<MetricId>, statistic: Statistic) -> Result<Estimate, Absent> {
    let metric = metric.into();
    let found = record.value(metric).ok_or(AbsentKind::NotInRecord)?;
    let summary = match &found.value {
        Value::Measured(summary) => summary,
        Value::Absent(absent) => return Err(absent.clone()),
    };
    let value = statistic.of(summary);
    if let Some(half) = found.uncertainty {
        return Ok(Estimate::plus_minus(value, half));
    }
    let share = share(&record.calls, metric).map(Estimate::of_share);
    Ok(share.unwrap_or_else(|| Estimate::between(value, interval(record, metric, statistic, value))))
}

/// The interval of the blocks or rounds, moved so that it belongs to `value`. `None` for a metric that is observed once, for a
/// single block or round, and if one of them has no number.
fn interval(record: &Record, metric: MetricId, statistic: Statistic, value: f64) -> Option<(f64, f64)> {
    let parts = match record.samples.blocks.is_empty() {
        true => rounds(record, metric, statistic)?,
        false => block_values(record, metric, statistic).ok()?.into_values().map(|(value, _)| value).collect(),
    };
    let (low, high) = mean_interval(&parts)?;
    let middle = f64::midpoint(low, high);
    Some((value - (middle - low), value + (high - middle)))
}

/// A metric in each round of a case. `None` for one that is observed once, and if a round has no number.
pub(crate) fn rounds(record: &Record, metric: MetricId, statistic: Statistic) -> Option<Vec<f64>> {
    let Observe::Iterations(observe) = metric.definition().observe else { return None };
    let of_round = |round: &Vec<_>| {
        let observations = observe(&record.passport, round).ok()?;
        Some(statistic.of(&Summary::of(&observations)?))
    };
    record.samples.rounds().iter().map(of_round).collect()
}

/// The 95 % interval of what such numbers are around; none for fewer than three, which say nothing about it. [`Paired`] says by
/// which method.
fn mean_interval(values: &[f64]) -> Option<(f64, f64)> {
    if values.len() < LEAST_VALUES {
        return None;
    }
    let (low, high) = Paired::new(values)?.interval(0.95);
    (low.is_finite() && high.is_finite()).then_some((low, high))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SpeedMetric, derive, energy::simulation};

    fn measured(gaps: &[u64], conversations: u32) -> Record {
        let mut record = simulation::record();
        let gaps = gaps.iter().enumerate();
        record.samples.iterations =
            gaps.map(|(index, gap)| simulation::decoding(*gap, index as u32 % conversations)).collect();
        derive(&mut record);
        record
    }

    fn gap(record: &Record) -> Estimate {
        estimate(record, SpeedMetric::InterTokenLatency, Statistic::Median).unwrap()
    }

    #[test]
    fn a_number_has_the_interval_of_its_rounds() {
        let record = measured(&[190, 210, 200], 1);
        let (low, high) = gap(&record).range.unwrap();
        // Student's t with 2 degrees of freedom: 4.303 x 10 / sqrt(3).
        assert!((low - 175.159).abs() < 1e-3 && (high - 224.841).abs() < 1e-3, "{low} {high}");
        let p99 = estimate(&record, SpeedMetric::InterTokenLatency, Statistic::P99).unwrap();
        assert!((p99.range.unwrap().1 - p99.range.unwrap().0 - (high - low)).abs() < 1e-9, "the same in every round");
        assert_eq!(gap(&measured(&[100, 300], 1)).range, None, "two say nothing about what they are around");
    }

    #[test]
    fn conversations_of_one_round_are_no_spread() {
        assert_eq!(gap(&measured(&[100, 300], 2)).range, None);
        let (low, high) = gap(&measured(&[100, 300, 200, 400, 150, 350], 2)).range.unwrap();
        // The medians of the rounds are 200, 300 and 250.
        assert!((high - low - 2.0 * 124.207).abs() < 1e-2, "{low} {high}");
    }

    #[test]
    fn what_is_observed_once_has_no_range() {
        let record = measured(&[100, 300, 200], 1);
        let first = estimate(&record, SpeedMetric::FirstTokenAfterLoad, Statistic::Median).unwrap();
        assert_eq!(first, Estimate::between(10.0, None));
        let absent = estimate(&record, SpeedMetric::LoadTime, Statistic::Median).unwrap_err();
        assert_eq!(absent.kind, AbsentKind::NotLoaded);
    }
}

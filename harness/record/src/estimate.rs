use crate::{Absent, AbsentKind, MetricId, MetricValue, Record, Share, Summary, Value, metrics::Observe, share};

/// A number of a case with its range, by which cases are compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The value that is shown, in the metric's unit.
    pub value: f64,
    /// Lowest and highest round, or the ends of the 95 % interval; absent where there is only one observation.
    pub range: Option<(f64, f64)>,
    /// The number of questions, if the number is a share; its range is then Wilson's interval, which is not symmetric.
    pub questions: Option<usize>,
}

/// The part of a metric's summary that is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistic {
    /// The middle observation.
    Median,
    /// The value that a tenth of all observations exceed.
    P90,
    /// The value that a hundredth of all observations exceed.
    P99,
}

impl Statistic {
    /// From observations.
    pub fn of(self, summary: &Summary) -> f64 {
        match self {
            Self::Median => summary.median,
            Self::P90 => summary.p90,
            Self::P99 => summary.p99,
        }
    }
}

impl Estimate {
    /// A number and its range.
    pub fn between(value: f64, range: Option<(f64, f64)>) -> Self {
        Self { value, range, questions: None }
    }

    /// A number and half the width of its 95 % interval.
    pub fn plus_minus(value: f64, half: f64) -> Self {
        Self::between(value, Some((value - half, value + half)))
    }

    /// The median of observations; with their minimum and maximum if there are several.
    pub fn of_observations(summary: &Summary) -> Self {
        Self::between(summary.median, (summary.count > 1).then_some((summary.minimum, summary.maximum)))
    }

    /// A share of right answers and its 95 % Wilson interval.
    pub fn of_share(share: Share) -> Self {
        let interval = share.interval().map(|interval| (interval.low, interval.high));
        Self { value: share.value(), range: interval, questions: Some(share.questions) }
    }
}

impl MetricValue {
    /// The number with its 95 % interval; without one, the median of its observations and their extremes.
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

/// A metric of a record: with its lowest and highest round if it is observed in each round, or with its 95 % interval
/// if it has one. For an energy metric, the value of the preferred scope.
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
    Ok(share.unwrap_or_else(|| Estimate::between(value, range_of_rounds(record, metric, statistic))))
}

/// The lowest and the highest round. `None` for a metric that is observed once in a case, for a single round, and if a
/// round has no number.
fn range_of_rounds(record: &Record, metric: MetricId, statistic: Statistic) -> Option<(f64, f64)> {
    let Observe::Iterations(observe) = metric.definition().observe else { return None };
    let rounds = record.samples.rounds();
    if rounds.len() < 2 {
        return None;
    }
    let of_round = |round: &Vec<_>| {
        let observations = observe(&record.passport, round).ok()?;
        Some(statistic.of(&Summary::of(&observations)?))
    };
    let values: Vec<f64> = rounds.iter().map(of_round).collect::<Option<_>>()?;
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    Some((low, values.iter().copied().fold(f64::NEG_INFINITY, f64::max)))
}

#[cfg(test)]
mod tests {
    use pocketwatt_protocol::{Iteration, IterationKind, MonotonicNs, StopReason, TokenId, TurnTrace};

    use super::*;
    use crate::{SpeedMetric, derive, energy::simulation};

    /// A turn that decodes three tokens, with this many nanoseconds between them.
    fn iteration(gap: u64, conversation: u32) -> Iteration {
        let turn = TurnTrace {
            context_tokens: 0,
            prompt_tokens: 2,
            start: MonotonicNs(0),
            prefill_end: MonotonicNs(10),
            token_times: (0..3).map(|token| MonotonicNs(10 + token * gap)).collect(),
            tokens: vec![TokenId(1); 3],
            stop: StopReason::Length,
            grammar_ns: None,
        };
        Iteration { kind: IterationKind::Measured, conversation, turns: vec![turn], cpu_ns: 5, kv_cache_bytes: 7 }
    }

    fn measured(gaps: &[u64], conversations: u32) -> Record {
        let mut record = simulation::record();
        let gaps = gaps.iter().enumerate();
        record.samples.iterations = gaps.map(|(index, gap)| iteration(*gap, index as u32 % conversations)).collect();
        derive(&mut record);
        record
    }

    fn gap(record: &Record) -> Estimate {
        estimate(record, SpeedMetric::InterTokenLatency, Statistic::Median).unwrap()
    }

    #[test]
    fn a_number_lies_between_its_lowest_and_highest_round() {
        let record = measured(&[100, 300, 200], 1);
        assert_eq!(gap(&record), Estimate::between(200.0, Some((100.0, 300.0))));
        let p99 = estimate(&record, SpeedMetric::InterTokenLatency, Statistic::P99).unwrap();
        assert_eq!(p99.range, Some((100.0, 300.0)));
    }

    #[test]
    fn conversations_of_one_round_are_no_spread() {
        assert_eq!(gap(&measured(&[100, 300], 2)).range, None);
        assert_eq!(gap(&measured(&[100, 300, 200, 400], 2)).range, Some((200.0, 300.0)));
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

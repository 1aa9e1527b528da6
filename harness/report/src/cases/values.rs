//! A case's numbers, each with the range of its iterations.

use pocketwatt_record::{
    Absent, AbsentKind, MetricId, Outcome, Record, Samples, SpeedMetric, Summary, Value, derive_metrics,
};

use crate::{
    cases::{physics, share},
    table::Estimate,
};

/// What is shown of a metric's summary.
#[derive(Clone, Copy)]
pub enum Statistic {
    /// The middle observation.
    Median,
    /// The one that a tenth of all exceed.
    P90,
    /// The one that a hundredth of all exceed.
    P99,
}

/// A case's metrics, and the same metrics for each of its iterations alone; where iterations have different conversations,
/// for each time that all of them were had.
pub struct Values<'a> {
    /// The case.
    pub record: &'a Record,
    iterations: Vec<Record>,
}

impl<'a> Values<'a> {
    /// Derives the metrics of each iteration.
    pub fn of(record: &'a Record) -> Self {
        let iterations = record
            .samples
            .rounds()
            .into_iter()
            .map(|round| {
                let mut alone = Record {
                    format: record.format,
                    case: record.case.clone(),
                    passport: record.passport.clone(),
                    outcome: record.outcome.clone(),
                    samples: Samples { loaded: None, iterations: round.into_iter().cloned().collect() },
                    readings: Default::default(),
                    quality: None,
                    calls: Vec::new(),
                    unjudged: record.unjudged.clone(),
                    energy: Vec::new(),
                    metrics: Vec::new(),
                    checks: Vec::new(),
                };
                alone.metrics = derive_metrics(&alone);
                alone
            })
            .collect();
        Self { record, iterations }
    }

    /// Whether there are numbers.
    pub fn measured(&self) -> bool {
        self.record.outcome == Outcome::Measured
    }

    /// A number and the range of its iterations; of a metric of energy, that of the preferred scope and its uncertainty.
    ///
    /// # Errors
    /// Why there is none.
    pub fn estimate(&self, metric: impl Into<MetricId>, statistic: Statistic) -> Result<Estimate, Absent> {
        let metric = metric.into();
        match self.record.value(metric).map(|found| (&found.value, found.uncertainty)) {
            Some((Value::Measured(summary), Some(half))) => {
                let value = statistic.value_in(summary);
                Ok(Estimate::between(value, Some((value - half, value + half))))
            }
            Some((Value::Measured(summary), None)) => {
                let range = self.range(metric, statistic);
                let estimate = Estimate::between(statistic.value_in(summary), range);
                Ok(share(self.record, metric).map_or(estimate, |share| share.estimate()))
            }
            Some((Value::Absent(absent), _)) => Err(physics::explained(absent)),
            None => Err(AbsentKind::NotInRecord.into()),
        }
    }

    /// Lowest and highest iteration; nothing for what is observed once in a case.
    fn range(&self, metric: MetricId, statistic: Statistic) -> Option<(f64, f64)> {
        // The first token after loading exists once, although each iteration taken alone seems to have one.
        if metric == SpeedMetric::FirstTokenAfterLoad.into() || self.iterations.len() < 2 {
            return None;
        }
        let values: Vec<f64> = self
            .iterations
            .iter()
            .map(|iteration| iteration.summary(metric).map(|summary| statistic.value_in(summary)))
            .collect::<Option<_>>()?;
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        Some((low, values.iter().copied().fold(f64::NEG_INFINITY, f64::max)))
    }
}

impl Statistic {
    fn value_in(self, summary: &Summary) -> f64 {
        match self {
            Self::Median => summary.median,
            Self::P90 => summary.p90,
            Self::P99 => summary.p99,
        }
    }
}

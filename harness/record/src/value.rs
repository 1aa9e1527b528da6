use std::collections::HashSet;

use pocketwatt_meter::energy::{MeterSource, Scope};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Absent, AbsentKind, MetricId, MetricName, Summary,
    store::shortened,
    stored::{self, StoredKind, StoredValue},
};

/// One metric of one case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "StoredMetric", into = "StoredMetric")]
pub struct MetricValue {
    /// Which one.
    pub metric: MetricName,
    /// For a metric of energy: the scope that it covers. A metric is present once for each scope, the preferred one first.
    pub scope: Option<MetricScope>,
    /// For a metric of energy: half the width of its 95 % interval (coverage factor 2), in the metric's unit.
    pub uncertainty: Option<f64>,
    /// The numbers, or why there are none.
    pub value: Value,
}

/// A number, or the reason why there is none. Never a zero that means "unknown".
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Over all observations of the case.
    Measured(Summary),
    /// Why there is none.
    Absent(Absent),
}

impl MetricValue {
    /// Whether it is a value of this metric.
    pub fn is(&self, metric: impl Into<MetricId>) -> bool {
        self.metric == MetricName::Known(metric.into())
    }

    /// Why there is no number, if there is none.
    pub fn absent(&self) -> Option<&Absent> {
        match &self.value {
            Value::Measured(_) => None,
            Value::Absent(absent) => Some(absent),
        }
    }

    /// The numbers, if there are any.
    pub fn summary(&self) -> Option<&Summary> {
        match &self.value {
            Value::Measured(summary) => Some(summary),
            Value::Absent(_) => None,
        }
    }
}

/// What no metrics of a measured case are: one that is there twice, or a summary that no observations have.
pub(crate) fn impossible_metrics(metrics: &[MetricValue]) -> Option<String> {
    let mut known = HashSet::new();
    metrics.iter().find_map(|metric| {
        let name = shortened(metric.metric.as_str());
        if !known.insert((metric.metric.as_str(), &metric.scope)) {
            return Some(format!("metric {name:?} is there twice"));
        }
        let summary = metric.summary().filter(|summary| !summary.is_possible())?;
        let (minimum, median, maximum) = (summary.minimum, summary.median, summary.maximum);
        Some(format!(
            "no observations have the summary of metric {name:?}: {} from {minimum} to {maximum} with the median {median}",
            summary.count
        ))
    })
}

/// The figure of [`crate::Record::energy`] that a metric was computed from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct MetricScope {
    /// The part of the device.
    pub scope: Scope,
    /// The interface.
    pub source: MeterSource,
    /// Name of the part, for a scope whose parts do not add up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
}

/// One metric of one case.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "MetricValue")]
struct StoredMetric {
    /// Name in the catalogue.
    metric: MetricName,
    /// For a metric of energy: the scope that it covers. A metric is present once for each scope, the preferred one first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scope: Option<MetricScope>,
    /// For a metric of energy: half the width of its 95 % interval (coverage factor 2), in the metric's unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    uncertainty: Option<f64>,
    /// The numbers, or the reason as text.
    value: StoredValue,
    /// The reason for programs; since format 1.6.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    absent: Option<StoredKind>,
}

impl From<StoredMetric> for MetricValue {
    fn from(stored: StoredMetric) -> Self {
        let StoredMetric { metric, scope, uncertainty, value, absent } = stored;
        let value = match value {
            StoredValue::Measured(summary) => Value::Measured(summary),
            StoredValue::Unavailable(words) => Value::Absent(stored::absent(words, absent, AbsentKind::Other)),
        };
        Self { metric, scope, uncertainty, value }
    }
}

impl From<MetricValue> for StoredMetric {
    fn from(found: MetricValue) -> Self {
        let MetricValue { metric, scope, uncertainty, value } = found;
        let (value, absent) = match value {
            Value::Measured(summary) => (StoredValue::Measured(summary), None),
            Value::Absent(absent) => {
                let (words, kind) = stored::parts(&absent);
                (StoredValue::Unavailable(words), Some(kind))
            }
        };
        Self { metric, scope, uncertainty, value, absent }
    }
}

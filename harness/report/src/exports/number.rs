//! The numbers of a record, as other programs take them: one value, and its 95 % interval where it has one.

use pocketwatt_history::EntryMetric;
use pocketwatt_record::{Estimate, Metric, MetricScope, MetricValue, PowerCurve, Record, Statistic, estimate};

use crate::output::inert;

/// A measured metric of a record.
pub struct Number<'a> {
    /// Its entry in the catalogue.
    pub metric: &'static Metric,
    /// The part of the device and the interface, for a metric of energy.
    pub scope: Option<&'a MetricScope>,
    /// The median of all observations, in the metric's unit.
    pub value: f64,
    /// The ends of its 95 % interval; absent where one observation has none.
    pub range: Option<(f64, f64)>,
    /// Number of observations.
    pub count: u64,
}

impl<'a> Number<'a> {
    /// What was found, with the value and the interval that are written of it; nothing where the value is no number.
    fn of(found: &'a MetricValue, value: f64, range: Option<(f64, f64)>) -> Option<Self> {
        let (metric, summary) = (found.metric.id()?.definition(), found.summary()?);
        let range = range.filter(|(low, high)| low.is_finite() && high.is_finite());
        let number = Self { metric, scope: found.scope.as_ref(), value, range, count: summary.count };
        value.is_finite().then_some(number)
    }
}

/// Every number that the record has, in the catalogue's order: metrics of energy once for each scope. Metrics of newer versions are
/// left out, because nobody here knows their unit.
pub fn numbers(record: &Record) -> Vec<Number<'_>> {
    let mut numbers: Vec<Number> = Vec::new();
    for value in &record.metrics {
        let Some(number) = number(record, value) else { continue };
        // A record may be anybody's, and have a metric twice: readers would refuse that.
        let is_same = |other: &Number| other.metric.name == number.metric.name && other.scope == number.scope;
        if !numbers.iter().any(is_same) {
            numbers.push(number);
        }
    }
    numbers
}

/// A number of a record; nothing where it is absent.
pub fn number<'a>(record: &'a Record, found: &'a MetricValue) -> Option<Number<'a>> {
    let (metric, summary) = (found.metric.id()?, found.summary()?);
    let is_preferred = record.value(metric).is_some_and(|first| std::ptr::eq(first, found));
    let Estimate { value, range, .. } = match found.uncertainty {
        Some(half) => Estimate::plus_minus(summary.median, half),
        None if is_preferred => estimate(record, metric, Statistic::Median).ok()?,
        None => Estimate::between(summary.median, None),
    };
    Number::of(found, value, range)
}

/// A number of a history, which keeps the interval beside the summary; nothing where it is absent.
pub fn kept(metric: &EntryMetric) -> Option<Number<'_>> {
    let EntryMetric { observed, range } = metric;
    Number::of(observed, observed.summary()?.median, *range)
}

/// The part of the device and the interface: `package powercap`, `rail hwmon power1`.
pub fn scope_name(scope: &MetricScope) -> String {
    let part = scope.part.as_deref().map_or_else(String::new, |part| format!(" {}", inert::one_line(part)));
    format!("{} {}{part}", scope.scope.name(), scope.source.name())
}

/// The same of a power over time.
pub fn scope_of_curve(curve: &PowerCurve) -> String {
    scope_name(&MetricScope { scope: curve.scope, source: curve.source, part: curve.part.clone() })
}

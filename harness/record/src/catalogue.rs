mod energy;
mod machine;
mod quality;
mod speed;
mod sustained;

use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether more or less of a metric is what a user wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// Less is better.
    LowerIsBetter,
    /// More is better.
    HigherIsBetter,
    /// Neither: context that explains other metrics.
    Informative,
}

/// What a metric's numbers count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Nanoseconds.
    Nanoseconds,
    /// Tokens per second.
    TokensPerSecond,
    /// Bytes.
    Bytes,
    /// A share of one, shown in per cent.
    Fraction,
    /// Processor cores kept busy.
    Cores,
    /// Joules.
    Joules,
    /// Watts.
    Watts,
    /// Joules times seconds.
    JouleSeconds,
    /// Tokens for a watt-hour.
    TokensPerWattHour,
    /// Hours.
    Hours,
    /// Natural units of information.
    Nats,
    /// Degrees Celsius.
    DegreesCelsius,
    /// Hertz.
    Hertz,
    /// A number without a unit.
    One,
}

/// One entry of the metric catalogue: the same words in records, tables, charts and METHODOLOGY.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Name in records.
    pub name: &'static str,
    /// Words in tables.
    pub label: &'static str,
    /// What the numbers count.
    pub unit: Unit,
    /// Which way is better.
    pub direction: Direction,
    /// One observation, in the fields of the protocol's events.
    pub formula: &'static str,
    /// What one observation covers.
    pub observation: &'static str,
}

/// Every metric, in the order of records and tables.
pub fn catalogue() -> &'static [Metric] {
    &CATALOGUE
}

/// The metric of that name.
pub fn metric(name: &str) -> Option<&'static Metric> {
    CATALOGUE.iter().find(|metric| metric.name == name)
}

const fn entry(
    name: &'static str,
    label: &'static str,
    unit: Unit,
    direction: Direction,
    observation: &'static str,
    formula: &'static str,
) -> Metric {
    Metric { name, label, unit, direction, formula, observation }
}

/// In the order of records and tables.
static CATALOGUE: LazyLock<Vec<Metric>> = LazyLock::new(|| {
    [speed::METRICS, quality::METRICS, machine::METRICS, energy::METRICS, sustained::METRICS].concat()
});

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_unique_and_every_metric_says_how_it_is_computed() {
        let names: HashSet<_> = catalogue().iter().map(|metric| metric.name).collect();
        assert_eq!(names.len(), catalogue().len());
        assert!(catalogue().iter().all(|metric| !metric.formula.is_empty() && !metric.observation.is_empty()));
        assert_eq!(metric("decode_throughput").unwrap().direction, Direction::HigherIsBetter);
        assert_eq!(metric("nonsense"), None);
    }
}

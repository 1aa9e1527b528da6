//! The TOML file of a study.

use pocketwatt_files::check_name;
use pocketwatt_protocol::Precision;
use pocketwatt_record::MetricName;
use serde::Deserialize;

use crate::{error::ScenarioError, synthetic};

/// Most threads of a case.
const MOST_THREADS: u32 = 1024;
/// Placeholder for the model that the user may choose.
pub(super) const MODEL: &str = "{model}";

/// The property in which the cases of a series differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Axis {
    /// Models that have no order.
    Model,
    /// Models in the order of their size.
    Parameters,
    /// Number formats.
    Precision,
    /// Numbers of threads.
    Threads,
    /// Lengths of the prompt, in tokens.
    Prompt,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Document {
    pub name: String,
    pub question: String,
    pub axis: Axis,
    pub model: Option<String>,
    #[serde(default)]
    pub models: Vec<Variant>,
    pub scenarios: Vec<String>,
    #[serde(default = "one_precision")]
    pub precisions: Vec<Precision>,
    #[serde(default = "one_thread")]
    pub threads: Vec<u32>,
    /// Whether each number is also shown as a multiple of the first column's.
    #[serde(default)]
    pub ratios: bool,
    #[serde(default)]
    pub remarks: Vec<String>,
    pub show: Vec<Shown>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Variant {
    pub name: String,
    pub label: String,
}

/// A metric that the study's table shows.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shown {
    /// Its name in the catalogue.
    pub metric: MetricName,
    /// Whether it is drawn.
    #[serde(default)]
    pub chart: bool,
    /// Whether a straight line is fitted through its numbers.
    #[serde(default)]
    pub line: bool,
    /// What others published.
    pub published: Option<Published>,
}

/// Published numbers, shown beside ours.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Published {
    /// Their source.
    pub label: String,
    /// Their unit, as shown.
    pub unit: String,
    /// One for each model of the study, in its order.
    #[serde(default)]
    pub values: Vec<f64>,
    /// A slope, for each 10^9 weights.
    pub per_billion_weights: Option<f64>,
}

fn one_precision() -> Vec<Precision> {
    vec![Precision::F32]
}

fn one_thread() -> Vec<u32> {
    vec![1]
}

impl Document {
    /// Reads it, and refuses what makes no sense.
    pub fn parse(definition: &str) -> Result<Self, ScenarioError> {
        let document: Self = toml::from_str(definition).map_err(|error| ScenarioError::malformed(&error))?;
        document.check().map_err(|reason| ScenarioError::Refused(format!("study {:?}: {reason}", document.name)))?;
        Ok(document)
    }

    fn check(&self) -> Result<(), String> {
        // Its chart is named after it.
        check_name(&self.name).map_err(|error| error.to_string())?;
        if self.show.is_empty() {
            return Err("it shows nothing: add a [[show]] table".into());
        }
        if let Some(shown) = self.show.iter().find(|shown| shown.metric.id().is_none()) {
            return Err(format!("there is no metric {:?}", shown.metric.as_str()));
        }
        if self.scenarios.is_empty() || self.precisions.is_empty() || self.threads.is_empty() {
            return Err("scenarios, precisions and threads may not be empty".into());
        }
        if let Some(threads) = self.threads.iter().find(|threads| !(1..=MOST_THREADS).contains(*threads)) {
            return Err(format!("{threads} threads are not from 1 to {MOST_THREADS}"));
        }
        let is_template = self.models.is_empty() || self.models.iter().any(|variant| variant.name.contains(MODEL));
        match (is_template, &self.model) {
            (true, None) => return Err(format!("it needs a model, for {MODEL} to stand for")),
            (false, Some(_)) => return Err(format!("no name of its models contains {MODEL}: remove the key model")),
            _ => {}
        }
        for published in self.show.iter().filter_map(|shown| shown.published.as_ref()) {
            if !published.values.is_empty() && published.values.len() != self.models.len() {
                let (values, models) = (published.values.len(), self.models.len());
                return Err(format!("{:?} has {values} values for {models} models", published.label));
            }
        }
        if self.axis == Axis::Prompt {
            for scenario in &self.scenarios {
                if synthetic::definition(scenario).map_err(|error| error.to_string())?.is_none() {
                    return Err(format!("{scenario:?} does not have the length of its prompt in its name"));
                }
            }
        }
        Ok(())
    }
}

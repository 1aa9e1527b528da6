use pocketwatt_meter::{Bandwidth, CaseReadings};
use pocketwatt_protocol::{BackendInfo, GraphKind, Iteration, Loaded, Stage};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{FormatVersion, Summary};

pub use pocketwatt_protocol::Precision;

/// Everything about one case: what was run, what came out, and the raw samples it was computed from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Record {
    /// Version of this format.
    pub format: FormatVersion,
    /// What was to be measured.
    pub case: Case,
    /// Where every number comes from.
    pub passport: Passport,
    /// Whether it was measured, and if not, why.
    pub outcome: Outcome,
    /// What the runner reported. Kept after a failure too, as far as it came.
    pub samples: Samples,
    /// What was read beside the runner.
    pub readings: CaseReadings,
    /// Derived from `samples` and `readings` by the formulas of the catalogue, in its order; empty unless measured.
    pub metrics: Vec<MetricValue>,
}

/// One combination of scenario, model, backend and settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Case {
    /// Unique in its run and stable across runs of the same plan: also the file name of its record.
    pub id: String,
    /// Name of the scenario.
    pub scenario: String,
    /// Name of the model.
    pub model: String,
    /// Name of the backend.
    pub backend: String,
    /// Number format.
    pub precision: Precision,
    /// Which graph the backend loads; absent for a backend with a model of its own.
    pub graph: Option<GraphKind>,
    /// Threads that compute.
    pub threads: u32,
}

/// Where a record's numbers come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Passport {
    /// Version of the harness.
    pub pocketwatt: String,
    /// When the case began, milliseconds since 1970 UTC. A label: durations come from the monotonic clock.
    pub started_unix_ms: u64,
    /// Who answered; absent only if the runner never greeted.
    pub backend: Option<BackendInfo>,
    /// SHA-256 of the runner program; absent only if there was none to run.
    pub runner_sha256: Option<String>,
    /// The model.
    pub model: ModelPassport,
    /// SHA-256 of the graph file, for a backend that loads one.
    pub graph_sha256: Option<String>,
    /// SHA-256 of the scenario's definition, synthetic scenarios included.
    pub scenario_sha256: String,
    /// The roofline that `model_bandwidth_utilisation` refers to; absent if the probe was not run.
    pub bandwidth: Option<Bandwidth>,
}

/// The model's part of the passport.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ModelPassport {
    /// Its name.
    pub name: String,
    /// In words: `seeded weights (seed 42)`, `imported from ...`.
    pub origin: String,
    /// Whether the weights are random, so that its text means nothing.
    pub seeded: bool,
    /// SHA-256 of `model.safetensors`.
    pub weights_sha256: String,
    /// SHA-256 of `config.json`.
    pub config_sha256: String,
    /// SHA-256 of `tokenizer.json`; absent for a model without one.
    pub tokenizer_sha256: Option<String>,
    /// Number of weights.
    pub parameters: u64,
    /// Bytes of all weights, as stored.
    pub weight_bytes: u64,
    /// Bytes of weights that one decoded token reads, in the case's precision.
    pub weight_bytes_per_token: u64,
    /// Bytes of key-value cache of one position.
    pub kv_bytes_per_token: u64,
}

/// How a case ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// All iterations were run.
    Measured,
    /// It was tried, and an error ended it.
    Failed {
        /// What was being done.
        stage: Stage,
        /// The error in one line.
        message: String,
    },
    /// It was not tried.
    Skipped {
        /// Why, and what would change that.
        reason: String,
    },
}

/// What a runner reported, unprocessed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Samples {
    /// The load phase.
    pub loaded: Option<Loaded>,
    /// All iterations in the order in which they ran, warm-up first.
    pub iterations: Vec<Iteration>,
}

/// One metric of one case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MetricValue {
    /// Name in the catalogue.
    pub metric: String,
    /// The numbers, or why there are none.
    pub value: Value,
}

/// A number, or the reason why there is none. Never a zero that stands for "unknown".
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Value {
    /// Over all observations of the case.
    Measured(Summary),
    /// In a few words.
    Unavailable(String),
}

impl Record {
    /// The summary of a metric, if it was measured.
    pub fn summary(&self, metric: &str) -> Option<&Summary> {
        self.metrics.iter().find(|value| value.metric == metric).and_then(|value| match &value.value {
            Value::Measured(summary) => Some(summary),
            Value::Unavailable(_) => None,
        })
    }
}

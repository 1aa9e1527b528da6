//! What a course is of: the same thing, measured again and again.

use pocketwatt_protocol::GraphKind;
use pocketwatt_record::{Case, Passport, Precision};
use serde::{Deserialize, Serialize};

use crate::entry::MissingCase;

/// What is measured, apart from the device and the branch. Everything else that may differ is a condition.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Subject {
    /// Name of the scenario.
    pub scenario: String,
    /// Name of the model.
    pub model: String,
    /// Name of the backend.
    pub backend: String,
    /// The graph that it loads; absent for a backend with a model of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub graph: Option<String>,
    /// Name of the number format.
    pub precision: String,
    /// Threads that compute.
    pub threads: u32,
    /// Whether answers are kept to the grammar of calls.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub constrained: bool,
    /// The cores on which it computes, where the user chose them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cores: Option<String>,
    /// For how long the iterations had to follow one another, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sustain_ms: Option<u64>,
}

impl Subject {
    /// Of a case and its passport.
    pub fn of(case: &Case, passport: &Passport) -> Self {
        Self { cores: passport.cores.clone(), sustain_ms: passport.sustain_ms, ..Self::of_case(case) }
    }

    /// Of a case without a record.
    pub fn of_missing(missing: &MissingCase) -> Self {
        Self { cores: missing.cores.clone(), sustain_ms: missing.sustain_ms, ..Self::of_case(&missing.case) }
    }

    fn of_case(case: &Case) -> Self {
        Self {
            scenario: case.scenario.clone(),
            model: case.model.clone(),
            backend: case.backend.clone(),
            graph: case.graph.map(GraphKind::name).map(str::to_owned),
            precision: Precision::name(case.precision).to_owned(),
            threads: case.threads,
            constrained: case.constrained,
            cores: None,
            sustain_ms: None,
        }
    }

    /// What is measured, without what computes it: what stands side by side.
    pub fn input(&self) -> (&str, &str) {
        (&self.scenario, &self.model)
    }

    /// The settings in words: `int4, 2 threads, graph opset17`.
    pub fn settings(&self) -> String {
        let threads = if self.threads == 1 { "thread" } else { "threads" };
        let mut words = format!("{}, {} {threads}", self.precision, self.threads);
        let more = [
            self.graph.as_ref().map(|graph| format!("graph {graph}")),
            self.constrained.then(|| "constrained".to_owned()),
            self.cores.as_ref().map(|cores| format!("cores {cores}")),
            self.sustain_ms.map(|ms| format!("sustained for {} s", ms / 1000)),
        ];
        for part in more.into_iter().flatten() {
            words += ", ";
            words += &part;
        }
        words
    }
}

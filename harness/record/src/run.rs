use pocketwatt_meter::{Bandwidth, DeviceFacts};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Case, FormatVersion};

/// What a run set out to do: `run.json`, written before the first case, so that a killed run can go on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Run {
    /// Version of this format.
    pub format: FormatVersion,
    /// Name of the run: also its folder.
    pub id: String,
    /// Version of the harness.
    pub pocketwatt: String,
    /// When it began, milliseconds since 1970 UTC.
    pub started_unix_ms: u64,
    /// The command line, for people.
    pub command: Vec<String>,
    /// Where it ran.
    pub device: DeviceFacts,
    /// Rooflines measured at the start, one for each number of threads.
    pub bandwidth: Vec<Bandwidth>,
    /// What all cases share.
    pub settings: RunSettings,
    /// The scenarios as they were when the run began: what is measured after a pause is what was planned.
    pub scenarios: Vec<ScenarioSource>,
    /// The cases in the order in which they are measured.
    pub plan: Vec<PlannedCase>,
}

/// Definition of a scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScenarioSource {
    /// Its name.
    pub name: String,
    /// SHA-256 of `definition`.
    pub sha256: String,
    /// The text of its TOML file.
    pub definition: String,
}

/// What all cases of a run share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunSettings {
    /// Iterations before those that count.
    pub warmup_iterations: u32,
    /// Iterations that count.
    pub iterations: u32,
    /// Pause before each counted iteration.
    pub settle_ms: u64,
    /// A runner that says nothing for this long is killed.
    pub timeout_s: u64,
}

/// A case of the plan and how long it should take.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlannedCase {
    /// What to measure.
    pub case: Case,
    /// Estimated duration.
    pub estimate_s: f64,
}

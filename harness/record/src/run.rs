mod plan_error;

use std::collections::BTreeSet;

use pocketwatt_files::check_name;
use pocketwatt_meter::{
    Bandwidth, DeviceFacts,
    energy::{AbsentMeter, MeterInfo},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use plan_error::PlanError;

use crate::{BatteryAssumption, Case, Damage, FormatVersion, SamplingOverhead};

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
    /// How energy is measured; absent in runs of versions that did not.
    #[serde(default)]
    pub energy: EnergyPlan,
    /// What all cases share.
    pub settings: RunSettings,
    /// The scenarios as they were when the run began: what is measured after a pause is what was planned.
    pub scenarios: Vec<ScenarioSource>,
    /// The cases in the order in which they are measured.
    pub plan: Vec<PlannedCase>,
    /// The question that they answer together, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub study: Option<StudySource>,
    /// Why `run.json` could not be read, where this was put together from the records: then only the cases, the bandwidth,
    /// the meters and the names are known, and the rest is empty or zero. Never stored.
    #[serde(skip)]
    pub rebuilt: Option<Damage>,
}

/// Definition of a study, as it was when the run began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StudySource {
    /// Its name.
    pub name: String,
    /// The text of its TOML file.
    pub definition: String,
    /// The model that the user chose for it, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
}

/// The meters of a run, and what was asked of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EnergyPlan {
    /// Meters that are read beside every case, the preferred one first, with their update period as it was observed.
    pub meters: Vec<MeterInfo>,
    /// Meters that are not read, with the reason.
    pub absent: Vec<AbsentMeter>,
    /// The tree that was read in place of `/sys`: then the joules are not this device's.
    pub sysfs_root: Option<String>,
    /// How long the device is left idle before and after each case, in milliseconds.
    pub idle_ms: u64,
    /// The relative uncertainty (0.05 for 5 %) that was asked for.
    pub uncertainty: Option<f64>,
    /// How long the counted iterations of a case last at least, so that the meter reaches that uncertainty, in
    /// milliseconds; 0 where nothing was asked for.
    pub at_least_ms: u64,
    /// What user units refer to; absent if no battery was stated and the device has none.
    pub battery: Option<BatteryAssumption>,
    /// What the sampler costs: decode throughput with it / without it, as `pocketwatt probe observer` found.
    #[serde(rename = "observer")]
    pub sampling_overhead: Option<SamplingOverhead>,
}

/// Definition of a scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScenarioSource {
    /// Its name.
    pub name: String,
    /// SHA-256 of `definition`.
    pub sha256: String,
    /// The text of its TOML file.
    pub definition: String,
    /// What was read from the data file that it names, as far as it is measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<serde_json::Value>,
}

/// What all cases of a run share.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunSettings {
    /// Iterations before those that count.
    pub warmup_iterations: u32,
    /// Iterations that count.
    pub iterations: u32,
    /// Pause before each counted iteration.
    pub settle_ms: u64,
    /// A runner that says nothing for this long is killed.
    pub timeout_s: u64,
    /// Whether the backends' answers are compared with those in f32.
    #[serde(default)]
    pub quality: bool,
    /// The counted iterations of each case follow one another for at least so many milliseconds, so that heat shows; absent
    /// where nobody asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sustain_ms: Option<u64>,
}

/// A case of the plan and how long it should take.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlannedCase {
    /// What to measure.
    pub case: Case,
    /// Estimated duration.
    pub estimate_s: f64,
}

/// Most threads that a case may compute with.
pub const MOST_THREADS: u32 = 1024;
/// Most iterations of a case that count.
pub const MOST_ITERATIONS: u32 = 100_000;
/// Most iterations of a case before those.
pub const MOST_WARMUP_ITERATIONS: u32 = 1000;
/// Longest pause before an iteration, in milliseconds.
pub const MOST_SETTLE_MS: u64 = 3_600_000;
/// Longest silence of a runner, in seconds.
pub const MOST_TIMEOUT_S: u64 = 86_400;

impl Run {
    /// Whether the run is one that the command line could have asked for: names lead nowhere else, each case is there once,
    /// and no number is out of all proportion.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self) -> Result<(), PlanError> {
        let name = |what, name: &str| check_name(name).map(drop).map_err(|reason| PlanError::Name { what, reason });
        name("the run", &self.id)?;
        name("the device", &self.device.name)?;
        let mut known = BTreeSet::new();
        for PlannedCase { case, .. } in &self.plan {
            name("a case", &case.id)?;
            if !known.insert(&case.id) {
                return Err(PlanError::Twice(case.id.clone()));
            }
            at_most("threads", case.threads, MOST_THREADS)?;
        }
        let settings = &self.settings;
        at_most("iterations", settings.iterations, MOST_ITERATIONS)?;
        at_most("warm-up iterations", settings.warmup_iterations, MOST_WARMUP_ITERATIONS)?;
        at_most("milliseconds of pause", settings.settle_ms, MOST_SETTLE_MS)?;
        at_most("seconds of silence", settings.timeout_s, MOST_TIMEOUT_S)
    }
}

fn at_most<T: Into<u64>>(what: &'static str, number: T, most: T) -> Result<(), PlanError> {
    let (number, most) = (number.into(), most.into());
    if number > most { Err(PlanError::TooMany { what, number, most }) } else { Ok(()) }
}

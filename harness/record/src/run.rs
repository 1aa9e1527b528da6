mod energy;
mod fleet;
mod plan_error;
mod planned_case;

use std::{collections::BTreeSet, path::PathBuf};

use pocketwatt_files::check_name;
use pocketwatt_meter::{Bandwidth, DeviceFacts};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use energy::EnergyPlan;
pub use fleet::{MOST_SHARDS, Merged, MergedShard, Shard, ShardCase};
pub use plan_error::PlanError;
pub use planned_case::PlannedCase;

use crate::{Damage, FormatVersion, MOST_BLOCKS};

/// The plan and settings of a run: `run.json`, written before the first case, so that a killed run can continue.
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
    /// How energy is measured; absent in runs of versions that did not measure it.
    #[serde(default)]
    pub energy: EnergyPlan,
    /// What all cases share.
    pub settings: RunSettings,
    /// The scenarios as they were when the run began, so that a resumed run measures what was planned.
    pub scenarios: Vec<ScenarioSource>,
    /// The cases in the order in which they are measured.
    pub plan: Vec<PlannedCase>,
    /// With what each runner is compared, if every case is measured twice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Baseline>,
    /// What the run is compared with at its end, if that was asked for when it began; since format 1.8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against: Option<Against>,
    /// The study that the cases belong to, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub study: Option<StudySource>,
    /// The part of a larger plan that this run measures, if it is one; since format 1.12.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<Shard>,
    /// The runs whose records are here, if it was put together from several; since format 1.12.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged: Option<Merged>,
    /// Why `run.json` could not be read, where this was rebuilt from the records: then only the cases, the bandwidth,
    /// the meters and the names are known, and the rest is empty or zero. Never stored.
    #[serde(skip)]
    pub rebuilt: Option<Damage>,
}

/// With what the runners of a plan are compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Baseline {
    /// With those in this folder.
    Runners(PathBuf),
    /// With themselves: whatever differs is noise.
    Themselves,
}

/// What a run is compared with at its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Against {
    /// The folder of a stored run, or the file of a record.
    pub baseline: PathBuf,
    /// Whether a case that has no other beside it is measured in blocks, too, because it was measured so there.
    pub alone_in_blocks: bool,
}

/// Definition of a study, as it was when the run began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StudySource {
    /// Its name.
    pub name: String,
    /// The text of its TOML file.
    pub definition: String,
    /// The model that the user chose for it, where the study has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
}

/// Definition of a scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScenarioSource {
    /// Its name.
    pub name: String,
    /// SHA-256 of `definition`, and of the data file that it names and what was chosen from it.
    pub sha256: String,
    /// The text of its TOML file.
    pub definition: String,
    /// The contents of the data file that it names, as far as they are measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<serde_json::Value>,
}

/// What all cases of a run share.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunSettings {
    /// Warm-up iterations.
    pub warmup_iterations: u32,
    /// Counted iterations.
    pub iterations: u32,
    /// Pause before each counted iteration.
    pub settle_ms: u64,
    /// A runner that writes nothing for this long is killed.
    pub timeout_s: u64,
    /// Whether the backends' answers are compared with those in f32.
    #[serde(default)]
    pub quality: bool,
    /// The counted iterations of each case follow one another for at least this many milliseconds, so that heat shows; absent
    /// where this was not requested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sustain_ms: Option<u64>,
    /// How the cases of a scenario and model take turns; absent where each is measured after the other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turns: Option<TurnSettings>,
    /// What is waited for before each block; since format 1.11.
    #[serde(default, skip_serializing_if = "GateSettings::is_none")]
    pub gates: GateSettings,
    /// The cores on which runners compute; absent where the system chooses. Since format 1.11.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cores: Option<PinnedCores>,
}

/// What is waited for before each block, and before each case that is measured alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GateSettings {
    /// The longest wait until the battery alone feeds the device, in milliseconds; absent where that is not waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_battery_most_ms: Option<u64>,
    /// Until when the device cools down; absent where that is not waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cool_down: Option<CoolDownSettings>,
    /// Whether a block fails before which one of the gates stays closed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub strict: bool,
}

impl GateSettings {
    /// Whether nothing is waited for.
    pub fn is_none(&self) -> bool {
        self.on_battery_most_ms.is_none() && self.cool_down.is_none()
    }
}

/// How warm the device may be when a block begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CoolDownSettings {
    /// Until when it is waited.
    pub target: CoolDownTarget,
    /// The longest wait, in milliseconds.
    pub most_ms: u64,
}

/// Until when a device cools down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "until", content = "value")]
pub enum CoolDownTarget {
    /// Until its temperatures are at most 1 K above those before the first block.
    First,
    /// Until they are at or below this, in thousandths of a degree Celsius.
    Millicelsius(i32),
}

/// The cores on which runners compute, where the user chose them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PinnedCores {
    /// As the user wrote it: `big`, `all`, `4-7`.
    pub asked: String,
    /// Their numbers, as in `4-7`.
    pub list: String,
}

/// How cases take turns: in each block every one of them is measured once, by a fresh runner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TurnSettings {
    /// Blocks that count; a case with fewer counted iterations has as many as these.
    pub blocks: u32,
    /// The number from which the order in each block is drawn.
    pub seed: u32,
    /// Whether a warm-up is the first turn with a few tokens of its answer, rather than a whole iteration.
    pub short_warmup: bool,
    /// Until when further blocks are added; absent where there are as many as `blocks` and no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
}

/// Until when further blocks are added to those that were asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Target {
    /// Half the width of the 95 % interval of every ratio that is looked at, in thousandths of the ratio.
    pub per_mille: u32,
    /// No further block begins after this many milliseconds of a scenario and model.
    pub most_ms: u64,
}

/// Most threads that a case may compute with.
pub const MOST_THREADS: u32 = 1024;
/// Most counted iterations of a case.
pub const MOST_ITERATIONS: u32 = 100_000;
/// Most warm-up iterations of a case.
pub const MOST_WARMUP_ITERATIONS: u32 = 1000;
/// Longest pause before an iteration, in milliseconds.
pub const MOST_SETTLE_MS: u64 = 3_600_000;
/// Longest silence of a runner, in seconds.
pub const MOST_TIMEOUT_S: u64 = 86_400;

impl Run {
    /// Whether the command line could have requested this run: names lead nowhere else, each case occurs once,
    /// and no number is out of proportion.
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
        at_most("blocks", settings.turns.map_or(0, |turns| turns.blocks), MOST_BLOCKS)?;
        at_most("warm-up iterations", settings.warmup_iterations, MOST_WARMUP_ITERATIONS)?;
        at_most("milliseconds of pause", settings.settle_ms, MOST_SETTLE_MS)?;
        at_most("seconds of silence", settings.timeout_s, MOST_TIMEOUT_S)?;
        self.shard.as_ref().map_or(Ok(()), |shard| shard.check(&self.plan))?;
        self.merged.as_ref().map_or(Ok(()), |merged| merged.check(&self.plan))
    }

    /// The name of the run that measured a case of the plan, and the rooflines that it measured: this run, or the shard that the case
    /// was merged from.
    pub fn measured_in(&self, planned: &PlannedCase) -> (&str, &[Bandwidth]) {
        let shards = self.merged.iter().flat_map(|merged| &merged.shards);
        match shards.into_iter().find(|shard| Some(shard.number) == planned.shard) {
            Some(shard) => (&shard.run, &shard.bandwidth),
            None => (&self.id, &self.bandwidth),
        }
    }
}

fn at_most<T: Into<u64>>(what: &'static str, number: T, most: T) -> Result<(), PlanError> {
    let (number, most) = (number.into(), most.into());
    if number > most { Err(PlanError::TooMany { what, number, most }) } else { Ok(()) }
}

use std::fmt;

use pocketwatt_meter::Bandwidth;
use pocketwatt_protocol::BackendInfo;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where a record's numbers come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Passport {
    /// Version of the harness.
    pub pocketwatt: String,
    /// Name of the run that measured it; absent in records of versions that did not name it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// When the case began, milliseconds since 1970 UTC. A label: durations come from the monotonic clock.
    pub started_unix_ms: u64,
    /// The backend that answered; absent only if the runner never sent its greeting.
    pub backend: Option<BackendInfo>,
    /// SHA-256 of the runner program; absent only if there was none to run.
    pub runner_sha256: Option<String>,
    /// SHA-256 of the shared library that the runner had to open; absent for an engine without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub library_sha256: Option<String>,
    /// The model.
    pub model: ModelPassport,
    /// SHA-256 of the graph file, for a backend that loads one.
    pub graph_sha256: Option<String>,
    /// SHA-256 of the scenario's definition, synthetic scenarios included.
    pub scenario_sha256: String,
    /// The roofline that `model_bandwidth_utilisation` refers to; absent if the probe was not run.
    pub bandwidth: Option<Bandwidth>,
    /// Size of the device's last-level cache, if it reports it: weights that fit are not bound by the memory bandwidth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_level_cache_bytes: Option<u64>,
    /// The battery that user units refer to; absent if none was stated and the device has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub battery: Option<BatteryAssumption>,
    /// The counted iterations had to follow one another for at least this many milliseconds; absent in an ordinary case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sustain_ms: Option<u64>,
    /// Blocks that the case is to have; absent where it is not measured in turns. A run that was stopped has fewer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned_blocks: Option<u32>,
    /// The start of the device from which its times count, as the kernel names it (`boot_id`); absent where it has no name for it. Since
    /// format 1.9; before 1.12 absent where the case was not measured in turns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot_id: Option<String>,
    /// Which other measurement ran on the device at the same time and so disturbed this case, as `--allow-beside`
    /// permits; absent if none is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<String>,
    /// The cores on which the runner computed, as in `4-7`, where the user chose them; since format 1.11.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cores: Option<String>,
    /// How it was recognised that a program imitates the device; then the numbers say nothing about a real one. Since format 1.11.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emulated: Option<String>,
    /// Rows of the scenario's file that did not fit this model, and so are in no number; absent where all did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out: Option<LeftOut>,
}

/// Rows of a data file that did not fit a model, such as those longer than its context.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LeftOut {
    /// Number of rows left out.
    pub rows: u64,
    /// Number of rows that were to be measured.
    pub of: u64,
    /// The first one left out, with its line and the reason.
    pub first: String,
}

impl fmt::Display for LeftOut {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} of {} rows are left out, the first: {}", self.rows, self.of, self.first)
    }
}

/// The battery, and what drains it beside the model: stated, so that hours of chat per charge are traceable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BatteryAssumption {
    /// Energy of a full charge, in joules.
    pub joules: f64,
    /// The source of that number: `--battery`, or the battery's own figure.
    pub basis: String,
    /// Stated power of the idle device in watts; absent: as measured beside each case.
    pub idle_watts: Option<f64>,
    /// Stated power of the screen in watts.
    pub screen_watts: f64,
}

/// The model's part of the passport.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ModelPassport {
    /// Its name.
    pub name: String,
    /// In words: `seeded weights (seed 42)`, `imported from ...`.
    pub origin: String,
    /// Whether the weights are random, so that their text means nothing.
    pub seeded: bool,
    /// SHA-256 of `model.safetensors`: known for seeded weights even if that file is never written.
    pub weights_sha256: String,
    /// SHA-256 of the file of codes and scales that was made from it and measured; absent where
    /// `model.safetensors` itself was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rounded_sha256: Option<String>,
    /// SHA-256 of `config.json`.
    pub config_sha256: String,
    /// SHA-256 of `tokenizer.json`; absent for a model without one.
    pub tokenizer_sha256: Option<String>,
    /// Number of weights.
    pub parameters: u64,
    /// Bytes of all weights in the case's precision, scales included.
    pub weight_bytes: u64,
    /// Bytes of weights that one decoded token reads, in the case's precision.
    pub weight_bytes_per_token: u64,
    /// Bytes of key-value cache of one position, in the case's precision.
    pub kv_bytes_per_token: u64,
    /// Remarks from the import about how its text becomes tokens: which chat template is used, which
    /// conversations are refused, how the kept key-value cache may differ from the whole text. Absent if there are none,
    /// and for models that earlier versions imported.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
}

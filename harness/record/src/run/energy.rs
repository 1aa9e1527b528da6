use pocketwatt_meter::energy::{AbsentMeter, MeterInfo};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{BatteryAssumption, SamplingOverhead};

/// The meters of a run, and the requested uncertainty.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EnergyPlan {
    /// Meters that are read beside every case, the preferred one first, with their observed update period.
    pub meters: Vec<MeterInfo>,
    /// Meters that are not read, with the reason.
    pub absent: Vec<AbsentMeter>,
    /// The tree that was read in place of `/sys`: then the joules are not this device's.
    pub sysfs_root: Option<String>,
    /// How long the device is left idle before and after each case, in milliseconds.
    pub idle_ms: u64,
    /// The same as it was asked for with `--idle`; absent where it follows from the observed update period of the preferred meter. Since
    /// format 1.12.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_idle_ms: Option<u64>,
    /// The requested relative uncertainty (0.05 for 5 %).
    pub uncertainty: Option<f64>,
    /// Shortest total duration of the counted iterations of a case, so that the meter reaches that uncertainty, in
    /// milliseconds; 0 where none was requested.
    pub at_least_ms: u64,
    /// What user units refer to; absent if no battery was stated and the device has none.
    pub battery: Option<BatteryAssumption>,
    /// The cost of sampling: decode throughput with the sampler / without it, as found by `pocketwatt probe observer`.
    #[serde(rename = "observer")]
    pub sampling_overhead: Option<SamplingOverhead>,
}

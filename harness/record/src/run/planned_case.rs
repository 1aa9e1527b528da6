use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Case;

/// A case of the plan and how long it should take.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlannedCase {
    /// What to measure.
    pub case: Case,
    /// Estimated duration.
    pub estimate_s: f64,
    /// The number of the shard that measured it, in a run that was merged; since format 1.12.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<u32>,
}

use serde::{Deserialize, Serialize};

use super::JobId;

/// What a host asks a phone to do: `request.json` in the job's folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobRequest {
    /// The job.
    pub id: JobId,
    /// The version of the program that asks; the phone has the same one.
    pub pocketwatt: String,
    /// The words behind `pocketwatt`, as in `["run", "--model", "tiny"]`. Files are named by their paths on the phone.
    pub arguments: Vec<String>,
    /// The number of cases, once it is known.
    #[serde(default)]
    pub cases: Option<u32>,
    /// Keeps the phone awake while it measures: it changes settings of the phone, and puts them back.
    pub keep_awake: bool,
    /// Measures on the battery alone.
    #[serde(default)]
    pub untethered: Option<Untethered>,
}

/// How to measure on the battery alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Untethered {
    /// How long the phone waits until it is unplugged, in seconds.
    pub unplug_limit_s: u64,
}

use serde::{Deserialize, Serialize};

use super::JobId;

/// How far a job is: `state.json` in its folder, one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobState {
    /// The job.
    pub id: JobId,
    /// What it does.
    pub stage: Stage,
    /// Since when it does that, in milliseconds of the phone's wall clock.
    pub since_unix_ms: u64,
    /// Which start of the phone this is.
    pub boot_id: Option<String>,
    /// The number of cases with a record.
    pub stored: u32,
    /// The number of cases of the plan, once it is known.
    pub cases: Option<u32>,
    /// What happened, for the user.
    #[serde(default)]
    pub words: Option<String>,
}

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "stage")]
pub enum Stage {
    /// Its process lives, and prepares.
    Started,
    /// It waits until nothing feeds the phone.
    AwaitsUnplugging,
    /// The run is going on.
    Measuring,
    /// The run has ended, with this exit status.
    Ended {
        /// That of `pocketwatt run`; 137 if the system killed it.
        status: i32,
    },
    /// It ended before there was a run; the words say why.
    Failed,
}

impl Stage {
    /// Whether nothing more comes by itself.
    pub fn is_last(self) -> bool {
        matches!(self, Self::Ended { .. } | Self::Failed)
    }
}

/// A job as `pocketwatt on-phone jobs` tells it, as one line of JSON for each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobReport {
    /// The latest state; of one whose process is gone before the last stage, the stage in which it was.
    pub state: JobState,
    /// What is going on.
    pub life: JobLife,
    /// Whether settings of the phone are still changed by it.
    pub has_changed_settings: bool,
    /// Bytes of its folder.
    pub bytes: u64,
}

/// Whether the process of a job lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobLife {
    /// It does.
    Running,
    /// It has done its work.
    Ended,
    /// The phone was started anew meanwhile.
    InterruptedByReboot,
    /// It is gone, and the phone was not started anew: the system or somebody killed it.
    Died,
}

/// A line of `pocketwatt on-phone wait`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WaitLine {
    /// The job goes on.
    Beat {
        /// Its state.
        state: JobState,
        /// What was added to its log.
        log: String,
        /// The log's length after that, in bytes: from here on, the next `wait` goes on.
        log_bytes: u64,
    },
    /// The last line.
    End {
        /// The job.
        report: JobReport,
        /// What was added to its log.
        log: String,
        /// The log's length after that, in bytes.
        log_bytes: u64,
    },
}

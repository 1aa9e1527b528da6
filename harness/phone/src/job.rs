//! A job: a run that a phone carries out at a host's request. The phone owns it: the host may sleep, lose the cable or be switched
//! off, and finds the job again later, from what lies in its folder on the phone.
//!
//! What is in here runs on both sides: what they say to each other (`place`, `request`, `state`, `manifest`, `before`, `restore`), and
//! the phone's part, which `pocketwatt on-phone` calls there.

mod android;
mod awake;
mod before;
mod carry_out;
mod clean;
mod error;
mod gather;
mod keyguard;
mod life;
mod log;
mod manifest;
mod measuring;
mod place;
mod request;
mod restore;
mod settings;
mod start;
mod state;
mod stop;
mod under_way;
mod unplug;
mod wait;

pub use android::{Android, Unanswered};
pub use before::{Before, Namespace, Refused, Screen, SettingChange};
pub use carry_out::carry_out;
pub use clean::{Cleaned, clean};
pub use error::JobError;
pub use gather::{Gathered, gather};
pub use life::{report, reports};
pub use manifest::{BadManifest, Manifest, ManifestFile};
pub use measuring::{CHANGED_SETTINGS, become_run};
pub use place::{BadJobId, JobFolder, JobId, ROOT, below_root, in_its_place};
pub use request::{JobRequest, Untethered};
pub use restore::{RestoreLine, restore};
pub use start::{start_command, started_line};
pub use state::{JobLife, JobReport, JobState, Stage, WaitLine};
pub use stop::{Stop, stop};
pub use wait::{LONGEST_LOG_BYTES, wait};

//! A job: a run that a phone carries out at a host's request. The phone owns it: the host may sleep, lose the cable or be switched
//! off, and finds the job again later, from what lies in its folder on the phone.

mod manifest;
mod place;
mod request;
mod state;

pub use manifest::{BadManifest, Manifest, ManifestFile};
pub use place::{BadJobId, JobFolder, JobId, ROOT, below_root};
pub use request::{JobRequest, Untethered};
pub use state::{JobLife, JobReport, JobState, Stage, WaitLine};

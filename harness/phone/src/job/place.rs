//! What lies where on a phone: all of it below one folder, which the phone's shell may write to and run programs from.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The folder. The programs name their loader by its path, so it is the same on every phone.
pub const ROOT: &str = "/data/local/tmp/pocketwatt";

/// Places below the folder, as paths with slashes.
pub mod below_root {
    /// Programs.
    pub const PROGRAMS: &str = "bin";
    /// Shared libraries.
    pub const LIBRARIES: &str = "lib";
    /// Models, as in a cache of any device.
    pub const CACHE: &str = "cache";
    /// Where programs put what they need for a moment: a phone has no `/tmp`.
    pub const TEMPORARY: &str = "tmp";
    /// A folder for each job.
    pub const JOBS: &str = "jobs";
    /// Held by the job that is carried out. See [`pocketwatt_files::Lock`].
    pub const LOCK: &str = "jobs/lock";
    /// Held while settings of the phone are put back.
    pub const RESTORE_LOCK: &str = "jobs/restore.lock";
}

/// A command line for the phone's shell that begins with a program of ours, with the variables that it needs: those of a phone's shell
/// lead to places that are not there.
pub fn in_its_place(command: &str) -> String {
    format!("cd {ROOT} && mkdir -p tmp cache && HOME=$PWD TMPDIR=$PWD/tmp POCKETWATT_CACHE=$PWD/cache {command}")
}

/// The longest name of a job.
const MOST_BYTES: usize = 64;

/// The name of a job, which is also that of its folder: ASCII letters, digits and `-`, and no `-` at its beginning.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct JobId(String);

/// A text that is no name of a job.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{seen:?} is no name of a job: letters, digits and - are")]
pub struct BadJobId {
    seen: String,
}

impl TryFrom<String> for JobId {
    type Error = BadJobId;

    fn try_from(text: String) -> Result<Self, BadJobId> {
        let is_good = (1..=MOST_BYTES).contains(&text.len())
            && !text.starts_with('-')
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if is_good { Ok(Self(text)) } else { Err(BadJobId { seen: text.chars().take(MOST_BYTES).collect() }) }
    }
}

impl From<JobId> for String {
    fn from(id: JobId) -> Self {
        id.0
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The folder of a job, on a phone or anywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobFolder {
    path: PathBuf,
}

impl JobFolder {
    /// That of a job, where all jobs are below `root`.
    pub fn new(root: &Path, id: &JobId) -> Self {
        Self::at(root.join(below_root::JOBS).join(&id.0))
    }

    /// The folder at that path.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the host asks for; see [`super::JobRequest`].
    pub fn request(&self) -> PathBuf {
        self.path.join("request.json")
    }

    /// How far it is; see [`super::JobState`]. It is replaced as a whole, by a rename.
    pub fn state(&self) -> PathBuf {
        self.path.join("state.json")
    }

    /// What the run says to its user, and whatever else is written to standard error.
    pub fn log(&self) -> PathBuf {
        self.path.join("log")
    }

    /// What the run writes to standard output: its table.
    pub fn output(&self) -> PathBuf {
        self.path.join("output")
    }

    /// The phone's settings as they were, while they are changed; absent once they are put back.
    pub fn before(&self) -> PathBuf {
        self.path.join("before.json")
    }

    /// The exit status of the run, once it has ended: a number and a line end.
    pub fn exit(&self) -> PathBuf {
        self.path.join("exit")
    }

    /// Files of the host that the run reads: scenarios, data.
    pub fn inputs(&self) -> PathBuf {
        self.path.join("inputs")
    }

    /// Where the run stores its results, as any run: `results/DEVICE/RUN`.
    pub fn results(&self) -> PathBuf {
        self.path.join("results")
    }

    /// Held by the process that carries it out, as long as it lives. See [`pocketwatt_files::Lock`].
    pub fn lock(&self) -> PathBuf {
        self.path.join("lock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_jobs_are_plain() {
        let of = |text: &str| JobId::try_from(text.to_owned());
        assert_eq!(of("20261127-051010-4f3a").unwrap().to_string(), "20261127-051010-4f3a");
        for text in ["", "-rf", "..", "a/b", "a b", "a\n", "$(id)", "ä", &"a".repeat(65)] {
            assert!(of(text).is_err(), "{text:?}");
        }
        assert!(serde_json::from_str::<JobId>("\"../x\"").is_err(), "what a phone says is checked, too");
    }

    #[test]
    fn everything_lies_below_the_root() {
        let id = JobId::try_from("a".to_owned()).unwrap();
        let folder = JobFolder::new(Path::new(ROOT), &id);
        assert_eq!(folder.state(), Path::new("/data/local/tmp/pocketwatt/jobs/a/state.json"));
    }
}

//! A job that is being carried out: its state on the disk, its log, and what it changed on the phone. However it ends - in the ordinary
//! way, by an error or by a panic - the phone's settings are put back, and its exit status is written.

use std::{
    fmt, fs,
    fs::OpenOptions,
    io::{self, Write},
    path::Path,
};

use pocketwatt_files::{Lock, write_atomically};

use super::{
    JobError, JobFolder, JobId, JobState, Stage,
    android::Android,
    below_root,
    life::{own_name, state_now, stored, write_state},
    restore,
};

/// The exit status of a job that broke before its run ended.
const BROKEN: i32 = 1;
/// The exit status of a job on a phone that carries out another one.
const UNFIT: i32 = 6;

#[derive(Debug)]
pub(super) struct UnderWay<'a> {
    root: &'a Path,
    folder: JobFolder,
    android: &'a Android,
    state: JobState,
    exit: Option<i32>,
    /// Dropped last: until then, nobody else touches this job.
    _locks: Locks,
}

#[derive(Debug)]
struct Locks {
    _job: Lock,
    _phone: Lock,
}

impl<'a> UnderWay<'a> {
    /// Takes the locks of the job and of the phone.
    ///
    /// # Errors
    /// [`JobError::Busy`] if this job is carried out already: nothing is changed. If another one is, this one has failed.
    pub(super) fn begin(root: &'a Path, id: &JobId, android: &'a Android) -> Result<Self, JobError> {
        let folder = JobFolder::new(root, id);
        if !folder.path().is_dir() {
            return Err(JobError::NotStarted { id: id.clone() });
        }
        let name = own_name(id);
        let job = take(&folder.lock(), &name)?;
        // Of an attempt before this one.
        let _ = fs::remove_file(folder.exit());
        let write = |state: &JobState| write_state(&folder, state).map_err(JobError::io("write", &folder.state()));
        let phone = match take(&root.join(below_root::LOCK), &name) {
            Ok(lock) => lock,
            Err(error) => {
                let failed = JobState { words: Some(error.to_string()), ..state_now(id, Stage::Failed, None) };
                write(&failed)?;
                let exit = folder.exit();
                write_atomically(&exit, |file| writeln!(file, "{UNFIT}")).map_err(JobError::io("write", &exit))?;
                return Err(error);
            }
        };
        let state = state_now(id, Stage::Started, None);
        write(&state)?;
        Ok(Self { root, folder, android, state, exit: None, _locks: Locks { _job: job, _phone: phone } })
    }

    pub(super) fn folder(&self) -> &JobFolder {
        &self.folder
    }

    pub(super) fn set_cases(&mut self, cases: Option<u32>) {
        self.state.cases = cases;
    }

    /// The job does something else now.
    pub(super) fn enter(&mut self, stage: Stage, words: Option<String>) -> io::Result<()> {
        self.state.stage = stage;
        self.state.since_unix_ms = pocketwatt_protocol::wall_clock_unix_ms();
        self.state.words = words;
        self.state.stored = stored(&self.folder);
        write_state(&self.folder, &self.state)
    }

    /// A line in the log, for the user. Without room for it, the job goes on.
    pub(super) fn tell(&self, words: impl fmt::Display) {
        let file = OpenOptions::new().create(true).append(true).open(self.folder.log());
        let _ = file.and_then(|mut file| file.write_all(format!("{words}\n").as_bytes()));
    }

    /// Its last stage; the settings are put back when this is dropped.
    pub(super) fn end(mut self, stage: Stage, exit: i32, words: Option<String>) -> io::Result<()> {
        self.write_end(stage, exit, words)
    }

    fn write_end(&mut self, stage: Stage, exit: i32, words: Option<String>) -> io::Result<()> {
        self.exit = Some(exit);
        // A full disk must not keep the settings from being put back, nor one of the two files from being tried.
        let written = write_atomically(&self.folder.exit(), |file| writeln!(file, "{exit}"));
        self.enter(stage, words).and(written)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        if self.exit.is_none() {
            let words = Some("the job broke: its log says more".into());
            // Nobody could be told that it fails.
            let _ = self.write_end(Stage::Failed, BROKEN, words);
        }
        // Without this lock, somebody else is about to put them back.
        let _restoring = restore::lock(self.root);
        for line in restore::put_back(&self.state.id, &self.folder, self.android) {
            if let Some(words) = line.words {
                self.tell(format_args!("pocketwatt: {} could not be put back: {words}", line.what));
            }
        }
    }
}

fn take(path: &Path, name: &str) -> Result<Lock, JobError> {
    super::life::take(path, name).map_err(JobError::io("lock", path))?.map_err(|holder| JobError::Busy { holder })
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;
    use crate::job::{Before, JobLife, Screen, report, reports};

    fn root() -> (tempfile::TempDir, JobId) {
        let root = tempfile::tempdir().unwrap();
        let id = JobId::try_from("a".to_owned()).unwrap();
        fs::create_dir_all(JobFolder::new(root.path(), &id).path()).unwrap();
        (root, id)
    }

    #[test]
    fn a_panic_ends_a_job_and_nothing_stays_changed() {
        let (root, id) = root();
        let android = Android::here();
        let ended = catch_unwind(AssertUnwindSafe(|| {
            let job = UnderWay::begin(root.path(), &id, &android).unwrap();
            Before { screen: Some(Screen::On), ..Before::default() }.write(&job.folder().before()).unwrap();
            assert_eq!(report(root.path(), &id).unwrap().unwrap().life, JobLife::Running);
            panic!("out of ideas")
        }));
        assert!(ended.is_err());
        let report = report(root.path(), &id).unwrap().unwrap();
        assert_eq!(
            (report.life, report.state.stage, report.has_changed_settings),
            (JobLife::Ended, Stage::Failed, false)
        );
        assert_eq!(fs::read_to_string(JobFolder::new(root.path(), &id).exit()).unwrap(), "1\n");
    }

    #[test]
    fn a_program_that_did_not_start_is_told_from_the_shell_s_word() {
        let (root, id) = root();
        assert!(reports(root.path()).unwrap().is_empty());
        fs::write(JobFolder::new(root.path(), &id).exit(), "127\n").unwrap();
        let report = report(root.path(), &id).unwrap().unwrap();
        assert_eq!((report.life, report.state.stage), (JobLife::Ended, Stage::Failed));
        assert!(report.state.words.unwrap().contains("ld-linux-aarch64.so.1"));
    }
}

//! Questions to a phone, and to the program that was pushed to it.

use std::time::Duration;

use serde::de::DeserializeOwned;

use super::HostError;
use crate::{
    adb::{Adb, AdbError, Answer, LineStream, Serial, command_line},
    job::{Cleaned, JobId, JobReport, Manifest, ROOT, RestoreLine, below_root, in_its_place},
};

/// A question that is answered from memory.
pub(super) const QUICK: Duration = Duration::from_secs(15);
/// A program of ours has to start, and to look at some files.
const OUR_PROGRAM: Duration = Duration::from_secs(60);
/// A run is given a minute to store what it has.
const STOP: Duration = Duration::from_secs(120);
/// Hashing is at least so fast, in bytes per second.
const HASHED_PER_SECOND: u64 = 20_000_000;

/// A phone that can be asked.
#[derive(Clone, Copy, Debug)]
pub struct Connection<'a> {
    /// The client.
    pub adb: &'a Adb,
    /// The phone.
    pub phone: &'a Serial,
}

impl Connection<'_> {
    /// Standard output of a command that works.
    ///
    /// # Errors
    /// When adb gives no answer, or the command fails.
    pub fn ask(&self, doing: &'static str, command: &str, limit: Duration) -> Result<String, HostError> {
        let answer = self.answer(command, limit)?;
        if answer.status == 0 { Ok(answer.stdout) } else { Err(failed(doing, &answer)) }
    }

    /// What a command wrote, however it ended.
    ///
    /// # Errors
    /// When adb gives no answer.
    pub fn answer(&self, command: &str, limit: Duration) -> Result<Answer, HostError> {
        Ok(self.adb.shell(self.phone, command, limit)?)
    }

    /// Whether the phone answers now. adb's own word for its state is not believed.
    ///
    /// # Errors
    /// When it does not.
    pub fn probe(&self) -> Result<(), AdbError> {
        self.adb.shell(self.phone, "echo", Duration::from_secs(10)).map(drop)
    }

    /// The jobs that are on the phone; none if our program is not there.
    ///
    /// # Errors
    /// When the phone does not answer, or the answer cannot be read.
    pub fn jobs(&self) -> Result<Vec<JobReport>, HostError> {
        let text = self.ask("list its jobs", &(unless_absent() + &of_our_program(&["jobs"])), OUR_PROGRAM)?;
        text.lines().map(|line| read("list its jobs", line)).collect()
    }

    /// The files of a job's results.
    ///
    /// # Errors
    /// As of [`Connection::jobs`], and when the list is not believed.
    pub fn manifest(&self, job: &JobId, bytes: u64) -> Result<Manifest, HostError> {
        const DOING: &str = "list the results";
        let limit = OUR_PROGRAM + Duration::from_secs(bytes / HASHED_PER_SECOND);
        let text = self.ask(DOING, &of_our_program(&["manifest", &job.to_string()]), limit)?;
        let manifest: Manifest = read(DOING, text.trim())?;
        manifest.check()?;
        Ok(manifest)
    }

    /// Asks a job to store what it has and to end, and returns what has become of it: after a minute, it may still be going on.
    ///
    /// # Errors
    /// When the phone does not answer, or the answer cannot be read.
    pub fn stop(&self, job: &JobId) -> Result<JobReport, HostError> {
        const DOING: &str = "stop the job";
        let answer = self.answer(&of_our_program(&["stop", &job.to_string()]), STOP)?;
        // A job that has not ended yet makes the status another one, and is told all the same.
        match answer.stdout.lines().next() {
            Some(line) => read(DOING, line),
            None => Err(failed(DOING, &answer)),
        }
    }

    /// Puts settings back that jobs left changed, and says of each whether it could be.
    ///
    /// # Errors
    /// When the phone does not answer, or the answer cannot be read.
    pub fn restore(&self) -> Result<Vec<RestoreLine>, HostError> {
        const DOING: &str = "put its settings back";
        let answer = self.answer(&(unless_absent() + &of_our_program(&["restore"])), OUR_PROGRAM)?;
        // The status tells that some could not be put back, which their lines say.
        if answer.status != 0 && answer.stdout.trim().is_empty() {
            return Err(failed(DOING, &answer));
        }
        answer.stdout.lines().map(|line| read(DOING, line)).collect()
    }

    /// Removes jobs that have ended; with `all`, also programs and models. `None` if nothing of ours is there.
    ///
    /// # Errors
    /// When the phone does not answer, or a job is still going on.
    pub fn clean(&self, all: bool) -> Result<Option<Cleaned>, HostError> {
        const DOING: &str = "remove what jobs left";
        let words: &[&str] = if all { &["clean", "--all"] } else { &["clean"] };
        let answer = self.answer(&(unless_absent() + &of_our_program(words)), OUR_PROGRAM)?;
        // The status tells that jobs stay, which the line says, too.
        match answer.stdout.lines().next() {
            Some(line) => read(DOING, line).map(Some),
            None if answer.status == 0 => Ok(None),
            None => Err(failed(DOING, &answer)),
        }
    }

    /// Starts to wait for a job, from that length of its log on.
    ///
    /// # Errors
    /// When adb does not start.
    pub(super) fn wait(&self, job: &JobId, every: Duration, log_from: u64) -> Result<LineStream, HostError> {
        let (job, every, from) = (job.to_string(), every.as_secs().max(1).to_string(), log_from.to_string());
        let command = of_our_program(&["wait", &job, "--every", &every, "--log-from", &from]);
        Ok(self.adb.stream(self.phone, &command)?)
    }
}

/// A phone without our program has nothing of ours.
fn unless_absent() -> String {
    format!("if [ ! -x {ROOT}/{}/pocketwatt ]; then exit 0; fi\n", below_root::PROGRAMS)
}

fn of_our_program(words: &[&str]) -> String {
    in_its_place(&command_line(&[&["bin/pocketwatt", "on-phone"], words].concat()))
}

pub(super) fn failed(doing: &'static str, answer: &Answer) -> HostError {
    let text = if answer.stderr.trim().is_empty() { &answer.stdout } else { &answer.stderr };
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let last: String = lines[lines.len().saturating_sub(3)..].join("; ").chars().take(400).collect();
    HostError::Failed { doing, words: format!("exit status {}, {last}", answer.status) }
}

pub(super) fn read<T: DeserializeOwned>(doing: &'static str, text: &str) -> Result<T, HostError> {
    serde_json::from_str(text).map_err(|error| HostError::Answer { doing, words: error.to_string() })
}

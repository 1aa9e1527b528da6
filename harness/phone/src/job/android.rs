//! Android's own commands (`settings`, `dumpsys`, `cmd`, ...), asked on the phone itself, each with a time limit.

use std::{
    io::{self, Read},
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use pocketwatt_protocol::{Clock, MonotonicClock};
use thiserror::Error;

/// The longest text that is read: `dumpsys window` of a phone with many windows.
const MOST_BYTES: u64 = 4 << 20;
/// How often an ended command is looked for. Nothing is measured at that time.
const STEP: Duration = Duration::from_millis(10);
/// How long the text of an ended command may take: what it started may keep the pipe open.
const LAST_WORDS: Duration = Duration::from_secs(2);
const LONGEST_MESSAGE: usize = 300;
const LIMIT: Duration = Duration::from_secs(15);

/// The commands of a phone, found in `PATH`.
#[derive(Clone, Debug)]
pub struct Android {
    limit: Duration,
}

/// A command did not do what it was asked.
#[derive(Debug, Error)]
pub enum Unanswered {
    /// There is no such command.
    #[error("{command} does not start: {source}")]
    Start {
        /// Its name.
        command: String,
        /// Why.
        source: io::Error,
    },
    /// It did not end.
    #[error("{command} did not end within {limit_s} s")]
    Silent {
        /// Its name.
        command: String,
        /// How long it had.
        limit_s: u64,
    },
    /// The phone does not allow it.
    #[error("{command} is not permitted: {words}")]
    NotPermitted {
        /// Its name.
        command: String,
        /// What it says.
        words: String,
    },
    /// It failed.
    #[error("{command} failed: {words}")]
    Failed {
        /// Its name.
        command: String,
        /// What it says.
        words: String,
    },
}

impl Android {
    /// Those of this device.
    pub fn here() -> Self {
        Self { limit: LIMIT }
    }

    /// Starts a command with these words as they are, and returns what it wrote to standard output.
    pub(super) fn ask(&self, words: &[&str]) -> Result<String, Unanswered> {
        let [program, arguments @ ..] = words else { return Ok(String::new()) };
        let name = || (*program).to_owned();
        let mut command = Command::new(program);
        // A signal to the job's process group must not end a command that puts a setting back.
        command.args(arguments).process_group(0);
        // Pipes, because the system's server writes into what it gets, and may not write into files of the shell.
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().map_err(|source| Unanswered::Start { command: name(), source })?;
        let mut running = Running(child);
        let (stdout, stderr) = (text_of(running.0.stdout.take()), text_of(running.0.stderr.take()));
        let silent = || Unanswered::Silent { command: name(), limit_s: self.limit.as_secs() };
        let succeeded = running.wait(self.limit).ok_or_else(silent)?;
        // A part of a value would be another value.
        let text = |pipe: &Receiver<String>| pipe.recv_timeout(LAST_WORDS).map_err(|_| silent());
        let (stdout, stderr) = (text(&stdout)?, text(&stderr)?);
        let said = format!("{stderr}\n{stdout}");
        if said.contains("SecurityException") || said.contains("Permission denied") {
            return Err(Unanswered::NotPermitted { command: name(), words: last_words(&said) });
        }
        // Some commands fail with status 0.
        if !succeeded || said.contains("Exception occurred while executing") {
            return Err(Unanswered::Failed { command: name(), words: last_words(&said) });
        }
        Ok(stdout)
    }
}

/// Killed when it is dropped.
struct Running(Child);

impl Running {
    /// Whether it succeeded; `None` after the limit.
    fn wait(&mut self, limit: Duration) -> Option<bool> {
        let started = MonotonicClock.now();
        while Duration::from_nanos(MonotonicClock.now().since(started)) < limit {
            if let Ok(Some(status)) = self.0.try_wait() {
                return Some(status.success());
            }
            thread::sleep(STEP);
        }
        None
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What comes out of a pipe, once it is closed.
fn text_of(pipe: Option<impl Read + Send + 'static>) -> Receiver<String> {
    let (sender, receiver) = channel();
    if let Some(pipe) = pipe {
        thread::spawn(move || {
            let mut bytes = Vec::new();
            // What came before an error is what there is.
            let _ = pipe.take(MOST_BYTES).read_to_end(&mut bytes);
            // Nobody listens if the time limit came first.
            let _ = sender.send(String::from_utf8_lossy(&bytes).into_owned());
        });
    }
    receiver
}

/// The first lines on one line: Java prints what happened first, and then where.
fn last_words(said: &str) -> String {
    let lines = said.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("at "));
    let words = lines.take(3).collect::<Vec<_>>().join("; ");
    if words.is_empty() { "it says nothing".into() } else { words.chars().take(LONGEST_MESSAGE).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> Result<String, Unanswered> {
        Android { limit: Duration::from_secs(1) }.ask(&["sh", "-c", script])
    }

    #[test]
    fn a_command_answers_refuses_fails_or_is_ended() {
        assert_eq!(sh("echo a; echo b >&2; cat").unwrap(), "a\n");
        let refusal = "echo 'Exception occurred while executing:' >&2; echo 'java.lang.SecurityException: no WRITE_SECURE_SETTINGS' >&2; exit 255";
        let refused = sh(refusal).unwrap_err();
        assert!(matches!(refused, Unanswered::NotPermitted { .. }), "{refused}");
        assert_eq!(sh("echo why >&2; exit 3").unwrap_err().to_string(), "sh failed: why");
        assert_eq!(sh("exit 3").unwrap_err().to_string(), "sh failed: it says nothing");
        assert_eq!(sh("sleep 100").unwrap_err().to_string(), "sh did not end within 1 s");
        let missing = Android::here().ask(&["no-such-command"]).unwrap_err();
        assert!(matches!(missing, Unanswered::Start { .. }), "{missing}");
        let half = sh("sleep 7 & echo a").unwrap_err();
        assert!(matches!(half, Unanswered::Silent { .. }), "a pipe that stays open is not waited for");
    }
}

//! One start of adb, with an end whatever happens.

use std::{
    io::Read,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::Duration,
};

use pocketwatt_protocol::{Clock, MonotonicClock, MonotonicNs};

use super::AdbError;

/// The longest text of a phone that is read: the longest seen has 6 kB.
const MOST_BYTES: usize = 4 << 20;
/// How often an ended process is looked for.
const STEP: Duration = Duration::from_millis(5);
/// How long the output of an ended process may take. The server that it started may keep the pipe open for ever.
const LAST_WORDS: Duration = Duration::from_millis(300);
const LONGEST_MESSAGE: usize = 300;

/// What a process wrote, and its exit status.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) stdout: String,
    pub(super) stderr: String,
    /// `None` if a signal ended it.
    pub(super) code: Option<i32>,
}

impl Output {
    /// The last lines of its messages on one line.
    pub(super) fn last_words(&self) -> String {
        last_words(if self.stderr.trim().is_empty() { &self.stdout } else { &self.stderr })
    }
}

/// The last lines of a text on one line.
pub(super) fn last_words(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let last = lines[lines.len().saturating_sub(3)..].join("; ");
    last.chars().take(LONGEST_MESSAGE).collect()
}

/// Starts the program, and kills it after the limit.
pub(super) fn call(
    program: &Path,
    arguments: &[&str],
    limit: Duration,
    doing: &'static str,
) -> Result<Output, AdbError> {
    let started = MonotonicClock.now();
    let mut command = Command::new(program);
    // `adb shell` passes its standard input on, and would take what is meant for us.
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().map_err(|source| AdbError::Start { program: program.to_owned(), source })?;
    let mut running = Running::new(child);
    let texts = running.texts();
    let status = running.wait(started, limit, &texts).ok_or(AdbError::Silent { doing, limit_s: limit.as_secs() })?;
    let rest = texts.iter().map(Text::finish).collect::<Vec<_>>();
    if rest.contains(&End::TooLong) {
        return Err(AdbError::Endless { doing, most_bytes: MOST_BYTES });
    }
    let [stdout, stderr] = texts.map(|text| text.so_far());
    Ok(Output { stdout, stderr, code: status.and_then(|status| status.code()) })
}

/// Killed when it is dropped.
#[derive(Debug)]
pub(super) struct Running(Child);

impl Running {
    pub(super) fn new(child: Child) -> Self {
        Self(child)
    }

    /// Begins to read standard output and standard error.
    pub(super) fn texts(&mut self) -> [Text; 2] {
        [Text::of(self.0.stdout.take()), Text::of(self.0.stderr.take())]
    }

    /// Its exit status, once it has ended.
    pub(super) fn status(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().ok().flatten()
    }

    /// Its exit status, which is absent if it was killed because it wrote too much; `None` after the limit.
    fn wait(&mut self, started: MonotonicNs, limit: Duration, texts: &[Text]) -> Option<Option<ExitStatus>> {
        while Duration::from_nanos(MonotonicClock.now().since(started)) < limit {
            if let Some(status) = self.status() {
                return Some(Some(status));
            }
            if texts.iter().any(Text::is_too_long) {
                return Some(None);
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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Reached,
    TooLong,
    /// Another process still holds the pipe.
    Open,
}

/// A text that a thread of its own reads.
pub(super) struct Text {
    bytes: Arc<Mutex<Vec<u8>>>,
    end: Receiver<End>,
}

impl Text {
    fn of(pipe: Option<impl Read + Send + 'static>) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let (sender, end): (Sender<End>, _) = channel();
        let into = Arc::clone(&bytes);
        thread::spawn(move || {
            // Each pipe is there: it was asked for.
            let Some(mut pipe) = pipe else { return };
            let mut buffer = [0; 16 << 10];
            while let Ok(read @ 1..) = pipe.read(&mut buffer) {
                let mut bytes = into.lock().unwrap_or_else(PoisonError::into_inner);
                bytes.extend_from_slice(&buffer[..read]);
                if bytes.len() > MOST_BYTES {
                    // Nobody listens if the time limit came first.
                    let _ = sender.send(End::TooLong);
                    return;
                }
            }
            let _ = sender.send(End::Reached);
        });
        Self { bytes, end }
    }

    fn is_too_long(&self) -> bool {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner).len() > MOST_BYTES
    }

    /// Waits for the end of the text of an ended process.
    pub(super) fn finish(&self) -> End {
        self.end.recv_timeout(LAST_WORDS).unwrap_or(End::Open)
    }

    pub(super) fn so_far(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str, limit: Duration) -> Result<Output, AdbError> {
        call(Path::new("/bin/sh"), &["-c", script], limit, "test")
    }

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn outputs_are_kept_apart_and_the_status_is_told() {
        let output = sh("echo out; echo 'one\ntwo' >&2; exit 7", LONG).unwrap();
        assert_eq!((&*output.stdout, output.code, output.last_words()), ("out\n", Some(7), "one; two".into()));
        assert_eq!(sh("cat; kill -9 $$", LONG).unwrap().code, None, "standard input is empty");
        assert!(matches!(call(Path::new("/no/such/adb"), &[], LONG, "test"), Err(AdbError::Start { .. })));
    }

    #[test]
    fn what_does_not_end_is_ended() {
        let started = MonotonicClock.now();
        let error = sh("sleep 100", Duration::from_secs(1)).unwrap_err();
        assert_eq!(error.to_string(), "adb could not test within 1 s");
        let error = sh("while :; do echo 0123456789012345678901234567890123456789; done", LONG).unwrap_err();
        assert!(matches!(error, AdbError::Endless { .. }), "{error}");
        assert!(MonotonicClock.now().since(started) < 50_000_000_000);
    }

    #[test]
    fn a_server_that_keeps_the_pipe_is_not_waited_for() {
        let started = MonotonicClock.now();
        assert_eq!(sh("echo started; sleep 30 &", LONG).unwrap().stdout, "started\n");
        assert!(MonotonicClock.now().since(started) < 25_000_000_000);
    }
}

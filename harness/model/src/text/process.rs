//! Runs what reads tokenizers and chat templates in a process of its own: this program, started again with limits. Whatever
//! an untrusted file does to its reader, the harness continues and knows what happened.

mod limits;
mod serve;

use std::{
    io::{self, ErrorKind, Read},
    os::{
        fd::OwnedFd,
        unix::{
            net::UnixStream,
            process::{CommandExt, ExitStatusExt},
        },
    },
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::OnceLock,
    time::Duration,
};

use pocketwatt_protocol::{Clock, MonotonicClock, MonotonicNs};
use rustix::net::{SendFlags, send};
use serde::Serialize;

use self::limits::Allowance;
pub use self::serve::serve;
use super::{
    TextEnd,
    message::{
        Answer, Failure, LENGTH_BYTES, MOST_ANSWER_BYTES, Question, Subject, file_head, frame, parse, read_frame,
    },
};

/// The argument that starts a program as a text process.
pub const ARGUMENT: &str = "text-process";
/// How often a wait checks the time.
const LOOK: Duration = Duration::from_millis(50);
/// How long to wait for an answer, as a multiple of its processor time limit: the device may be busy with other work.
const PATIENCE: u32 = 30;
/// How much of a dead process's standard error is read.
const LAST_WORDS_BYTES: u64 = 4096;

static PROGRAM: OnceLock<PathBuf> = OnceLock::new();

/// From now on tokenizers and chat templates are read in processes of `program`, which must call [`serve`] when its first
/// argument is [`ARGUMENT`]. Without this call they are read in the calling process, which suits tests and fuzzing.
pub fn read_text_with(program: &Path) {
    // The first call, in the program's main function, counts.
    let _ = PROGRAM.set(program.to_owned());
}

/// The program of [`read_text_with`].
pub(super) fn program() -> Option<&'static Path> {
    PROGRAM.get().map(PathBuf::as_path)
}

/// A running text process. Killed when it is dropped.
#[derive(Debug)]
pub(super) struct TextProcess {
    child: Child,
    socket: UnixStream,
    files_bytes: usize,
    patience: u32,
    /// Why it can answer nothing more.
    ended: Option<TextEnd>,
}

impl TextProcess {
    /// Starts a process, which waits for [`TextProcess::open`].
    ///
    /// # Errors
    /// When the program cannot be started.
    pub(super) fn start(program: &Path) -> io::Result<Self> {
        let mut command = Command::new(program);
        command.arg0("pocketwatt").arg(ARGUMENT);
        Self::spawn(command)
    }

    fn spawn(mut command: Command) -> io::Result<Self> {
        let (socket, theirs) = UnixStream::pair()?;
        socket.set_read_timeout(Some(LOOK))?;
        socket.set_write_timeout(Some(LOOK))?;
        // Access tokens of a model hub and the like must not reach it.
        command.env_clear();
        command.stdin(OwnedFd::from(theirs)).stdout(Stdio::null()).stderr(Stdio::piped());
        // Ctrl-C is for the harness, which may still have a question.
        command.process_group(0);
        let child = command.spawn()?;
        // This holds the other end of the socket.
        drop(command);
        Ok(Self { child, socket, files_bytes: 0, patience: PATIENCE, ended: None })
    }

    /// Passes the files of a subject.
    ///
    /// # Errors
    /// When they are malformed, or reading them fails.
    pub(super) fn open(&mut self, subject: &Subject, files: &[Vec<u8>]) -> Result<Answer, Failure> {
        self.files_bytes = files.iter().map(Vec::len).sum();
        let subject = framed(subject)?;
        let heads: Vec<[u8; LENGTH_BYTES]> = files.iter().map(|file| file_head(file)).collect();
        let mut parts = vec![subject.as_slice()];
        for (head, file) in heads.iter().zip(files) {
            parts.extend([head, file.as_slice()]);
        }
        let allowance = Allowance::new(self.files_bytes, subject.len() - LENGTH_BYTES);
        self.exchange(&parts, allowance)
    }

    /// Asks a question, and waits for its answer.
    ///
    /// # Errors
    /// When it cannot be answered, or the process fails, now or earlier.
    pub(super) fn ask(&mut self, question: &Question) -> Result<Answer, Failure> {
        let message = framed(question)?;
        let allowance = Allowance::new(self.files_bytes, message.len() - LENGTH_BYTES);
        self.exchange(&[&message], allowance)
    }

    fn exchange(&mut self, parts: &[&[u8]], allowance: Allowance) -> Result<Answer, Failure> {
        if let Some(end) = &self.ended {
            return Err(Failure::Ended(end.clone()));
        }
        let patience = allowance.time * self.patience;
        let mut waiting = Waiting { socket: &self.socket, begun: MonotonicClock.now(), patience };
        let exchanged = parts
            .iter()
            .try_for_each(|part| waiting.send(part))
            .and_then(|()| read_frame(&mut waiting, MOST_ANSWER_BYTES as u64));
        let reply: Result<Answer, Failure> = match exchanged {
            Ok(Some(reply)) => match parse::<Result<Answer, Failure>>(&reply) {
                Ok(reply) => reply,
                Err(error) => Err(broken(format!("gave an unknown answer: {error}"))),
            },
            Err(error) if error.kind() == ErrorKind::TimedOut => {
                Err(Failure::Ended(TextEnd::Silence { seconds: patience.as_secs() }))
            }
            Err(error) if error.kind() == ErrorKind::InvalidData => Err(broken(format!("answers with {error}"))),
            Ok(None) | Err(_) => Err(Failure::Ended(self.death(allowance))),
        };
        if let Err(Failure::Ended(end)) = &reply
            && end.is_final()
        {
            self.ended = Some(end.clone());
            self.kill();
        }
        reply
    }

    /// Why the process closed its socket.
    fn death(&mut self, allowance: Allowance) -> TextEnd {
        let status = self.kill();
        let mut words = Vec::new();
        if let Some(stderr) = self.child.stderr.take() {
            // If this cannot be read, the signal still says something.
            let _ = stderr.take(LAST_WORDS_BYTES).read_to_end(&mut words);
        }
        end_of(status, &String::from_utf8_lossy(&words), allowance)
    }

    /// Its exit status, also if it was already dying.
    fn kill(&mut self) -> Option<ExitStatus> {
        // This fails only when the process is already gone, which is the aim.
        let _ = self.child.kill();
        self.child.wait().ok()
    }
}

impl Drop for TextProcess {
    fn drop(&mut self) {
        self.kill();
    }
}

fn framed<T: Serialize>(message: &T) -> Result<Vec<u8>, Failure> {
    frame(message).map_err(|error| broken(format!("cannot be asked: {error}")))
}

fn broken(seen: String) -> Failure {
    Failure::Ended(TextEnd::Broken { seen })
}

/// Both directions of a socket, with a time limit for every step.
struct Waiting<'a> {
    socket: &'a UnixStream,
    begun: MonotonicNs,
    patience: Duration,
}

impl Waiting<'_> {
    /// Suppresses the signal that a closed pipe would send.
    fn send(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match send(self.socket, bytes, SendFlags::NOSIGNAL) {
                Ok(sent) => bytes = &bytes[sent..],
                Err(error) => self.go_on(error.into())?,
            }
        }
        Ok(())
    }

    /// Whether to try again.
    fn go_on(&self, error: io::Error) -> io::Result<()> {
        match error.kind() {
            ErrorKind::Interrupted | ErrorKind::WouldBlock | ErrorKind::TimedOut => {}
            _ => return Err(error),
        }
        let waited = u128::from(MonotonicClock.now().since(self.begun));
        if waited > self.patience.as_nanos() { Err(ErrorKind::TimedOut.into()) } else { Ok(()) }
    }
}

impl Read for Waiting<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.socket.read(buffer) {
                Ok(read) => return Ok(read),
                Err(error) => self.go_on(error)?,
            }
        }
    }
}

/// What a death means. Rust's runtime aborts with the same signal when a stack overflows and when memory runs out, and
/// says which on standard error.
fn end_of(status: Option<ExitStatus>, words: &str, allowance: Allowance) -> TextEnd {
    if words.contains("has overflowed its stack") {
        return TextEnd::StackOverflow;
    }
    if words.contains("memory allocation of") {
        return TextEnd::Memory { limit_mib: allowance.memory >> 20 };
    }
    match status {
        Some(status) => match (status.signal(), status.code()) {
            (Some(XCPU), _) => TextEnd::ProcessorTime { limit_ms: allowance.time.as_millis() as u64 },
            (Some(number), _) => TextEnd::Signal { number },
            (None, Some(code)) => {
                let words = words.lines().next().map_or(String::new(), |line| format!(": {}", line.escape_debug()));
                TextEnd::Broken { seen: format!("ended with status {code}{words}") }
            }
            (None, None) => TextEnd::Broken { seen: "ended".into() },
        },
        None => TextEnd::Broken { seen: "is gone".into() },
    }
}

/// The system's signal for too much processor time.
const XCPU: i32 = 24;

#[cfg(test)]
mod tests;

//! A runner as a child process: it is started, asked, listened to, and ended whatever happens.

use std::{
    io::{BufReader, Read},
    net::Shutdown,
    os::{fd::OwnedFd, unix::net::UnixStream},
    process::{ChildStderr, ChildStdout, Command, ExitStatus, Stdio},
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::Duration,
};

use pocketwatt_protocol::{Event, Request, WireError, read_event, write_message};
use thiserror::Error;

use super::{
    Mailbox, RunnerProgram, environment,
    family::Family,
    mailbox::{Arrival, Message},
};
use crate::plan::Backend;

/// The variable with the folder in which runners find what was fetched for them.
pub(super) const CACHE_VARIABLE: &str = "POCKETWATT_CACHE";
/// Bytes of a runner's standard error that are kept: its end says why the runner died.
const KEPT_STDERR_BYTES: usize = 4096;
/// How long a runner may take to exit once it is asked to, in steps.
const EXIT_STEPS: u32 = 500;
const EXIT_STEP: Duration = Duration::from_millis(10);
/// How long the last messages of an ended runner may take. This is reached only if another process still holds its output.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Why a runner stopped reporting.
#[derive(Debug, Error)]
pub enum RunnerError {
    /// The program could not be started.
    #[error("cannot start {program}: {source}")]
    Start {
        /// Its path.
        program: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// It wrote something other than an event.
    #[error("the runner broke the protocol: {0}")]
    Protocol(WireError),
    /// It ended too early.
    #[error("the runner {ended}{words}")]
    Died {
        /// `exited with status 1`, `was killed by signal 6 (SIGABRT)`.
        ended: String,
        /// The end of its standard error after a colon, or nothing.
        words: String,
    },
    /// It closed its output but lives on.
    #[error("the runner closed its output before it was done, and was killed")]
    Closed,
    /// It was silent for too long.
    #[error("the runner wrote nothing for {0} s and was killed: is the time too short? see --timeout")]
    Silent(u64),
    /// The user stopped the run.
    #[error("interrupted")]
    Interrupted,
}

/// A running runner. It is killed with all that it started when this is dropped.
#[derive(Debug)]
pub struct RunnerProcess {
    family: Family,
    serial: u64,
    /// Our end of the runner's standard input: the request is sent there, and the edges of phases arrive there.
    input: UnixStream,
    /// Dropped to close the runner's standard input.
    release: Option<Sender<()>>,
    /// The end of its standard error, once that is closed.
    stderr: Option<Receiver<String>>,
}

impl RunnerProcess {
    /// Starts the program with the request waiting on its standard input. The runner sends its greeting before it reads it.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn start(
        program: &RunnerProgram,
        backend: &Backend,
        request: Arc<Request>,
        mailbox: &mut Mailbox,
    ) -> Result<Self, RunnerError> {
        let path = program.file.path();
        let mut command = Command::new(path);
        environment::inherit(&mut command, &backend.inherit);
        command.env(CACHE_VARIABLE, &program.cache).envs(backend.environment(request.options.threads));
        if let Some(library) = &program.library {
            command.env(&library.variable, library.file.path());
        }
        let start_error = |source| RunnerError::Start { program: path.display().to_string(), source };
        let (input, theirs) = UnixStream::pair().map_err(start_error)?;
        let request_end = input.try_clone().map_err(start_error)?;
        command.stdin(OwnedFd::from(theirs)).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut family = Family::start(&mut command, program.cores.as_ref()).map_err(start_error)?;
        // It holds the runner's end of the socket.
        drop(command);
        let (serial, sender) = mailbox.register();
        let ended = sender.clone();
        family.on_end(move || drop(ended.send(Message::Ended { serial })));
        if let Some(stdout) = family.leader().stdout.take() {
            thread::spawn(move || forward_events(stdout, serial, &sender));
        }
        let release = Some(write_request(request_end, request));
        let stderr = family.leader().stderr.take().map(read_end_of);
        Ok(Self { family, serial, input, release, stderr })
    }

    /// Process number.
    pub fn id(&self) -> u32 {
        self.family.id()
    }

    /// A socket on which a byte arrives whenever a phase begins or ends, if the request asked for that; `None` if the system refuses
    /// a second handle.
    pub fn edges(&self) -> Option<UnixStream> {
        self.input.try_clone().ok()
    }

    /// Blocks until the runner's next event.
    ///
    /// # Errors
    /// When it dies, writes something else, is silent for `silence`, or the user stops the run.
    pub fn event(&mut self, mailbox: &mut Mailbox, silence: Duration) -> Result<Event, RunnerError> {
        loop {
            let ended = self.family.has_ended();
            return match mailbox.wait(self.serial, if ended { silence.min(LAST_WORDS) } else { silence }) {
                Arrival::Event(Ok(event)) => Ok(event),
                Arrival::Event(Err(WireError::Closed)) => Err(self.closed()),
                Arrival::Event(Err(error)) => Err(RunnerError::Protocol(error)),
                // A process that it left behind would keep its output open, and would do things that nobody watches.
                Arrival::Ended => {
                    self.family.kill();
                    continue;
                }
                Arrival::Silence if ended => Err(self.closed()),
                Arrival::Silence => Err(RunnerError::Silent(silence.as_secs())),
                Arrival::Interrupted => Err(RunnerError::Interrupted),
            };
        }
    }

    /// Releases a runner that has sent its last message, and waits until it is gone.
    pub fn finish(mut self) {
        self.release = None;
        self.exit_status();
    }

    /// The output was closed before the last message.
    fn closed(&mut self) -> RunnerError {
        match self.exit_status() {
            Some(status) => {
                let words = self.stderr.take().and_then(|end| end.recv_timeout(LAST_WORDS).ok()).unwrap_or_default();
                let words = if words.is_empty() { words } else { format!(": {words}") };
                RunnerError::Died { ended: ended(status), words }
            }
            None => RunnerError::Closed,
        }
    }

    /// Waits a while for the exit; `None` if the runner does not exit.
    fn exit_status(&mut self) -> Option<ExitStatus> {
        for _ in 0..EXIT_STEPS {
            if self.family.has_ended() {
                return self.family.end();
            }
            thread::sleep(EXIT_STEP);
        }
        None
    }
}

/// Forwards every line until one is not an event.
fn forward_events(stdout: ChildStdout, serial: u64, sender: &Sender<Message>) {
    let mut lines = BufReader::new(stdout);
    loop {
        let event = read_event(&mut lines);
        let last = event.is_err();
        if sender.send(Message::Runner { serial, event }).is_err() || last {
            return;
        }
    }
}

/// Writes in a thread of its own, because a runner that never reads must not block the harness. Standard input stays open until
/// the returned end is dropped.
fn write_request(mut stdin: UnixStream, request: Arc<Request>) -> Sender<()> {
    let (release, released) = channel::<()>();
    thread::spawn(move || {
        // A runner that died shows it by closing its standard output.
        if write_message(&mut stdin, &*request).is_ok() {
            let _ = released.recv();
        }
        // Other handles of this socket exist: dropping this one would not close it.
        let _ = stdin.shutdown(Shutdown::Write);
    });
    release
}

/// Reads in a thread of its own, as long as any process holds the other end.
fn read_end_of(stderr: ChildStderr) -> Receiver<String> {
    let (sender, end) = channel();
    thread::spawn(move || sender.send(end_of(stderr)));
    end
}

/// Reads everything, and keeps the end in one line.
fn end_of(mut stderr: ChildStderr) -> String {
    let mut kept = Vec::new();
    let mut buffer = [0; KEPT_STDERR_BYTES];
    while let Ok(read @ 1..) = stderr.read(&mut buffer) {
        kept.extend_from_slice(&buffer[..read]);
        let surplus = kept.len().saturating_sub(KEPT_STDERR_BYTES);
        kept.drain(..surplus);
    }
    let text = String::from_utf8_lossy(&kept);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let last = &lines[lines.len().saturating_sub(3)..];
    last.join("; ")
}

fn ended(status: ExitStatus) -> String {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        let name = match signal {
            4 => " (SIGILL: it was built for another processor)",
            6 => " (SIGABRT)",
            7 => " (SIGBUS)",
            8 => " (SIGFPE)",
            9 => " (SIGKILL: out of memory?)",
            11 => " (SIGSEGV)",
            _ => "",
        };
        return format!("was killed by signal {signal}{name}");
    }
    match status.code() {
        Some(code) => format!("exited with status {code} before it was done"),
        None => "ended".into(),
    }
}

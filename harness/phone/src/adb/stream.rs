//! A command on the phone that goes on for hours, line by line.

use std::{
    io::{BufRead, BufReader, Read},
    os::unix::process::CommandExt,
    process::{Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    thread,
    time::Duration,
};

use super::{Adb, AdbError, Serial, call::Running, shell::Marked};

/// The longest line that is read: a log that was written meanwhile is in it.
const MOST_BYTES: u64 = 8 << 20;

/// Lines that wait here to be read: a phone that writes without end waits, too.
const MOST_LINES: usize = 16;

/// Lines of a command, as they come.
#[derive(Debug)]
pub struct LineStream {
    lines: Receiver<String>,
    end: String,
    /// Killed when this is dropped; the command on the phone then ends when it writes its next line.
    _running: Running,
}

/// What came of a stream within a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Streamed {
    /// A line without its end.
    Line(String),
    /// Nothing.
    Nothing,
    /// The command has ended, with this exit status.
    End(i32),
    /// The connection has ended, or adb was killed: nothing is known about the command.
    Lost,
}

impl Adb {
    /// Starts a command on the phone.
    ///
    /// # Errors
    /// When adb does not start.
    pub fn stream(&self, phone: &Serial, command: &str) -> Result<LineStream, AdbError> {
        let marked = Marked::new(command);
        let mut adb = Command::new(&self.program);
        adb.args(["-s", phone.as_argument(), "shell", marked.command()]);
        adb.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        // Ctrl-C is for us: who waits says then that the phone goes on.
        adb.process_group(0);
        let mut child = adb.spawn().map_err(|source| AdbError::Start { program: self.program.clone(), source })?;
        let stdout = child.stdout.take();
        let (sender, lines) = sync_channel(MOST_LINES);
        if let Some(stdout) = stdout {
            thread::spawn(move || forward(stdout, &sender));
        }
        Ok(LineStream { lines, end: marked.end(), _running: Running::new(child) })
    }
}

impl LineStream {
    /// The next line, if one comes within the limit.
    pub fn next_within(&self, limit: Duration) -> Streamed {
        match self.lines.recv_timeout(limit) {
            Ok(line) => match line.strip_prefix(&self.end).and_then(|status| status.trim().parse().ok()) {
                Some(status) => Streamed::End(status),
                None => Streamed::Line(line),
            },
            Err(RecvTimeoutError::Timeout) => Streamed::Nothing,
            Err(RecvTimeoutError::Disconnected) => Streamed::Lost,
        }
    }
}

/// Until the stream ends, or a line of it is longer than any that is expected.
fn forward(stdout: impl Read, lines: &SyncSender<String>) {
    let mut reader = BufReader::new(stdout);
    loop {
        let mut line = Vec::new();
        match reader.by_ref().take(MOST_BYTES).read_until(b'\n', &mut line) {
            Ok(1..) if line.ends_with(b"\n") => {}
            _ => return,
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end_matches(['\n', '\r']);
        // The marker has an empty line before it.
        if !text.is_empty() && lines.send(text.to_owned()).is_err() {
            return;
        }
    }
}

//! The program that prints what Android's services know, started on the phone itself.

use std::{
    io::Read,
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, channel},
    },
    thread,
    time::Duration,
};

use pocketwatt_meter::{
    SystemRoot,
    energy::{Reason, Unavailable},
};
use pocketwatt_protocol::{Clock, MonotonicClock};

/// Where Android has it.
const PROGRAM: &str = "system/bin/dumpsys";
/// The longest text that is read: the longest seen has 6 kB.
const MOST_BYTES: u64 = 1 << 20;
/// How often an ended process is looked for.
const STEP: Duration = Duration::from_millis(5);
/// How long the rest of the text of an ended process may take.
const LAST_WORDS: Duration = Duration::from_millis(300);
/// An answer takes some tens of milliseconds; one that takes this long is none.
pub(super) const LIMIT: Duration = Duration::from_secs(5);
/// What changes how programs find their libraries. A benchmark may need it; Android's own programs must not see it.
const OF_OTHERS: [&str; 2] = ["LD_LIBRARY_PATH", "LD_PRELOAD"];

/// `dumpsys` of the phone on which this runs.
#[derive(Clone, Debug)]
pub(super) struct Dumpsys {
    program: PathBuf,
}

impl Dumpsys {
    /// `None` where this is no Android device. Of a tree that takes the place of `/sys`, the program below it is meant.
    pub(super) fn of(root: &SystemRoot) -> Option<Self> {
        let program = match root.sys() {
            Some(tree) => tree.join(PROGRAM),
            None => root.join(PROGRAM),
        };
        program.is_file().then_some(Self { program })
    }

    /// A program that prints nothing.
    #[cfg(test)]
    pub(super) fn silent() -> Self {
        Self { program: "/bin/false".into() }
    }

    /// What it prints about a service.
    ///
    /// # Errors
    /// [`Reason::Unreadable`] when it does not start, fails, prints too much, or has not ended after [`LIMIT`] or once `stopped`.
    pub(super) fn print(&self, service: &str, stopped: &AtomicBool) -> Result<String, Unavailable> {
        let refused = |what: String| Unavailable::new(Reason::Unreadable, format!("dumpsys {service} {what}"));
        let mut command = Command::new(&self.program);
        command.arg(service).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
        OF_OTHERS.iter().for_each(|variable| {
            command.env_remove(variable);
        });
        let child = command.spawn().map_err(|error| refused(format!("does not start: {error}")))?;
        let mut running = Running(child);
        let text = running.0.stdout.take().map(text_of);
        let started = MonotonicClock.now();
        let status = loop {
            match running.0.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) => {}
                Err(error) => return Err(refused(format!("cannot be waited for: {error}"))),
            }
            if stopped.load(Ordering::Relaxed) {
                return Err(refused("was stopped".into()));
            }
            if Duration::from_nanos(MonotonicClock.now().since(started)) >= LIMIT {
                return Err(refused(format!("did not answer within {} s", LIMIT.as_secs())));
            }
            thread::sleep(STEP);
        };
        if !status.success() {
            return Err(refused(format!("failed: {status}")));
        }
        let bytes = text.and_then(|text| text.recv_timeout(LAST_WORDS).ok());
        let bytes = bytes.ok_or_else(|| refused("did not end its text".into()))?;
        if bytes.len() as u64 > MOST_BYTES {
            return Err(refused(format!("printed more than {MOST_BYTES} bytes")));
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// Its text, read by a thread of its own, so that a full pipe never stops the process.
fn text_of(pipe: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, text) = channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if pipe.take(MOST_BYTES + 1).read_to_end(&mut bytes).is_ok() {
            // Nobody listens if the time limit came first.
            let _ = sender.send(bytes);
        }
    });
    text
}

/// Killed when it is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

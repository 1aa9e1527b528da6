//! One queue for everything that can happen while a runner works: its messages, and the user's wish to stop.

use std::{
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    time::Duration,
};

use anyhow::{Context, Result};
use pocketwatt_protocol::{Event, WireError};

use super::hangup;

/// What arrives.
#[derive(Debug)]
pub(super) enum Message {
    /// A runner wrote a line, or closed its end.
    Runner {
        /// Which runner: messages of an earlier one may still be in the queue.
        serial: u64,
        /// What it wrote.
        event: Result<Event, WireError>,
    },
    /// A runner has ended. Its last messages may still be on their way.
    Ended {
        /// Which runner.
        serial: u64,
    },
    /// Ctrl-C, a request to terminate, or the end of the terminal.
    Interrupted,
}

/// The queue that the harness blocks on.
#[derive(Debug)]
pub struct Mailbox {
    sender: Sender<Message>,
    receiver: Receiver<Message>,
    runners: u64,
    interrupted: bool,
}

/// What came first.
#[derive(Debug)]
pub(super) enum Arrival {
    /// A message from the runner.
    Event(Result<Event, WireError>),
    /// It has ended; its last messages may still come.
    Ended,
    /// It was silent for too long.
    Silence,
    /// The user wants to stop.
    Interrupted,
}

impl Mailbox {
    /// A queue that Ctrl-C, SIGTERM and SIGHUP write into, instead of ending the process.
    ///
    /// # Errors
    /// When the signals cannot be caught. A process can do that only once.
    pub fn with_signals() -> Result<Self> {
        let mailbox = Self::without_signals();
        let sender = mailbox.sender.clone();
        let outlives_terminal = hangup::is_ignored();
        ctrlc::set_handler(move || {
            // The receiver is gone only when the process ends anyway.
            let _ = sender.send(Message::Interrupted);
        })
        .context("cannot catch Ctrl-C")?;
        if outlives_terminal {
            hangup::ignore();
        }
        Ok(mailbox)
    }

    /// A queue for runners only.
    pub fn without_signals() -> Self {
        let (sender, receiver) = channel();
        Self { sender, receiver, runners: 0, interrupted: false }
    }

    /// Whether the user wants to stop.
    pub fn interrupted(&mut self) -> bool {
        while let Ok(message) = self.receiver.try_recv() {
            self.interrupted |= matches!(message, Message::Interrupted);
        }
        self.interrupted
    }

    /// Waits while no runner lives; true when the user wants to stop.
    pub(super) fn pause(&mut self, duration: Duration) -> bool {
        const NOBODY: u64 = 0;
        matches!(self.wait(NOBODY, duration), Arrival::Interrupted)
    }

    /// A number for the next runner, and the sender for its messages.
    pub(super) fn register(&mut self) -> (u64, Sender<Message>) {
        self.runners += 1;
        (self.runners, self.sender.clone())
    }

    /// Blocks until the runner writes something or the user wants to stop, at most for `silence`.
    pub(super) fn wait(&mut self, runner: u64, silence: Duration) -> Arrival {
        if self.interrupted {
            return Arrival::Interrupted;
        }
        loop {
            match self.receiver.recv_timeout(silence) {
                Ok(Message::Interrupted) => {
                    self.interrupted = true;
                    return Arrival::Interrupted;
                }
                Ok(Message::Runner { serial, event }) if serial == runner => return Arrival::Event(event),
                Ok(Message::Ended { serial }) if serial == runner => return Arrival::Ended,
                Ok(Message::Runner { .. } | Message::Ended { .. }) => {}
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return Arrival::Silence,
            }
        }
    }
}

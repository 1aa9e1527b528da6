//! One open service of a phone's daemon: bytes in both directions.

use std::{
    collections::VecDeque,
    io::{self, Read},
    net::{Shutdown, TcpStream},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

use super::{
    faults::{FaultSource, Passage},
    packet::{MOST_BYTES, Packet},
};

/// The sending half of a connection.
#[derive(Clone)]
pub(super) struct Sender {
    pub link: Arc<Mutex<TcpStream>>,
    pub faults: Arc<FaultSource>,
}

impl Sender {
    /// Sends a packet, as far as the faults let it pass.
    pub fn send(&self, command: &[u8; 4], arguments: [u32; 2], payload: &[u8]) -> io::Result<()> {
        let passage = self.faults.pass(false, payload.len());
        let mut link = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        let Passage::Broken(taken) = passage else {
            return Packet::write(&mut *link, command, arguments, payload, payload.len());
        };
        Packet::write(&mut *link, command, arguments, payload, taken)?;
        link.shutdown(Shutdown::Both)?;
        Err(io::ErrorKind::ConnectionAborted.into())
    }

    /// Ends the connection.
    pub fn hang_up(&self) {
        // It may have ended already.
        let _ = self.link.lock().unwrap_or_else(PoisonError::into_inner).shutdown(Shutdown::Both);
    }
}

/// A service. Each side sends a packet only after the other has taken the one before.
pub(super) struct Stream {
    pub sender: Sender,
    ours: u32,
    theirs: u32,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    inbox: VecDeque<Vec<u8>>,
    /// Packets of ours that the host has not taken.
    unacknowledged: usize,
    closed: bool,
}

impl Stream {
    pub fn new(sender: Sender, ours: u32, theirs: u32) -> Self {
        Self { sender, ours, theirs, state: Mutex::default(), changed: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait(&self, until: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        self.changed.wait_while(self.state(), |state| !until(state)).unwrap_or_else(PoisonError::into_inner)
    }

    pub fn send(&self, command: &[u8; 4], payload: &[u8]) -> io::Result<()> {
        self.sender.send(command, [self.ours, self.theirs], payload)
    }

    /// Says that there is no such service: adb waits for ever if that has a number.
    pub fn refuse(&self) -> io::Result<()> {
        self.sender.send(b"CLSE", [0, self.theirs], &[])
    }

    /// Returns once all of it is sent.
    pub fn write(&self, bytes: &[u8]) -> io::Result<()> {
        for part in bytes.chunks(MOST_BYTES) {
            {
                let mut state = self.wait(|state| state.unacknowledged == 0 || state.closed);
                if state.closed {
                    return Err(io::ErrorKind::BrokenPipe.into());
                }
                state.unacknowledged += 1;
            }
            self.send(b"WRTE", part)?;
        }
        Ok(())
    }

    /// Returns once the host has taken all that was sent.
    pub fn settle(&self) {
        drop(self.wait(|state| state.unacknowledged == 0 || state.closed));
    }

    /// The next bytes of the host; `None` after the last.
    fn take(&self) -> Option<Vec<u8>> {
        let bytes = self.wait(|state| !state.inbox.is_empty() || state.closed).inbox.pop_front()?;
        // The host may be gone; its last bytes are good all the same.
        let _ = self.send(b"OKAY", &[]);
        Some(bytes)
    }

    /// What the host sent, as a file.
    pub fn incoming(&self) -> Incoming<'_> {
        Incoming { stream: self, rest: VecDeque::new() }
    }

    pub fn acknowledged(&self) {
        let mut state = self.state();
        state.unacknowledged = state.unacknowledged.saturating_sub(1);
        self.changed.notify_all();
    }

    pub fn arrived(&self, bytes: Vec<u8>) {
        self.state().inbox.push_back(bytes);
        self.changed.notify_all();
    }

    /// The host closed it, or the connection has ended.
    pub fn close(&self) {
        self.state().closed = true;
        self.changed.notify_all();
    }
}

/// Bytes of the host. They end when it closes the stream.
pub(super) struct Incoming<'a> {
    stream: &'a Stream,
    rest: VecDeque<u8>,
}

impl Read for Incoming<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() {
            match self.stream.take() {
                Some(bytes) => self.rest = bytes.into(),
                None => return Ok(0),
            }
        }
        self.rest.read(buffer)
    }
}

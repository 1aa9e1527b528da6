use std::{
    fs::File,
    io::{self, Write},
};

use pocketwatt_protocol::{
    Event, Iteration, MAX_LINE_BYTES, MonotonicNs, PROTOCOL_VERSION, TokenId, read_event, write_message,
};

use crate::{
    fault::{Fault, Line, hang},
    script::Script,
};

/// Standard output with the script's faulty messages.
pub struct ScriptedOutput<W> {
    to: W,
    fault: Option<Fault>,
    /// The iteration in which the fault happens.
    iteration: u32,
    /// Iterations so far.
    iterations: u32,
    /// The part of the next line that was written.
    line: Vec<u8>,
    /// A message that is sent later than it should be.
    held: Option<Event>,
}

impl<W: Write> ScriptedOutput<W> {
    /// Writes to `to`.
    pub fn new(to: W, script: &Script) -> Self {
        let (fault, iteration) = (script.fault, script.iteration);
        Self { to, fault, iteration, iterations: 0, line: Vec::new(), held: None }
    }

    fn message(&mut self, line: &[u8]) -> io::Result<()> {
        let event = read_event(line).map_err(io::Error::other)?;
        if matches!(event, Event::Iteration(_)) {
            self.iterations += 1;
        }
        let struck = self.iterations == self.iteration;
        match (event, self.fault) {
            (Event::Hello { .. }, Some(Fault::Garbage(Line::Start))) => self.to.write_all(b"Segmentation fault\n"),
            (Event::Hello { backend, .. }, Some(Fault::OtherProtocol)) => {
                self.send(&Event::Hello { protocol: PROTOCOL_VERSION + 1, backend })
            }
            (event @ Event::Loaded(_), Some(Fault::EarlyIteration)) => {
                self.held = Some(event);
                Ok(())
            }
            (Event::Iteration(iteration), Some(fault)) if struck => self.iteration(iteration, fault),
            (Event::Done, Some(Fault::Quit)) => std::process::exit(0),
            (event, _) => self.send(&event),
        }
    }

    fn iteration(&mut self, mut iteration: Iteration, fault: Fault) -> io::Result<()> {
        match fault {
            Fault::Garbage(Line::Iteration) => return self.to.write_all(b"step 1 took 3.14 ms\n"),
            Fault::EndlessLine => return self.endless_line(),
            Fault::MissingIteration => return Ok(()),
            Fault::ClosedOutput => close_output(),
            Fault::ExtraIteration => self.send(&Event::Iteration(iteration.clone()))?,
            Fault::BackwardsTime => turn_back(&mut iteration),
            Fault::UnknownToken => {
                if let Some(token) = iteration.turns.iter_mut().flat_map(|turn| &mut turn.tokens).next() {
                    *token = TokenId(u32::MAX);
                }
            }
            _ => {}
        }
        self.send(&Event::Iteration(iteration))?;
        match self.held.take() {
            Some(late) => self.send(&late),
            None => Ok(()),
        }
    }

    fn send(&mut self, event: &Event) -> io::Result<()> {
        write_message(&mut self.to, event).map_err(io::Error::other)
    }

    /// Writes until the reader is gone, up to a limit, so that a reader without a limit survives the test.
    fn endless_line(&mut self) -> io::Result<()> {
        let part = [b'x'; 1 << 16];
        for _ in 0..=2 * MAX_LINE_BYTES / part.len() as u64 {
            self.to.write_all(&part)?;
        }
        self.to.write_all(b"\n")
    }
}

impl<W: Write> Write for ScriptedOutput<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.line.extend_from_slice(bytes);
        while let Some(end) = self.line.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.line.drain(..=end).collect();
            self.message(&line)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

fn turn_back(iteration: &mut Iteration) {
    if let Some(turn) = iteration.turns.last_mut() {
        let before = MonotonicNs(turn.start.0.saturating_sub(1));
        *turn.token_times.last_mut().unwrap_or(&mut turn.prefill_end) = before;
    }
}

/// The reader sees the end of the output, while the process lives on.
fn close_output() -> ! {
    // If either step fails, the reader sees a runner that hangs.
    if let Ok(nowhere) = File::options().write(true).open("/dev/null") {
        let _ = rustix::stdio::dup2_stdout(&nowhere);
    }
    hang()
}

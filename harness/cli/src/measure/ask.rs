//! One untimed request to a runner, and all of its answers.

use std::{sync::Arc, time::Duration};

use pocketwatt_protocol::{Event, Request};

use super::{Mailbox, RunnerProcess, RunnerProgram};
use crate::plan::Backend;

/// The runner's events, without the last one.
///
/// # Errors
/// When the program has changed since it was hashed, fails, dies, breaks the protocol or is silent for too long; in one line.
pub fn ask(
    program: &RunnerProgram,
    backend: &Backend,
    request: Request,
    mailbox: &mut Mailbox,
    silence: Duration,
) -> Result<Vec<Event>, String> {
    program.ensure_unchanged()?;
    let mut runner =
        RunnerProcess::start(program, backend, Arc::new(request), mailbox).map_err(|error| error.to_string())?;
    let mut events = Vec::new();
    loop {
        match runner.event(mailbox, silence).map_err(|error| error.to_string())? {
            Event::Done => break,
            Event::Failed { message, .. } => return Err(message),
            event => events.push(event),
        }
    }
    runner.finish();
    program.ensure_unchanged()?;
    Ok(events)
}

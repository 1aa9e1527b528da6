use std::thread;

use anyhow::{Result, bail};

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The process aborts.
    Crash(Moment),
    /// The process does nothing more.
    Hang(Moment),
    /// The backend reports an error.
    Fail(Moment),
    /// A line that is not a message takes the place of a message.
    Garbage(Line),
    /// The greeting is in the next version of the protocol.
    OtherProtocol,
    /// A line without an end takes the place of an iteration.
    EndlessLine,
    /// An iteration comes before the model is loaded.
    EarlyIteration,
    /// An iteration is not reported.
    MissingIteration,
    /// An iteration is reported twice.
    ExtraIteration,
    /// The last time of an iteration lies before its first.
    BackwardsTime,
    /// The first token of an iteration is outside the vocabulary.
    UnknownToken,
    /// Standard output is closed in place of an iteration, and the process lives on.
    ClosedOutput,
    /// The process exits with status 0 in place of the last message.
    Quit,
}

/// What the process is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Before the greeting.
    Start,
    /// While it loads the model.
    Load,
    /// While it processes a prompt.
    Prefill,
    /// While it processes an output token.
    Decode,
    /// After it was asked to exit.
    End,
}

/// Which message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// The greeting.
    Start,
    /// An iteration.
    Iteration,
}

impl Fault {
    /// Every fault and its word.
    pub const ALL: &[(&str, Fault)] = &[
        ("crash@start", Fault::Crash(Moment::Start)),
        ("crash@load", Fault::Crash(Moment::Load)),
        ("crash@prefill", Fault::Crash(Moment::Prefill)),
        ("crash@decode", Fault::Crash(Moment::Decode)),
        ("hang@start", Fault::Hang(Moment::Start)),
        ("hang@load", Fault::Hang(Moment::Load)),
        ("hang@prefill", Fault::Hang(Moment::Prefill)),
        ("hang@decode", Fault::Hang(Moment::Decode)),
        ("hang@end", Fault::Hang(Moment::End)),
        ("fail@start", Fault::Fail(Moment::Start)),
        ("fail@load", Fault::Fail(Moment::Load)),
        ("fail@prefill", Fault::Fail(Moment::Prefill)),
        ("fail@decode", Fault::Fail(Moment::Decode)),
        ("garbage@start", Fault::Garbage(Line::Start)),
        ("garbage@iteration", Fault::Garbage(Line::Iteration)),
        ("other-protocol", Fault::OtherProtocol),
        ("endless-line", Fault::EndlessLine),
        ("early-iteration", Fault::EarlyIteration),
        ("missing-iteration", Fault::MissingIteration),
        ("extra-iteration", Fault::ExtraIteration),
        ("backwards-time", Fault::BackwardsTime),
        ("unknown-token", Fault::UnknownToken),
        ("closed-output", Fault::ClosedOutput),
        ("quit", Fault::Quit),
    ];

    /// Whether the process does nothing more from that moment on.
    pub fn hangs_at(self, moment: Moment) -> bool {
        self == Fault::Hang(moment)
    }
}

/// Triggers the fault if this is its moment.
pub fn strike(fault: Option<Fault>, moment: Moment) -> Result<()> {
    match fault {
        Some(Fault::Crash(when)) if when == moment => std::process::abort(),
        Some(Fault::Hang(when)) if when == moment => hang(),
        Some(Fault::Fail(when)) if when == moment => bail!("scripted failure"),
        _ => Ok(()),
    }
}

/// Does nothing, for ever.
pub fn hang() -> ! {
    loop {
        thread::park();
    }
}

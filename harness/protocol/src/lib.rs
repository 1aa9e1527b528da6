//! What the harness and a runner say to each other, and the only place in the project that reads a clock.
//!
//! A runner is a child process. It writes [`Event::Hello`] as its first line, reads exactly one [`Request`]
//! line from standard input, and then writes one [`Event`] a line to standard output until [`Event::Done`]
//! or [`Event::Failed`]. Then it waits until standard input is closed, so that the harness can read its memory a last
//! time. Logs go to standard error. Nothing is written while an iteration is being measured, except for the single bytes of
//! [`Request::phase_edges`].
//!
//! Both sides share one boot's `CLOCK_MONOTONIC`, so a token's time and a meter's reading join without
//! synchronisation.

mod clock;
mod event;
mod platform;
mod request;
mod wire;

pub use clock::{
    Clock, FakeClock, MonotonicClock, MonotonicNs, TimeSpan, process_cpu_ns, slept_ns, thread_cpu_ns,
    wall_clock_unix_ms,
};
pub use event::{
    BackendInfo, Event, Iteration, IterationKind, LoadStage, LoadStageTime, Loaded, ModelInfo, Scored, Stage,
    StopReason, TurnTrace,
};
pub use platform::Platform;
pub use request::{
    GraphFile, GraphKind, LoadOptions, ModelFiles, Precision, Request, ScoreTask, Task, TokenId, Turn, Workload,
};
pub use wire::{MAX_LINE_BYTES, WireError, read_event, read_request, write_message};

/// Bumped on any change that an older peer could misread.
pub const PROTOCOL_VERSION: u32 = 4;

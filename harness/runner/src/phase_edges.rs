/// Tells the harness at the very moment when a phase begins or ends, so that it can read its energy meters.
///
/// Costs one system call of a few microseconds, which lies outside the phases wherever it can: before a turn begins, after
/// it has ended, and between the end of the prefill and the choice of the first token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PhaseEdges {
    /// No marks are written.
    Unmarked,
    /// A byte is written to standard input, which is a socket from the harness.
    StandardInput,
}

impl PhaseEdges {
    /// Marks this moment. Never waits: where the socket is full or gone, the mark is lost and the measurement goes on.
    pub fn mark(self) {
        if self == Self::StandardInput {
            use rustix::net::{SendFlags, send};
            let _ = send(std::io::stdin(), b".", SendFlags::DONTWAIT | SendFlags::NOSIGNAL);
        }
    }
}

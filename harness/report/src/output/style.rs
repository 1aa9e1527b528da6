//! What the terminal can take.

use std::{env, io, io::IsTerminal};

/// What the terminal supports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Whether escape sequences for colour may be written.
    pub color: bool,
    /// Columns of the terminal; absent when the output goes elsewhere.
    pub width: Option<usize>,
}

impl Style {
    /// Colour and width of the terminal on standard output; neither if it is not a terminal.
    pub fn detect() -> Self {
        if !io::stdout().is_terminal() {
            return Self::default();
        }
        let width = rustix::termios::tcgetwinsize(io::stdout()).ok().map(|size| usize::from(size.ws_col));
        Self { color: takes_escapes(&io::stdout()), width: width.filter(|&width| width > 0) }
    }
}

/// Whether escape sequences may be written to the stream: to a terminal that supports them, unless `NO_COLOR` forbids them.
pub fn takes_escapes(stream: &impl IsTerminal) -> bool {
    let set = |variable: &str| env::var_os(variable).filter(|value| !value.is_empty());
    stream.is_terminal() && set("NO_COLOR").is_none() && set("TERM").is_some_and(|terminal| terminal != "dumb")
}

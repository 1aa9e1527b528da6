//! Standard error: messages beside the results.

use std::{
    fmt,
    io::{self, Write},
};

use crate::inert;

/// Writes a line to standard error, formatted as by `format!`.
macro_rules! notice {
    ($($words:tt)*) => { $crate::notice::write_line(format_args!($($words)*)) };
}

/// Writes a line to standard error. If nobody can read it, because the terminal, the pipe or the disk is gone, that never stops
/// the caller.
pub fn write_line(words: fmt::Arguments) {
    write_raw(&(inert::lines(&words.to_string()) + "\n"));
}

/// Writes text that was already made safe to show.
pub fn write_raw(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

//! Standard error: what is said beside the results.

use std::{
    fmt,
    io::{self, Write},
};

use crate::inert;

/// Writes a line to standard error, in the words of `format!`.
macro_rules! notice {
    ($($words:tt)*) => { $crate::notice::write_line(format_args!($($words)*)) };
}

/// Writes a line to standard error. That nobody can read it, because the terminal, the pipe or the disk is gone, never stops
/// what is said there.
pub fn write_line(words: fmt::Arguments) {
    write_raw(&(inert::lines(&words.to_string()) + "\n"));
}

/// Writes what was made safe to show already.
pub fn write_raw(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

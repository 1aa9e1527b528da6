//! Tests of every reader of untrusted input, with valid files that were changed. Every input is either read or
//! refused with an error; nothing panics, hangs or uses too much memory.
//!
//! In the program `pocketwatt-fuzz`, libFuzzer changes the files and watches which branches are taken, for as long as you like
//! (`scripts/fuzz`). The test `short` changes them a fixed number of times in a fixed way. Each target is a file in `targets`.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it is a test: what it finds ends it"
)]

mod limits;
mod mutation;
mod scratch;
mod seeds;
mod short;
mod target;
mod targets;

pub use crate::{
    short::short,
    target::{begin, changed, list, run},
};

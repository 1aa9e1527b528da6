//! Tests of every reader of what comes from outside, with valid files that were changed. Whatever becomes of them is read or
//! refused in words; nothing panics, hangs or swells.
//!
//! The program `pocketwatt-fuzz` has libFuzzer change them and watch which branches that takes, for as long as one likes
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

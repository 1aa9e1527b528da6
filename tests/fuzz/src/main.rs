//! Coverage-guided tests of every reader of what comes from outside: libFuzzer changes valid files and watches which
//! branches that takes. Whatever it makes of them is read or refused in words; nothing panics, hangs or swells.
//!
//! `scripts/fuzz` builds and runs it. Each target is a file in `targets`.
#![no_main]
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
mod target;
mod targets;

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

fuzz_target!(
    init: target::begin(),
    |input: &[u8]| {
        let target = target::chosen();
        limits::within(|| (target.run)(input));
    }
);

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let changed = mutation::mutate(target::chosen().form, &data[..size], seed);
    match changed.filter(|changed| changed.len() <= max_size) {
        Some(changed) => {
            data[..changed.len()].copy_from_slice(&changed);
            changed.len()
        }
        None => fuzzer_mutate(data, size, max_size),
    }
});

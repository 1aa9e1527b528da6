use pocketwatt::measure::ensure_whole;

use crate::{mutation::Form, scratch, target::Target};

pub const TARGET: Target = Target {
    name: "library",
    form: Form::Bytes,
    seeds: || vec![seed()],
    words: &["\u{7f}ELF\u{2}\u{1}", "\u{1}\0\0\0\0\0\0\0", "\u{7f}\u{7f}\u{7f}\u{7f}\u{7f}\u{7f}\u{7f}\u{7f}"],
    short_runs: 10_000,
    run,
};

fn run(input: &[u8]) -> bool {
    ensure_whole(&scratch::file("libengine.so", input)).is_ok()
}

/// A header, and one segment that is the whole file (elf(5)).
fn seed() -> Vec<u8> {
    let mut bytes = vec![0; 120];
    bytes[..8].copy_from_slice(b"\x7fELF\x02\x01\x01\0");
    // Offset of the segments' table, and number and size of its entries.
    bytes[0x20] = 64;
    (bytes[0x36], bytes[0x38]) = (56, 1);
    // One segment that is loaded: the whole file.
    (bytes[64], bytes[64 + 32]) = (1, 120);
    bytes
}

//! The `pocketwatt` binary.
fn main() {}

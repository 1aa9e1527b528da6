//! A deterministic backend with scripted delays and faults.
fn main() {}

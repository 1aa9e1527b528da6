//! Runs each target a fixed number of times, from a fixed seed: `cargo test --test short [TARGET...]`.

use std::{env, path::Path};

fn main() {
    if env::args().any(|argument| argument == "--list") {
        return pocketwatt_fuzz::list();
    }
    // Arguments with a hyphen are for other tests, which Cargo starts with the same arguments.
    let wanted: Vec<String> = env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    pocketwatt_fuzz::short(&wanted, Path::new(env!("CARGO_TARGET_TMPDIR")));
}

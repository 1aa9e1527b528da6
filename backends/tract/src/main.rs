//! Runs MobileLLM on tract.
fn main() {}

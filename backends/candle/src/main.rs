//! Runs MobileLLM on candle.
fn main() {}

//! Runs MobileLLM on candle, as a model written here on candle's tensors.

mod backend;
mod cache;
#[cfg(test)]
mod conformance;
mod decoder;
mod threads;
mod weights;

use std::process::ExitCode;

fn main() -> ExitCode {
    pocketwatt_runner::serve(&backend::CandleBackend)
}

//! Runs MobileLLM on candle, as a model written here on candle's tensors.

mod attention;
mod backend;
mod blocks;
mod cache;
#[cfg(test)]
mod conformance;
mod decoder;
mod matrix;
mod threads;
mod weights;

use std::process::ExitCode;

fn main() -> ExitCode {
    threads::with_pool(|| pocketwatt_runner::serve(&backend::CandleBackend))
}

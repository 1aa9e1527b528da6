//! Runs MobileLLM on tract, from the ONNX graphs that the model crate writes.

mod backend;
mod blocks;
#[cfg(test)]
mod conformance;
mod failure;
mod fold;
mod load;
mod memory;
mod pack;
mod read;
mod session;
mod threads;

use std::process::ExitCode;

fn main() -> ExitCode {
    pocketwatt_runner::serve(&backend::TractBackend)
}

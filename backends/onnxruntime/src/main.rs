//! Runs MobileLLM on ONNX Runtime, whose library is loaded when the program starts.

mod backend;
#[cfg(test)]
mod conformance;
mod engine;
mod graph;
mod growing;
mod library;
#[cfg(test)]
mod refusal;
mod shared;

use std::process::ExitCode;

fn main() -> ExitCode {
    pocketwatt_runner::serve(&backend::OnnxruntimeBackend)
}

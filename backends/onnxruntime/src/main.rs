//! Runs MobileLLM on ONNX Runtime.
fn main() {}

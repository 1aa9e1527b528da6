//! Random weights, made and written a piece at a time.

use std::path::Path;

use pocketwatt_protocol::Precision;

use super::random::TensorValues;
use crate::{
    ModelConfig, ModelError,
    precision::stored_tensors,
    weight_writer::{F32_BYTES, WeightWriter},
};

/// Weights made at a time: they are hashed and written while they are in the cache.
const CHUNK_BYTES: usize = 1 << 18;

/// Writes all weights of the configuration; returns the SHA-256 of the file.
pub fn write(config: &ModelConfig, seed: u64, path: &Path) -> Result<String, ModelError> {
    let tensors = config.tensors();
    let mut writer = WeightWriter::create(path, &stored_tensors(config, Precision::F32))?;
    let mut chunk = vec![0; CHUNK_BYTES];
    for tensor in &tensors {
        let values = TensorValues::new(seed, tensor);
        let bytes = F32_BYTES * tensor.elements();
        for start in (0..bytes).step_by(CHUNK_BYTES) {
            let piece = &mut chunk[..CHUNK_BYTES.min(bytes - start)];
            values.write(start / F32_BYTES, piece);
            writer.write(piece)?;
        }
    }
    Ok(writer.finish())
}

//! Random weights, generated in pieces: written in f32, or read by code that rounds them.

use std::{
    io::{self, Write},
    path::Path,
};

use pocketwatt_protocol::Precision;

use super::random::TensorValues;
use crate::{
    ModelConfig, ModelError, TensorSpec,
    precision::stored_tensors,
    weight_writer::{F32_BYTES, WeightWriter, WrittenFile},
};

/// Weights generated at a time: they are hashed and written while they are in the cache. An even number, as a draw makes two.
const CHUNK: usize = 1 << 16;

/// Writes all weights of the configuration in f32 into `file`, whose final path is `path`.
pub fn write(config: &ModelConfig, seed: u64, file: impl Write, path: &Path) -> Result<WrittenFile, ModelError> {
    let mut weights = SeededWeights::begin(config, seed, file, path)?;
    weights.draw_all(config)?;
    Ok(weights.finish())
}

/// Size and hash of the f32 file of all weights, without writing it: its SHA-256 is that of the model in every precision.
pub fn describe(config: &ModelConfig, seed: u64) -> Result<WrittenFile, ModelError> {
    write(config, seed, io::sink(), Path::new(""))
}

/// The weights of a seed as they are drawn, one tensor at a time in the order of the configuration. They are written to an f32
/// file on the way, or to none, and hashed as that file.
pub struct SeededWeights<'a, W> {
    seed: u64,
    file: WeightWriter<'a, W>,
    bytes: Vec<u8>,
}

impl SeededWeights<'static, io::Sink> {
    /// Begins weights that are read and not written.
    pub fn unwritten(config: &ModelConfig, seed: u64) -> Result<Self, ModelError> {
        Self::begin(config, seed, io::sink(), Path::new(""))
    }
}

impl<'a, W: Write> SeededWeights<'a, W> {
    fn begin(config: &ModelConfig, seed: u64, file: W, path: &'a Path) -> Result<Self, ModelError> {
        let file = WeightWriter::begin(file, path, &stored_tensors(config, Precision::F32))?;
        Ok(Self { seed, file, bytes: vec![0; CHUNK * F32_BYTES] })
    }

    fn draw_all(&mut self, config: &ModelConfig) -> Result<(), ModelError> {
        for tensor in &config.tensors() {
            self.draw(tensor, 0, tensor.elements(), |_| ())?;
        }
        Ok(())
    }

    /// The next weights: those of `tensor` from number `first`, an even number.
    pub fn read(&mut self, tensor: &TensorSpec, first: usize, values: &mut [f32]) -> Result<(), ModelError> {
        let count = values.len();
        let mut values = values.iter_mut();
        self.draw(tensor, first, count, |bytes| {
            for (bytes, value) in bytes.as_chunks::<F32_BYTES>().0.iter().zip(values.by_ref()) {
                *value = f32::from_le_bytes(*bytes);
            }
        })
    }

    fn draw(
        &mut self,
        tensor: &TensorSpec,
        first: usize,
        count: usize,
        mut take: impl FnMut(&[u8]),
    ) -> Result<(), ModelError> {
        let drawn = TensorValues::new(self.seed, tensor);
        for start in (0..count).step_by(CHUNK) {
            let bytes = &mut self.bytes[..CHUNK.min(count - start) * F32_BYTES];
            drawn.write(first + start, bytes);
            self.file.write(bytes)?;
            take(bytes);
        }
        Ok(())
    }

    /// Size and hash of the f32 file, whether or not it was written.
    pub fn finish(self) -> WrittenFile {
        self.file.finish()
    }
}

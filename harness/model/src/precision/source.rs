//! The source of the weights that are rounded.

use std::io;

use crate::{
    ModelError, ModelFolder, ModelManifest, TensorSpec, WeightFile, seeded::SeededWeights, weight_writer::WrittenFile,
};

/// The weights of a model in f32, read once, tensor after tensor in the order of the configuration.
pub(super) enum Source {
    /// `model.safetensors`.
    File(WeightFile),
    /// A seed, where that file was never written.
    Seed(SeededWeights<'static, io::Sink>),
}

impl Source {
    /// The source for a model: the file, or the seed where the file does not exist.
    ///
    /// # Errors
    /// When the file cannot be read, or is missing from a model whose weights are not random.
    pub fn open(folder: &ModelFolder) -> Result<Self, ModelError> {
        let seed = if folder.has_f32() { None } else { ModelManifest::read(folder)?.seed() };
        Ok(match seed {
            Some(seed) => Self::Seed(SeededWeights::unwritten(folder.config(), seed)?),
            None => Self::File(folder.weights()?),
        })
    }

    /// Reads the next weights: those of `tensor` from number `first`, an even number.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn read(&mut self, tensor: &TensorSpec, first: usize, values: &mut [f32]) -> Result<(), ModelError> {
        match self {
            Self::File(file) => file.read_f32_from(&tensor.name, first, values),
            Self::Seed(weights) => weights.read(tensor, first, values),
        }
    }

    /// Size and hash of the f32 file of all weights that were read, where it was never written.
    pub fn finish(self) -> Option<WrittenFile> {
        match self {
            Self::File(_) => None,
            Self::Seed(weights) => Some(weights.finish()),
        }
    }
}

//! Where the weights that are rounded come from.

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
    /// That of a model: the file, or the seed where there is none.
    ///
    /// # Errors
    /// When the file cannot be read, or is missing from a model whose weights are not random.
    pub fn of(folder: &ModelFolder) -> Result<Self, ModelError> {
        let seed = if folder.has_f32() { None } else { ModelManifest::read(folder)?.seed() };
        Ok(match seed {
            Some(seed) => Self::Seed(SeededWeights::unwritten(folder.config(), seed)?),
            None => Self::File(folder.weights()?),
        })
    }

    /// The next weights: those of `tensor` from the one numbered `first`, an even number.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn read(&mut self, tensor: &TensorSpec, first: usize, values: &mut [f32]) -> Result<(), ModelError> {
        match self {
            Self::File(file) => file.read_f32_from(&tensor.name, first, values),
            Self::Seed(weights) => weights.read(tensor, first, values),
        }
    }

    /// What the file of all weights that were read would be, where there was none.
    pub fn finish(self) -> Option<WrittenFile> {
        match self {
            Self::File(_) => None,
            Self::Seed(weights) => Some(weights.finish()),
        }
    }
}

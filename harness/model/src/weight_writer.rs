//! Writing `model.safetensors` in one pass, hashed on the way.

use std::{fs::File, io::Write, path::Path};

use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::{ModelError, TensorSpec};

/// Weights begin at a multiple of this, so that engines that map the file get whole cache lines.
const ALIGNMENT: usize = 64;
/// Bytes of a weight.
pub(crate) const F32_BYTES: usize = 4;

/// A weight file that is being written, tensor after tensor in the order of its header.
pub(crate) struct WeightWriter<'a> {
    path: &'a Path,
    file: File,
    hasher: Sha256,
}

impl<'a> WeightWriter<'a> {
    /// Begins a file with these tensors, all f32.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn create(path: &'a Path, tensors: &[TensorSpec]) -> Result<Self, ModelError> {
        let file = File::create(path).map_err(ModelError::io("write", path))?;
        let mut writer = Self { path, file, hasher: Sha256::new() };
        let header = header(tensors).map_err(|error| ModelError::invalid(path, error.to_string()))?;
        writer.write(&header)?;
        Ok(writer)
    }

    /// The next bytes of the tensors.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), ModelError> {
        self.hasher.update(bytes);
        self.file.write_all(bytes).map_err(ModelError::io("write", self.path))
    }

    /// SHA-256 of the whole file.
    pub fn finish(self) -> String {
        self.hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The length of the header and the header, filled up with spaces as the format allows.
fn header(tensors: &[TensorSpec]) -> Result<Vec<u8>, serde_json::Error> {
    let json = serde_json::to_vec(&Header(tensors))?;
    let padded = (8 + json.len()).next_multiple_of(ALIGNMENT) - 8;
    let mut header = (padded as u64).to_le_bytes().to_vec();
    header.extend(json);
    header.resize(8 + padded, b' ');
    Ok(header)
}

/// The header in the order of the tensors. A map of `serde_json` would have an order that depends on the features with
/// which other crates ask for it.
struct Header<'a>(&'a [TensorSpec]);

#[derive(Serialize)]
#[serde(untagged)]
enum Entry<'a> {
    Tensor { dtype: &'static str, shape: &'a [usize], data_offsets: [usize; 2] },
    Metadata { format: &'static str },
}

impl Serialize for Header<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Hugging Face's loaders insist on this entry.
        let metadata = ("__metadata__", Entry::Metadata { format: "pt" });
        let tensors = self.0.iter().scan(0, |end, tensor| {
            let start = *end;
            *end += F32_BYTES * tensor.elements();
            let entry = Entry::Tensor { dtype: "F32", shape: &tensor.shape, data_offsets: [start, *end] };
            Some((tensor.name.as_str(), entry))
        });
        serializer.collect_map(std::iter::once(metadata).chain(tensors))
    }
}

//! Writes weight files in one pass, and hashes them on the way.

use std::{io::Write, path::Path};

use pocketwatt_files::hexadecimal;
use safetensors::tensor::Dtype;
use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::{ModelError, precision::StoredTensor};

/// Weights begin at a multiple of this, so that engines that map the file get whole cache lines.
const ALIGNMENT: usize = 64;
/// Bytes of a weight.
pub(crate) const F32_BYTES: usize = 4;
/// Numbers converted to bytes at a time.
const CHUNK: usize = 1 << 16;

/// The size and hash of a file, whether or not it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WrittenFile {
    /// Its length.
    pub bytes: u64,
    /// SHA-256 of all of it, in lower-case hexadecimal.
    pub sha256: String,
}

/// A weight file that is being written, one tensor after the other in the order of its header.
pub(crate) struct WeightWriter<'a, W> {
    path: &'a Path,
    file: W,
    bytes: u64,
    hasher: Sha256,
}

impl<'a, W: Write> WeightWriter<'a, W> {
    /// Begins a file with these tensors in an open one, whose final path is `path`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn begin(file: W, path: &'a Path, tensors: &[StoredTensor]) -> Result<Self, ModelError> {
        let mut writer = Self { path, file, bytes: 0, hasher: Sha256::new() };
        let header = header(tensors).map_err(|error| ModelError::invalid(path, error.to_string()))?;
        writer.write(&header)?;
        Ok(writer)
    }

    /// Writes the next bytes of the tensors.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), ModelError> {
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
        self.file.write_all(bytes).map_err(ModelError::io("write", self.path))
    }

    /// Writes the next numbers of the tensors.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn write_f32(&mut self, values: &[f32]) -> Result<(), ModelError> {
        let mut bytes = Vec::with_capacity(CHUNK * F32_BYTES);
        for chunk in values.chunks(CHUNK) {
            bytes.clear();
            bytes.extend(chunk.iter().flat_map(|value| value.to_le_bytes()));
            self.write(&bytes)?;
        }
        Ok(())
    }

    /// Size and hash of the whole file.
    pub fn finish(self) -> WrittenFile {
        WrittenFile { bytes: self.bytes, sha256: hexadecimal(self.hasher.finalize()) }
    }
}

/// The length of the header and the header, padded with spaces as the format allows.
fn header(tensors: &[StoredTensor]) -> Result<Vec<u8>, serde_json::Error> {
    let json = serde_json::to_vec(&Header(tensors))?;
    let padded = (8 + json.len()).next_multiple_of(ALIGNMENT) - 8;
    let mut header = (padded as u64).to_le_bytes().to_vec();
    header.extend(json);
    header.resize(8 + padded, b' ');
    Ok(header)
}

/// The header in the order of the tensors. The order of a `serde_json` map would depend on the features that
/// other crates enable.
struct Header<'a>(&'a [StoredTensor]);

#[derive(Serialize)]
#[serde(untagged)]
enum Entry<'a> {
    Tensor { dtype: Dtype, shape: &'a [usize], data_offsets: [usize; 2] },
    Metadata { format: &'static str },
}

impl Serialize for Header<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Hugging Face's loaders require this entry.
        let metadata = ("__metadata__", Entry::Metadata { format: "pt" });
        let tensors = self.0.iter().scan(0, |end, tensor| {
            let start = *end;
            *end += tensor.bytes();
            let entry = Entry::Tensor { dtype: tensor.dtype, shape: &tensor.shape, data_offsets: [start, *end] };
            Some((tensor.name.as_str(), entry))
        });
        serializer.collect_map(std::iter::once(metadata).chain(tensors))
    }
}

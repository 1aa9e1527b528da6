//! Writing `model.safetensors` in one pass.

use std::{fs::File, io::Write, path::Path};

use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};

use super::random::TensorValues;
use crate::{ModelConfig, ModelError, TensorSpec};

/// Weights begin at a multiple of this, so that engines that map the file get whole cache lines.
const ALIGNMENT: usize = 64;
/// Weights made at a time: they are hashed and written while they are in the cache.
const CHUNK_BYTES: usize = 1 << 18;
const F32_BYTES: usize = 4;

/// Size of the weights in the file, its header left out.
pub fn weight_bytes(config: &ModelConfig) -> u64 {
    config.parameters() * F32_BYTES as u64
}

/// Writes all weights of the configuration; returns the SHA-256 of the file.
pub fn write(config: &ModelConfig, seed: u64, path: &Path) -> Result<String, ModelError> {
    let tensors = config.tensors();
    let mut file = File::create(path).map_err(ModelError::io("write", path))?;
    let mut hasher = Sha256::new();
    let mut write = |bytes: &[u8]| {
        hasher.update(bytes);
        file.write_all(bytes).map_err(ModelError::io("write", path))
    };
    write(&header(&tensors).map_err(|error| ModelError::invalid(path, error.to_string()))?)?;
    let mut chunk = vec![0; CHUNK_BYTES];
    for tensor in &tensors {
        let values = TensorValues::new(seed, tensor);
        let bytes = F32_BYTES * elements(tensor);
        for start in (0..bytes).step_by(CHUNK_BYTES) {
            let piece = &mut chunk[..CHUNK_BYTES.min(bytes - start)];
            values.write(start / F32_BYTES, piece);
            write(piece)?;
        }
    }
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
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
            *end += F32_BYTES * elements(tensor);
            let entry = Entry::Tensor { dtype: "F32", shape: &tensor.shape, data_offsets: [start, *end] };
            Some((tensor.name.as_str(), entry))
        });
        serializer.collect_map(std::iter::once(metadata).chain(tensors))
    }
}

fn elements(tensor: &TensorSpec) -> usize {
    tensor.shape.iter().product()
}

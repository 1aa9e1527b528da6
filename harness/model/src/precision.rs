//! Weights in other number formats than f32. They are rounded once, here, so that every backend computes with the same
//! codes: a file of codes and scales beside `model.safetensors` is made from it, or from the seed of seeded
//! weights.
//!
//! | precision | file | tensors for each matrix `[out, in]` |
//! |---|---|---|
//! | f32 | `model.safetensors` | itself |
//! | f16, bf16 | `model.f16.safetensors`, `model.bf16.safetensors` | itself, rounded to nearest even |
//! | int8 | `model.int8.safetensors` | `.codes` u8 `[out, in / 32, 32]`, 128 is zero; `.scales` f32 `[out, in / 32]` |
//! | int4 | `model.int4.safetensors` | `.codes` u8 `[out, in / 32, 16]`, two to a byte, the first in the low half, 8 is zero; `.scales` as int8 |
//! | w8a8 | `model.w8a8.safetensors` | `.codes` u8 `[in, out]`, 128 is zero; `.scales` and `.sums` f32 `[out]` |
//!
//! Norms stay f32 in all of them. Embedding and head are rounded like every other matrix.

mod block;
mod channel;
mod halves;
mod layout;
mod source;
mod write;

use std::path::{Path, PathBuf};

use pocketwatt_protocol::{ModelFiles, Precision};

pub use block::{BLOCK, dequantise_int4, dequantise_int8};
pub use channel::dequantise_channels;
pub use layout::{CODES, SCALES, SUMS, StoredTensor, bytes_per_token, obstacle, stored_bytes, stored_tensors};
pub(crate) use write::{is_derived, write_seeded};
pub use write::{is_intact, prepare_weights};

use crate::{ModelConfig, ModelError, ModelFolder, WeightFile};

/// The weights of a model in one precision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreparedWeights {
    /// The file.
    pub path: PathBuf,
    /// Its SHA-256, in lower-case hexadecimal.
    pub sha256: String,
    /// Bytes of all weights, scales included, as an engine of that precision holds them.
    pub bytes: u64,
    /// The part of them that one decoded token has to read.
    pub bytes_per_token: u64,
}

/// Name of the file that holds the weights of a model in that precision.
pub fn weights_file_name(precision: Precision) -> &'static str {
    match precision {
        Precision::F32 => "model.safetensors",
        Precision::F16 => "model.f16.safetensors",
        Precision::Bf16 => "model.bf16.safetensors",
        Precision::Int8 => "model.int8.safetensors",
        Precision::W8a8 => "model.w8a8.safetensors",
        Precision::Int4 => "model.int4.safetensors",
    }
}

/// Opens the files of a request: the configuration, and the weights in the requested precision.
///
/// # Errors
/// When a file is missing or malformed, or a tensor is missing, misshapen or of another number format.
pub fn open_weights(files: &ModelFiles, precision: Precision) -> Result<(ModelConfig, WeightFile), ModelError> {
    let config = ModelConfig::read(&files.folder.join("config.json"))?;
    let weights = checked(&files.weights, &config, precision)?;
    Ok((config, weights))
}

/// The numbers that a tensor in a file of that precision represents, `[out, in]` for a matrix: the factors of an engine that
/// does no further rounding.
///
/// # Errors
/// When it is missing or cannot be read.
pub fn read_dequantised(weights: &WeightFile, name: &str, precision: Precision) -> Result<Vec<f32>, ModelError> {
    let codes = format!("{name}{CODES}");
    if !weights.tensors().contains_key(&codes) {
        return weights.read_f32(name);
    }
    let codes = weights.read_bytes(&codes)?;
    let scales = weights.read_f32(&format!("{name}{SCALES}"))?;
    let mut values = vec![0.0; if precision == Precision::Int4 { 2 * codes.len() } else { codes.len() }];
    match precision {
        Precision::Int4 => dequantise_int4(&codes, &scales, &mut values),
        Precision::W8a8 => dequantise_channels(&codes, &scales, &mut values),
        _ => dequantise_int8(&codes, &scales, &mut values),
    }
    Ok(values)
}

/// The weights in that precision, which must be prepared.
pub(crate) fn open_folder(folder: &ModelFolder, precision: Precision) -> Result<WeightFile, ModelError> {
    checked(&folder.path().join(weights_file_name(precision)), folder.config(), precision)
}

fn checked(path: &Path, config: &ModelConfig, precision: Precision) -> Result<WeightFile, ModelError> {
    let weights = WeightFile::open(path)?;
    match precision {
        Precision::F32 => weights.check(config)?,
        _ => layout::check(&weights, config, precision)?,
    }
    Ok(weights)
}

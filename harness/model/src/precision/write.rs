//! Writes the weight file of a precision once.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use pocketwatt_files::write_atomically;
use pocketwatt_protocol::Precision;
use safetensors::tensor::Dtype;
use serde::{Deserialize, Serialize};

use super::{
    PreparedWeights,
    block::{quantise_int4, quantise_int8},
    channel::quantise_channels,
    halves::{bf16_bytes, f16_bytes},
    layout::{bytes_per_token, obstacle, stored_bytes, stored_tensors},
    source::Source,
    weights_file_name,
};
use crate::{
    ModelConfig, ModelError, ModelFolder, ModelManifest, TensorSpec,
    seeded::{SeededWeights, write_seeded_f32},
    sha256_of_file,
    staging::require_space,
    weight_writer::{F32_BYTES, WeightWriter, WrittenFile},
};

/// Must change when the same weights are rounded to other codes: files with another number are written again.
const SCHEME: u32 = 3;

/// What is known about a written file, in a small file beside it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Receipt {
    scheme: u32,
    source_sha256: String,
    sha256: String,
}

/// Number of weights that are read and rounded at a time, where their precision allows it.
const CHUNK: usize = 1 << 18;

/// The weights of a model in that precision, made from `model.safetensors`, whose SHA-256 is `source_sha256`, unless the
/// file already exists unchanged. For a seeded model without that file they are made from the seed, in f32 too.
/// Other processes see either the finished file or none; to make it only once, a caller lets one process at a time call this
/// for a model.
///
/// # Errors
/// When the model's shape does not allow it ([`obstacle`]), a weight is beyond the numbers of that precision
/// ([`ModelError::OutOfRange`]), the seed gives other weights ([`ModelError::OtherSeededWeights`]), the disk has
/// no room, or a file cannot be read or written.
pub fn prepare_weights(
    folder: &ModelFolder,
    source_sha256: &str,
    precision: Precision,
) -> Result<PreparedWeights, ModelError> {
    let config = folder.config();
    if let Some(reason) = obstacle(config, precision) {
        return Err(ModelError::Config(reason));
    }
    let path = folder.path().join(weights_file_name(precision));
    let (bytes, bytes_per_token) = bytes_per_token(config, precision);
    let prepared = |sha256: String| PreparedWeights { path: path.clone(), sha256, bytes, bytes_per_token };
    if precision == Precision::F32 {
        if !folder.has_f32() {
            write_f32_again(folder, source_sha256, &path)?;
        }
        return Ok(prepared(source_sha256.to_owned()));
    }
    if let Some(sha256) = intact(&path, source_sha256) {
        return Ok(prepared(sha256));
    }
    let mut source = Source::open(folder)?;
    let sha256 = replace(&path, stored_bytes(config, precision), |file| {
        let read = |tensor: &TensorSpec, first, values: &mut [f32]| source.read(tensor, first, values);
        let written = write(config, precision, (file, &path), read)?;
        source.finish().map_or(Ok(()), |found| ensure_same(folder, &found, source_sha256))?;
        Ok(written.sha256)
    })?;
    let receipt = Receipt { scheme: SCHEME, source_sha256: source_sha256.to_owned(), sha256: sha256.clone() };
    let receipt_path = receipt_path(&path);
    let text = receipt.text(&receipt_path)?;
    replace(&receipt_path, text.len() as u64, |file| {
        file.write_all(text.as_bytes()).map_err(ModelError::io("write", &receipt_path))
    })?;
    Ok(prepared(sha256))
}

/// Whether the file of rounded weights of a model was made from the weights with that SHA-256. Another one is made
/// again when it is needed.
pub fn is_intact(folder: &ModelFolder, source_sha256: &str, precision: Precision) -> bool {
    intact(&folder.path().join(weights_file_name(precision)), source_sha256).is_some()
}

/// Its SHA-256, if it was.
fn intact(path: &Path, source_sha256: &str) -> Option<String> {
    let receipt = read_receipt(path)?;
    let known = receipt.scheme == SCHEME && receipt.source_sha256 == source_sha256;
    (known && sha256_of_file(path).is_ok_and(|found| found == receipt.sha256)).then_some(receipt.sha256)
}

/// Rounds the weights of a seed as they are drawn, into a folder that is not visible to others yet. Returns size and hash of the
/// same weights in f32.
///
/// # Errors
/// When the shape does not allow the precision, or a file cannot be written.
pub(crate) fn write_seeded(
    config: &ModelConfig,
    seed: u64,
    precision: Precision,
    folder: &Path,
) -> Result<WrittenFile, ModelError> {
    if let Some(reason) = obstacle(config, precision) {
        return Err(ModelError::Config(reason));
    }
    let path = folder.join(weights_file_name(precision));
    let file = File::create(&path).map_err(ModelError::io("write", &path))?;
    let mut weights = SeededWeights::unwritten(config, seed)?;
    let rounded =
        write(config, precision, (&file, &path), |tensor, first, values| weights.read(tensor, first, values))?;
    let source = weights.finish();
    let receipt = Receipt { scheme: SCHEME, source_sha256: source.sha256.clone(), sha256: rounded.sha256 };
    let receipt_path = receipt_path(&path);
    fs::write(&receipt_path, receipt.text(&receipt_path)?).map_err(ModelError::io("write", &receipt_path))?;
    Ok(source)
}

/// Whether a file with that name in a model's folder was derived from the model's weights.
pub(crate) fn is_derived(name: &str) -> bool {
    let files = Precision::ALL.into_iter().filter(|precision| *precision != Precision::F32).map(weights_file_name);
    files.map(Path::new).any(|file| Path::new(name) == file || Path::new(name) == receipt_path(file))
}

fn receipt_path(weights: &Path) -> PathBuf {
    weights.with_extension("json")
}

fn read_receipt(weights: &Path) -> Option<Receipt> {
    serde_json::from_slice(&fs::read(receipt_path(weights)).ok()?).ok()
}

impl Receipt {
    fn text(&self, path: &Path) -> Result<String, ModelError> {
        serde_json::to_string(self).map_err(|error| ModelError::invalid(path, error.to_string()))
    }
}

/// Writes `model.safetensors` of a seeded model that was generated without it.
fn write_f32_again(folder: &ModelFolder, expected: &str, path: &Path) -> Result<(), ModelError> {
    let Some(seed) = ModelManifest::read(folder)?.seed() else { return folder.weights().map(drop) };
    let config = folder.config();
    replace(path, config.weight_bytes(), |file| {
        let found = write_seeded_f32(config, seed, file, path)?;
        ensure_same(folder, &found, expected)
    })
}

/// Checks that the weights are those of the manifest; otherwise none are written.
fn ensure_same(folder: &ModelFolder, found: &WrittenFile, expected: &str) -> Result<(), ModelError> {
    if found.sha256 == expected {
        return Ok(());
    }
    Err(ModelError::OtherSeededWeights {
        path: folder.path().to_owned(),
        expected: expected.to_owned(),
        found: found.sha256.clone(),
    })
}

/// Writes a file of about `needed` bytes that appears whole or not at all.
fn replace<R>(
    path: &Path,
    needed: u64,
    write: impl FnOnce(&mut File) -> Result<R, ModelError>,
) -> Result<R, ModelError> {
    require_space(path.parent().unwrap_or(Path::new(".")), needed)?;
    write_atomically(path, |file| write(file).map_err(io::Error::other))
        .map_err(|error| error.downcast::<ModelError>().unwrap_or_else(ModelError::io("write", path)).or_full(needed))
}

/// Rounds what `read` returns: the weights of a tensor from the given number on. Works on some rows at a time, so that only
/// those and all scales are in memory: 0.9 GB of scales for 7 * 10^9 weights.
fn write(
    config: &ModelConfig,
    precision: Precision,
    (file, path): (&File, &Path),
    mut read: impl FnMut(&TensorSpec, usize, &mut [f32]) -> Result<(), ModelError>,
) -> Result<WrittenFile, ModelError> {
    let tensors = stored_tensors(config, precision);
    let numbers = tensors.iter().filter(|tensor| tensor.dtype == Dtype::F32);
    let mut numbers = Vec::with_capacity(numbers.map(|tensor| tensor.bytes() / F32_BYTES).sum());
    let mut writer = WeightWriter::begin(file, path, &tensors)?;
    let mut weights = Vec::new();
    for tensor in config.tensors() {
        let elements = tensor.elements();
        let chunk = chunk(&tensor, precision);
        for first in (0..elements).step_by(chunk) {
            weights.resize(chunk.min(elements - first), 0.0);
            read(&tensor, first, &mut weights)?;
            let (codes, rest) = rounded(&weights, &tensor, precision)?;
            writer.write(&codes)?;
            numbers.extend(rest);
        }
    }
    writer.write_f32(&numbers)?;
    Ok(writer.finish())
}

/// How many weights of a tensor are rounded at a time: whole rows, and an even number, because an odd one might end in the middle
/// of a draw. Outputs that are adjacent in the file are rounded together.
fn chunk(tensor: &TensorSpec, precision: Precision) -> usize {
    match tensor.shape[..] {
        [_, columns] if precision != Precision::W8a8 => columns * (CHUNK / columns).next_multiple_of(2).max(2),
        _ => tensor.elements(),
    }
}

/// The codes of weights of a tensor, and their scales; a norm has no codes and is not changed.
fn rounded(weights: &[f32], tensor: &TensorSpec, precision: Precision) -> Result<(Vec<u8>, Vec<f32>), ModelError> {
    let [_, columns] = tensor.shape[..] else { return Ok((Vec::new(), weights.to_vec())) };
    Ok(match precision {
        Precision::F32 => (Vec::new(), weights.to_vec()),
        Precision::F16 => (f16_bytes(weights, &tensor.name)?, Vec::new()),
        Precision::Bf16 => (bf16_bytes(weights, &tensor.name)?, Vec::new()),
        Precision::Int8 => quantise_int8(weights).into_parts(),
        Precision::Int4 => quantise_int4(weights).into_parts(),
        Precision::W8a8 => {
            let channels = quantise_channels(weights, columns);
            (channels.codes, [channels.scales, channels.sums].concat())
        }
    })
}

#[cfg(test)]
mod tests;

//! Making the file of a precision, once.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

use pocketwatt_files::write_atomically;
use pocketwatt_protocol::Precision;
use serde::{Deserialize, Serialize};

use super::{
    PreparedWeights,
    block::{quantise_int4, quantise_int8},
    channel::quantise_channels,
    halves::{bf16_bytes, f16_bytes},
    layout::{bytes_per_token, obstacle, stored_tensors},
    weights_file_name,
};
use crate::{ModelError, ModelFolder, TensorSpec, sha256_of_file, weight_writer::WeightWriter};

/// Changes when the same weights are rounded to other codes than before: files of another number are made anew.
const SCHEME: u32 = 3;

/// What is known of a file that was made, in a small file beside it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Receipt {
    scheme: u32,
    source_sha256: String,
    sha256: String,
}

/// The weights of a model in that precision; made from `model.safetensors`, whose SHA-256 is `source_sha256`, unless the
/// file is there already and unchanged. Other processes see the finished file, or none; whoever wants it made once only lets
/// one process at a time call this for a model.
///
/// # Errors
/// When the model's shape does not allow it ([`obstacle`]), a weight is beyond the numbers of that precision
/// ([`ModelError::OutOfRange`]), or a file cannot be read or written.
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
    if path == folder.weights_path() {
        return Ok(prepared(source_sha256.to_owned()));
    }
    let receipt_path = path.with_extension("json");
    if let Some(receipt) = read_receipt(&receipt_path)
        && receipt.scheme == SCHEME
        && receipt.source_sha256 == source_sha256
        && sha256_of_file(&path).is_ok_and(|found| found == receipt.sha256)
    {
        return Ok(prepared(receipt.sha256));
    }
    let sha256 = replace(&path, |file| write(folder, precision, file, &path))?;
    let receipt = Receipt { scheme: SCHEME, source_sha256: source_sha256.to_owned(), sha256: sha256.clone() };
    let text =
        serde_json::to_string(&receipt).map_err(|error| ModelError::invalid(&receipt_path, error.to_string()))?;
    replace(&receipt_path, |file| file.write_all(text.as_bytes()).map_err(ModelError::io("write", &receipt_path)))?;
    Ok(prepared(sha256))
}

fn read_receipt(path: &Path) -> Option<Receipt> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// Writes a file that appears whole or not at all.
fn replace<R>(path: &Path, write: impl FnOnce(&mut File) -> Result<R, ModelError>) -> Result<R, ModelError> {
    write_atomically(path, |file| write(file).map_err(io::Error::other))
        .map_err(|error| error.downcast::<ModelError>().unwrap_or_else(ModelError::io("write", path)))
}

/// Tensor after tensor, so that no more than the largest and all scales are in memory. Returns the file's SHA-256.
fn write(folder: &ModelFolder, precision: Precision, file: &File, path: &Path) -> Result<String, ModelError> {
    let source = folder.weights()?;
    let tensors = stored_tensors(folder.config(), precision);
    let needed = tensors.iter().map(|tensor| tensor.bytes() as u64).sum();
    let write_all = || {
        let file = file.try_clone().map_err(ModelError::io("write", path))?;
        let mut writer = WeightWriter::begin(file, path, &tensors)?;
        let mut numbers = Vec::new();
        for tensor in folder.config().tensors() {
            let weights = source.read_f32(&tensor.name)?;
            let (codes, rest) = rounded(weights, &tensor, precision)?;
            writer.write(&codes)?;
            numbers.extend(rest);
        }
        writer.write_f32(&numbers)?;
        Ok(writer.finish())
    };
    write_all().map_err(|error: ModelError| error.or_full(needed))
}

/// The codes of a tensor, and its scales; a norm has no codes and stays as it is.
fn rounded(weights: Vec<f32>, tensor: &TensorSpec, precision: Precision) -> Result<(Vec<u8>, Vec<f32>), ModelError> {
    let [_, columns] = tensor.shape[..] else { return Ok((Vec::new(), weights)) };
    Ok(match precision {
        Precision::F32 => (Vec::new(), weights),
        Precision::F16 => (f16_bytes(&weights, &tensor.name)?, Vec::new()),
        Precision::Bf16 => (bf16_bytes(&weights, &tensor.name)?, Vec::new()),
        Precision::Int8 => quantise_int8(&weights).into_parts(),
        Precision::Int4 => quantise_int4(&weights).into_parts(),
        Precision::W8a8 => {
            let channels = quantise_channels(&weights, columns);
            (channels.codes, [channels.scales, channels.sums].concat())
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ModelConfig, Preset, generate_seeded};

    fn model(root: &Path) -> (ModelFolder, String) {
        let tiny = Preset::find("tiny").unwrap().config();
        let config = ModelConfig { hidden: 64, heads: 4, ..tiny };
        let folder = generate_seeded(&config, "small", 7, &root.join("small")).unwrap();
        let sha256 = sha256_of_file(&folder.weights_path()).unwrap();
        (folder, sha256)
    }

    #[test]
    fn files_are_made_once_and_again_when_damaged_or_of_other_weights() {
        let root = tempfile::tempdir().unwrap();
        let (folder, source) = model(root.path());
        for precision in Precision::ALL.into_iter().filter(|precision| *precision != Precision::F32) {
            let made = prepare_weights(&folder, &source, precision).unwrap();
            let written = fs::metadata(&made.path).unwrap().modified().unwrap();
            assert_eq!(prepare_weights(&folder, &source, precision).unwrap(), made);
            assert_eq!(fs::metadata(&made.path).unwrap().modified().unwrap(), written, "made once");

            let good = fs::read(&made.path).unwrap();
            let mut bad = good.clone();
            *bad.last_mut().unwrap() ^= 1;
            fs::write(&made.path, bad).unwrap();
            assert_eq!(prepare_weights(&folder, &source, precision).unwrap(), made);
            assert_eq!(fs::read(&made.path).unwrap(), good);

            fs::write(&made.path, b"stale").unwrap();
            prepare_weights(&folder, "other weights", precision).unwrap();
            assert_eq!(fs::read(&made.path).unwrap(), good, "what was made from other weights is not believed");
        }
        let hidden = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().starts_with('.');
        let leftovers = fs::read_dir(folder.path()).unwrap().map(Result::unwrap).filter(hidden);
        assert_eq!(leftovers.count(), 0);
    }

    #[test]
    fn a_weight_beyond_f16_is_told_and_leaves_no_file() {
        let root = tempfile::tempdir().unwrap();
        let (folder, source) = model(root.path());
        let name = "model.layers.0.mlp.up_proj.weight";
        let offset = folder.weights().unwrap().tensor(name).unwrap().offset as usize;
        let mut bytes = fs::read(folder.weights_path()).unwrap();
        bytes[offset..offset + 4].copy_from_slice(&1e6_f32.to_le_bytes());
        fs::write(folder.weights_path(), bytes).unwrap();
        let before = fs::read_dir(folder.path()).unwrap().count();
        let error = prepare_weights(&folder, &source, Precision::F16).unwrap_err();
        assert!(matches!(&error, ModelError::OutOfRange { name: found, .. } if found == name), "{error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), before);
        prepare_weights(&folder, &source, Precision::Bf16).unwrap();
    }

    #[test]
    fn a_file_of_the_precision_opens_and_that_of_another_does_not() {
        let root = tempfile::tempdir().unwrap();
        let (folder, source) = model(root.path());
        let files = |precision| {
            let made = prepare_weights(&folder, &source, precision).unwrap();
            pocketwatt_protocol::ModelFiles {
                folder: folder.path().to_owned(),
                weights: made.path,
                weights_sha256: made.sha256,
                graph: None,
            }
        };
        for precision in Precision::ALL {
            super::super::open_weights(&files(precision), precision).unwrap();
        }
        let error = super::super::open_weights(&files(Precision::Int8), Precision::Int4).unwrap_err().to_string();
        assert!(error.contains("codes\" in ") && error.contains("the configuration asks for"), "{error}");
        assert!(super::super::open_weights(&files(Precision::F32), Precision::Int4).is_err());
        assert!(super::super::open_weights(&files(Precision::Int4), Precision::F32).is_err());
        let error = super::super::open_weights(&files(Precision::Bf16), Precision::F16).unwrap_err().to_string();
        assert!(error.ends_with("is BF16, expected F16"), "{error}");
    }
}

//! Models with random weights: they need the same time, memory and energy as trained ones of the same shape, without a
//! download or a licence. Their text is nonsense.

mod random;
mod tokenizer;
mod weights;

use std::{
    fs::{self, File},
    path::Path,
};

use pocketwatt_protocol::Precision;

pub(crate) use self::weights::{SeededWeights, write as write_seeded_f32};
use crate::{
    ModelConfig, ModelError, ModelFolder, ModelManifest, ModelOrigin, Preset,
    precision::{stored_bytes, weights_file_name, write_seeded},
    staging::StagedFolder,
    weight_writer::WrittenFile,
};

/// Room on the disk for everything but the weights, in bytes.
const OTHER_BYTES: u64 = 8 << 20;

/// Writes a complete model of random weights in f32 into `folder`, as [`generate_seeded_in`] does.
///
/// # Errors
/// See [`generate_seeded_in`].
pub fn generate_seeded(config: &ModelConfig, name: &str, seed: u64, folder: &Path) -> Result<ModelFolder, ModelError> {
    generate_seeded_in(config, name, seed, Some(Precision::F32), folder)
}

/// Writes a model of random weights into `folder`, which must not exist or be empty. The same configuration and seed give
/// the same bytes on every machine.
///
/// Its weights are written in one precision, or in none yet: [`crate::precision::prepare_weights`] makes other precisions
/// when they are needed, f32 among them. They are rounded as they are drawn, so that a model that is measured in 4 bits
/// takes no more room than that; the result is the same as rounding its f32 file, whose SHA-256 the manifest
/// has whether or not it was written.
///
/// The folder appears when everything is written. It is not forced to the disk: [`ModelManifest::verify`] finds damage
/// from a power failure, and the model is generated again in seconds.
///
/// # Errors
/// When the folder is not empty, the disk has no room, the shape does not allow that precision, or the configuration cannot
/// be written as a `config.json` or has too small a vocabulary for a tokenizer (259).
pub fn generate_seeded_in(
    config: &ModelConfig,
    name: &str,
    seed: u64,
    precision: Option<Precision>,
    folder: &Path,
) -> Result<ModelFolder, ModelError> {
    config.validate()?;
    let config_text = config.to_json();
    if ModelConfig::from_json(&config_text)? != *config {
        return Err(ModelError::Config(format!("config.json cannot express {config:?}")));
    }
    let (tokenizer, tokenizer_config) = tokenizer::files(config)?;

    let needed = precision.map_or(0, |precision| stored_bytes(config, precision)) + OTHER_BYTES;
    let staged = StagedFolder::begin(folder, needed)?;
    let path = staged.path();
    let write_all = || {
        for (file, text) in
            [("config.json", config_text), ("tokenizer.json", tokenizer), ("tokenizer_config.json", tokenizer_config)]
        {
            let path = path.join(file);
            fs::write(&path, text).map_err(ModelError::io("write", path))?;
        }
        let weights = write_weights(config, seed, precision, path)?;
        let preset = Preset::ALL.iter().find(|preset| preset.config() == *config).map(|preset| preset.name.to_owned());
        ModelManifest::describe(name, ModelOrigin::Seeded { preset, seed }, path, weights)?.write(path)
    };
    write_all().map_err(|error| error.or_full(needed))?;
    staged.publish()?;
    ModelFolder::open(folder)
}

/// Writes them in that precision, and returns their size and hash in f32.
fn write_weights(
    config: &ModelConfig,
    seed: u64,
    precision: Option<Precision>,
    folder: &Path,
) -> Result<WrittenFile, ModelError> {
    match precision {
        Some(Precision::F32) => {
            let path = folder.join(weights_file_name(Precision::F32));
            let file = File::create(&path).map_err(ModelError::io("write", &path))?;
            weights::write(config, seed, file, &path)
        }
        Some(precision) => write_seeded(config, seed, precision, folder),
        None => weights::describe(config, seed),
    }
}

#[cfg(test)]
mod tests;

//! Models of random weights: the same time, memory and energy as trained ones of that shape, without a download or a
//! licence. What they say is nonsense.

mod random;
mod tokenizer;
mod weights;

use std::{fs, path::Path};

use crate::{ModelConfig, ModelError, ModelFolder, ModelManifest, ModelOrigin, Preset, staging::StagedFolder};

/// Room for everything but the weights.
const OTHER_BYTES: u64 = 8 << 20;

/// Writes a complete model of random weights into `folder`, which must not exist or be empty. The same configuration and
/// seed give the same bytes on every machine.
///
/// The folder appears when everything is written. It is not forced to the disk: what a power cut spoils,
/// [`ModelManifest::verify`] finds, and the model is made again in seconds.
///
/// # Errors
/// When the folder is occupied, the disk has no room, or the configuration cannot be written as a `config.json` or has
/// too small a vocabulary for a tokenizer (259).
pub fn generate_seeded(config: &ModelConfig, name: &str, seed: u64, folder: &Path) -> Result<ModelFolder, ModelError> {
    config.validate()?;
    let config_text = config.to_json();
    if ModelConfig::from_json(&config_text)? != *config {
        return Err(ModelError::Config(format!("config.json has no words for {config:?}")));
    }
    let (tokenizer, tokenizer_config) = tokenizer::files(config)?;

    let needed = config.weight_bytes() + OTHER_BYTES;
    let staged = StagedFolder::begin(folder, needed)?;
    let path = staged.path();
    let write_all = || {
        for (file, text) in
            [("config.json", config_text), ("tokenizer.json", tokenizer), ("tokenizer_config.json", tokenizer_config)]
        {
            let path = path.join(file);
            fs::write(&path, text).map_err(ModelError::io("write", path))?;
        }
        let sha256 = weights::write(config, seed, &path.join("model.safetensors"))?;
        let preset = Preset::ALL.iter().find(|preset| preset.config() == *config).map(|preset| preset.name.to_owned());
        ModelManifest::describe(name, ModelOrigin::Seeded { preset, seed }, path, sha256)?.write(path)
    };
    write_all().map_err(|error| error.or_full(needed))?;
    staged.publish()?;
    ModelFolder::open(folder)
}

#[cfg(test)]
mod tests;

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use pocketwatt_files::{open_regular, sha256_of_reader};
use pocketwatt_protocol::Precision;

use crate::{ModelConfig, ModelError, ModelManifest, WeightFile, manifest::is_absent, precision::weights_file_name};

/// Longest small text of a model, in bytes: `config.json`, the manifest, notes about its tokenizer.
pub(crate) const MOST_TEXT_BYTES: u64 = 4 << 20;

/// A model on disk: `config.json` and `model.safetensors`, and `tokenizer.json` for text. Seeded weights may exist only in
/// other precisions.
#[derive(Clone, Debug)]
pub struct ModelFolder {
    path: PathBuf,
    config: ModelConfig,
}

impl ModelFolder {
    /// Reads the configuration and checks that the weight file fits it.
    ///
    /// # Errors
    /// When a file is missing or malformed, or a tensor is missing or misshapen.
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        let folder = Self { path: path.to_owned(), config: ModelConfig::read(&path.join("config.json"))? };
        if folder.has_f32() || !ModelManifest::read(&folder).is_ok_and(|manifest| manifest.is_seeded()) {
            folder.weights()?.check(&folder.config)?;
        }
        Ok(folder)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its shape.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// `model.safetensors` in it.
    pub fn weights_path(&self) -> PathBuf {
        self.path.join("model.safetensors")
    }

    /// Whether `model.safetensors` exists. Only seeded weights can be generated again where it does not.
    pub fn has_f32(&self) -> bool {
        !is_absent(&self.weights_path())
    }

    /// Whether weights in that precision exist, complete or not.
    pub fn has_weights(&self, precision: Precision) -> bool {
        !is_absent(&self.path.join(weights_file_name(precision)))
    }

    /// Opens the weight file.
    ///
    /// # Errors
    /// See [`WeightFile::open`].
    pub fn weights(&self) -> Result<WeightFile, ModelError> {
        WeightFile::open(&self.weights_path())
    }
}

/// SHA-256 of a file, in lower-case hexadecimal.
///
/// # Errors
/// When the file cannot be read.
pub fn sha256_of_file(path: &Path) -> Result<String, ModelError> {
    let file = open_regular(path).map_err(ModelError::io("read", path))?;
    sha256_of_opened(file, path)
}

/// SHA-256 of a file that was opened at `path`, in lower-case hexadecimal.
///
/// # Errors
/// When the file cannot be read.
pub fn sha256_of_opened(file: File, path: &Path) -> Result<String, ModelError> {
    sha256_of_reader(file).map(|(sha256, _)| sha256).map_err(ModelError::io("read", path))
}

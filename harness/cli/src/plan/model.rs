//! The models of a plan: named first, brought to the disk and verified before they are measured.

use std::path::Path;

use anyhow::{Context, Result};
use pocketwatt_model::{ModelConfig, ModelFolder, ModelLibrary, ModelManifest, Preset, generate_seeded};
use pocketwatt_record::ModelPassport;

/// Seed of models that are generated unasked.
pub const DEFAULT_SEED: u64 = 42;

/// A model by its name: in the library, or a preset that is still to be generated.
#[derive(Debug)]
pub enum PlannedModel {
    /// In the library.
    Present(Box<ModelFolder>),
    /// To be generated with seeded weights.
    Preset(&'static Preset),
}

impl PlannedModel {
    /// Looks a name up, in the library first.
    ///
    /// # Errors
    /// When there is neither a model nor a preset of that name, or the model on disk is damaged.
    pub fn find(library: &ModelLibrary, name: &str) -> Result<Self> {
        match Preset::find(name) {
            Some(preset) if !library.folder(name).exists() => Ok(Self::Preset(preset)),
            _ => Ok(Self::Present(Box::new(library.find(name)?))),
        }
    }

    /// Its shape.
    pub fn config(&self) -> ModelConfig {
        match self {
            Self::Present(folder) => folder.config().clone(),
            Self::Preset(preset) => preset.config(),
        }
    }
}

/// A model on disk whose files are what its manifest says.
#[derive(Debug)]
pub struct PreparedModel {
    /// Its files.
    pub folder: ModelFolder,
    /// Its part of every record.
    pub passport: ModelPassport,
}

impl PreparedModel {
    /// Generates a preset that is missing, and verifies the sha256 of every file: what is measured is what the record
    /// will say. It also brings the weights into the page cache, so that no backend is the one to read the disk.
    ///
    /// # Errors
    /// When the disk is full, or a file is not what it was when the model was made.
    pub fn prepare(library: &ModelLibrary, name: &str, planned: PlannedModel) -> Result<Self> {
        let folder = match planned {
            PlannedModel::Present(folder) => *folder,
            PlannedModel::Preset(preset) => generate(&library.folder(name), preset)?,
        };
        let manifest = ModelManifest::read(&folder)?;
        manifest.verify(&folder).with_context(|| {
            format!(
                "model {name:?} was changed after it was made: remove {} and make it again",
                folder.path().display()
            )
        })?;
        let config = folder.config();
        let passport = ModelPassport {
            name: name.to_owned(),
            origin: manifest.origin_text(),
            seeded: manifest.is_seeded(),
            weights_sha256: manifest.weights_sha256.clone(),
            config_sha256: manifest.config_sha256.clone(),
            tokenizer_sha256: manifest.tokenizer_sha256.clone(),
            parameters: config.parameters(),
            weight_bytes: config.weight_bytes(),
            weight_bytes_per_token: config.weight_bytes_per_token(),
            kv_bytes_per_token: config.kv_bytes_per_token(),
        };
        Ok(Self { folder, passport })
    }
}

fn generate(target: &Path, preset: &Preset) -> Result<ModelFolder> {
    eprintln!("generating {} with seeded weights (seed {DEFAULT_SEED})", preset.name);
    generate_seeded(&preset.config(), preset.name, DEFAULT_SEED, target)
        .with_context(|| format!("cannot generate {}", preset.name))
}

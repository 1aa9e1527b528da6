//! The models of a plan: first named, then written to the disk and verified before they are measured.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::Path,
};

use anyhow::{Context, Result};
use pocketwatt_files::{FileIdentity, open_regular};
use pocketwatt_model::{
    ModelConfig, ModelError, ModelFolder, ModelLibrary, ModelManifest, ModelOrigin, check_name, generate_seeded_in,
    precision::{PreparedWeights, obstacle, prepare_weights, stored_bytes, weights_file_name},
    variant::seeded_config,
    write_graph,
};
use pocketwatt_protocol::{GraphKind, ModelFiles, Precision};
use pocketwatt_record::ModelPassport;

use crate::{
    cache::{CacheLock, Item},
    hashed_file::HashedFile,
    refusal::Refusal,
};

/// Seed of models that are generated without an explicit seed.
pub const DEFAULT_SEED: u64 = 42;

/// A model by its name: in the library, or a preset that still has to be generated.
#[derive(Debug)]
pub enum PlannedModel {
    /// In the library.
    Present(Box<ModelFolder>),
    /// To be generated with seeded weights: a preset, or one with changes.
    Seeded(Box<ModelConfig>),
}

impl PlannedModel {
    /// Finds a name, first in the library.
    ///
    /// # Errors
    /// When there is neither a model nor a preset with that name, the model on disk is damaged, or it is a seeded one with another
    /// shape, possibly from another version of PocketWatt.
    pub fn find(library: &ModelLibrary, name: &str) -> Result<Self> {
        check_name(name)?;
        if library.folder(name).exists() {
            let folder = library.find(name)?;
            ensure_current(name, &folder)?;
            return Ok(Self::Present(Box::new(folder)));
        }
        match seeded_config(name) {
            Some(config) => {
                Ok(Self::Seeded(Box::new(config.map_err(|error| Refusal::error(format!("model {name:?}: {error}")))?)))
            }
            None => Ok(Self::Present(Box::new(library.find(name)?))),
        }
    }

    /// Whether its weights are random.
    pub fn seeded(&self) -> bool {
        match self {
            Self::Present(folder) => ModelManifest::read(folder).is_ok_and(|manifest| manifest.is_seeded()),
            Self::Seeded(_) => true,
        }
    }

    /// The precisions in which its weights do not exist yet but can be written, and the bytes of their files.
    pub fn to_write(&self, precisions: &[Precision]) -> (Vec<Precision>, u64) {
        let config = self.config();
        let mut missing = precisions.to_vec();
        missing.retain(|&precision| {
            let there = matches!(self, Self::Present(folder) if folder.has_weights(precision));
            !there && obstacle(&config, precision).is_none()
        });
        let bytes = missing.iter().map(|precision| stored_bytes(&config, *precision)).sum();
        (missing, bytes)
    }

    /// Its shape.
    pub fn config(&self) -> ModelConfig {
        match self {
            Self::Present(folder) => folder.config().clone(),
            Self::Seeded(config) => (**config).clone(),
        }
    }
}

/// A seeded model has the shape that its name says, which a run on another machine generates, too.
fn ensure_current(name: &str, folder: &ModelFolder) -> Result<()> {
    let Ok(manifest) = ModelManifest::read(folder) else { return Ok(()) };
    let ModelOrigin::Seeded { preset, .. } = &manifest.origin else { return Ok(()) };
    // A user who gave one preset's name to another did so on purpose.
    let by_name = preset.as_deref().is_none_or(|preset| name.starts_with(preset));
    match seeded_config(name) {
        Some(Ok(config)) if by_name && config != *folder.config() => Err(Refusal::error(format!(
            "the seeded model {name:?} on disk has another shape than this version gives that name: `pocketwatt model \
             generate {name} --force` generates it again"
        ))),
        _ => Ok(()),
    }
}

/// A model on disk whose files match its manifest.
#[derive(Debug)]
pub struct PreparedModel {
    /// Its files.
    pub folder: ModelFolder,
    /// Its part of every record in f32.
    pub passport: ModelPassport,
    /// Its weights in each precision of the plan, or why it has none.
    weights: BTreeMap<Precision, Result<PreparedWeights, String>>,
    /// The files of its folder that the passport names.
    files: Vec<HashedFile>,
    /// The files of its rounded weights.
    rounded: BTreeMap<Precision, HashedFile>,
}

impl PreparedModel {
    /// Finds the model like [`PlannedModel::find`], generates a missing preset, and verifies the sha256 of every file, so that the record
    /// is true of what is measured. This also brings the weights into the page cache, so that no backend has to read the disk. Missing weights
    /// in these precisions are made, seeded ones in f32 only if that is among them. Only one process at a
    /// time does this for a model; a second one finds the result of the first.
    ///
    /// # Errors
    /// When the model does not exist, the disk is full, or a file has changed since the model was made.
    pub fn prepare(library: &ModelLibrary, name: &str, precisions: &[Precision]) -> Result<Self> {
        let _lock = CacheLock::take(library.root(), Item::Model(name))?;
        let folder = match PlannedModel::find(library, name)? {
            PlannedModel::Present(folder) => *folder,
            PlannedModel::Seeded(config) => generate(&library.folder(name), name, &config, precisions)?,
        };
        let manifest = ModelManifest::read(&folder)?;
        let files: Vec<HashedFile> = manifest
            .files_in(folder.path())
            .map(|(file, sha256)| hashed(name, &folder.path().join(file), sha256, file))
            .collect();
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
            rounded_sha256: None,
            config_sha256: manifest.config_sha256.clone(),
            tokenizer_sha256: manifest.tokenizer_sha256.clone(),
            parameters: config.parameters(),
            weight_bytes: config.weight_bytes(),
            weight_bytes_per_token: config.weight_bytes_per_token(),
            kv_bytes_per_token: config.kv_bytes_per_token(),
            remarks: manifest.remarks.clone(),
        };
        let (mut weights, mut rounded) = (BTreeMap::new(), BTreeMap::new());
        let mut wanted: BTreeSet<Precision> = precisions.iter().copied().collect();
        // If f32 exists, other precisions are compared with it, even if it was not requested.
        wanted.extend(folder.has_f32().then_some(Precision::F32));
        for precision in wanted {
            let path = folder.path().join(weights_file_name(precision));
            if !folder.has_weights(precision) && obstacle(config, precision).is_none() {
                notice!("writing {name} in {}", precision.name());
            }
            let identity = FileIdentity::of_path(&path).ok();
            let made = match obstacle(config, precision) {
                Some(reason) => Err(reason),
                None => match prepare_weights(&folder, &manifest.weights_sha256, precision) {
                    Err(error @ ModelError::OutOfRange { .. }) => Err(error.to_string()),
                    made => Ok(made.with_context(|| format!("cannot make {name:?} in {}", precision.name()))?),
                },
            };
            if let Ok(PreparedWeights { path, sha256, .. }) = &made {
                let what = format!("the weights of {name} in {}", precision.name());
                let file = HashedFile::known(what, path, sha256, identity);
                // A new file has another identity: it is read once here, not beside a case.
                file.ensure_unchanged().map_err(Refusal::error)?;
                rounded.insert(precision, file);
            }
            weights.insert(precision, made);
        }
        Ok(Self { folder, passport, weights, files, rounded })
    }

    /// Checks whether the files that are measured in that precision are still those of the passport.
    ///
    /// # Errors
    /// Which one has changed.
    pub fn ensure_unchanged(&self, precision: Precision) -> Result<(), String> {
        self.files.iter().chain(self.rounded.get(&precision)).try_for_each(HashedFile::ensure_unchanged)
    }

    /// Its weights in a precision that it was prepared for.
    ///
    /// # Errors
    /// Why it has none.
    pub fn weights(&self, precision: Precision) -> Result<&PreparedWeights, String> {
        let unprepared = || format!("model {:?} was not prepared for {}", self.passport.name, precision.name());
        self.weights.get(&precision).ok_or_else(unprepared)?.as_ref().map_err(Clone::clone)
    }

    /// Reads its weights in a precision, so that they are in the page cache as far as there is room. If they cannot be read, the runner
    /// that needs them reports it.
    pub fn read_weights(&self, precision: Precision) {
        let file = self.weights(precision).ok().and_then(|weights| open_regular(&weights.path).ok());
        if let Some(mut file) = file {
            let _ = io::copy(&mut file, &mut io::sink());
        }
    }

    /// Its part of a record in that precision.
    pub fn passport_in(&self, precision: Precision) -> ModelPassport {
        let mut passport = self.passport.clone();
        if let Ok(weights) = self.weights(precision) {
            passport.weight_bytes = weights.bytes;
            passport.weight_bytes_per_token = weights.bytes_per_token;
            passport.rounded_sha256 = Some(weights.sha256.clone()).filter(|sha256| *sha256 != passport.weights_sha256);
        }
        if matches!(precision, Precision::F16 | Precision::Bf16) {
            passport.kv_bytes_per_token /= 2;
        }
        passport
    }

    /// Its files, as a request names them.
    ///
    /// # Errors
    /// Why there are none in that precision, or no graph.
    pub fn files(&self, precision: Precision, graph: Option<GraphKind>) -> Result<ModelFiles, String> {
        let weights = self.weights(precision)?;
        let written = graph.map(|kind| {
            write_graph(&self.folder, kind, precision).map_err(|error| {
                format!("the graph {} could not be written: {:#}", kind.name(), anyhow::Error::from(error))
            })
        });
        Ok(ModelFiles {
            folder: self.folder.path().to_owned(),
            weights: weights.path.clone(),
            weights_sha256: weights.sha256.clone(),
            graph: written.transpose()?,
        })
    }
}

/// A file of the model's folder, in its state before it is verified.
fn hashed(model: &str, path: &Path, sha256: &str, file: &str) -> HashedFile {
    HashedFile::known(format!("{file} of {model}"), path, sha256, FileIdentity::of_path(path).ok())
}

/// Writes a model in one of the requested precisions, if there is one: in f32 if that is among them, since others
/// are then rounded from it.
fn generate(target: &Path, name: &str, config: &ModelConfig, precisions: &[Precision]) -> Result<ModelFolder> {
    let possible = || precisions.iter().copied().filter(|precision| obstacle(config, *precision).is_none());
    let first = possible().find(|precision| *precision == Precision::F32).or_else(|| possible().next());
    match first {
        Some(Precision::F32) => notice!("generating {name} with seeded weights (seed {DEFAULT_SEED})"),
        Some(precision) => {
            notice!("generating {name} in {} with seeded weights (seed {DEFAULT_SEED})", precision.name());
        }
        None => notice!("generating {name} without weights: no backend computes in the requested precisions"),
    }
    generate_seeded_in(config, name, DEFAULT_SEED, first, target).with_context(|| format!("cannot generate {name}"))
}

#[cfg(test)]
mod tests {
    use pocketwatt_scenario::Study;

    use super::*;

    fn seeded(study: &mut Study) -> Vec<ModelConfig> {
        let names = study.choose_models(&[]).unwrap();
        names
            .iter()
            .map(|name| seeded_config(name).unwrap_or_else(|| panic!("{}: {name}", study.name())).unwrap())
            .collect()
    }

    #[test]
    fn every_model_that_a_shipped_study_names_can_be_generated() {
        for mut study in Study::shipped().unwrap() {
            assert!(!seeded(&mut study).is_empty(), "{}", study.name());
        }
    }

    #[test]
    fn the_models_of_the_depth_study_have_the_same_number_of_weights() {
        let configs = seeded(&mut Study::find("depth").unwrap());
        let sizes: Vec<u64> = configs.iter().map(ModelConfig::parameters).collect();
        let (least, most) = (*sizes.iter().min().unwrap() as f64, *sizes.iter().max().unwrap() as f64);
        assert!(most / least < 1.011, "{sizes:?}");
    }
}

//! `pocketwatt.json`: what a model folder contains and where that came from.

use std::{
    collections::BTreeMap,
    fmt::{self, Display},
    fs,
    io::ErrorKind,
    path::Path,
};

use pocketwatt_files::{NameError, join_inside, read_text_bounded};
use serde::{Deserialize, Serialize};

use crate::{
    ModelError, ModelFolder, check_name, folder::MOST_TEXT_BYTES, precision::is_derived, sha256_of_file,
    weight_writer::WrittenFile,
};

/// Its name in the model folder.
const FILE_NAME: &str = "pocketwatt.json";
const WEIGHTS: &str = "model.safetensors";
const CONFIG: &str = "config.json";
const TOKENIZER: &str = "tokenizer.json";
/// The version of the format that this program writes and reads.
const FORMAT_VERSION: u32 = 1;

/// What a model folder contains and where that came from; a record's claim "the same model" rests on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelManifest {
    format_version: u32,
    /// The model's name, also that of its folder in the library.
    pub name: String,
    /// Where its weights came from.
    pub origin: ModelOrigin,
    /// Size of `model.safetensors`.
    pub weight_bytes: u64,
    /// SHA-256 of `model.safetensors`, in hexadecimal. For seeded weights it is known even where the file was not written, because
    /// seed and shape determine it.
    pub weights_sha256: String,
    /// SHA-256 of `config.json`.
    pub config_sha256: String,
    /// SHA-256 of `tokenizer.json`, if it exists.
    pub tokenizer_sha256: Option<String>,
    /// SHA-256 of each other file that belongs to the model, by its name. Graphs that are derived from the model do not
    /// belong to it.
    pub other_sha256: BTreeMap<String, String>,
    /// Remarks from the import about how its text becomes tokens: see [`crate::text_remarks`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
}

/// Where weights came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum ModelOrigin {
    /// Random numbers: they cost as much time and energy as trained weights, and generate nonsense.
    Seeded {
        /// The published model whose shape they have.
        preset: Option<String>,
        /// The seed of the random numbers.
        seed: u64,
    },
    /// Read from other people's files.
    Imported {
        /// Name of that file or folder, without the folders above it.
        source: String,
        /// Its format, for example `GGUF Q4_1`.
        format: String,
        /// SHA-256 of that file, in hexadecimal.
        sha256: String,
        /// Contradictions between its files, and which side was taken.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        notes: Vec<String>,
    },
}

impl Display for ModelOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Seeded { seed, .. } => write!(f, "seeded weights (seed {seed})"),
            Self::Imported { source, format, notes, .. } => {
                write!(f, "imported from {source} ({format}")?;
                notes.iter().try_for_each(|note| write!(f, "; {note}"))?;
                write!(f, ")")
            }
        }
    }
}

/// The smallest part of a manifest: distinguishes a newer format from a broken file.
#[derive(Deserialize)]
struct Version {
    format_version: u32,
}

impl ModelManifest {
    /// Describes the files in `folder`, which is complete except for the manifest. The size and hash of `model.safetensors` are
    /// passed in, because they are best computed while it is written.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub(crate) fn describe(
        name: &str,
        origin: ModelOrigin,
        folder: &Path,
        weights: WrittenFile,
    ) -> Result<Self, ModelError> {
        let mut other_sha256 = BTreeMap::new();
        for entry in fs::read_dir(folder).map_err(ModelError::io("read", folder))? {
            let entry = entry.map_err(ModelError::io("read", folder))?;
            let Ok(file) = entry.file_name().into_string() else { continue };
            let derived = file.ends_with(".onnx") || is_derived(&file);
            if entry.path().is_file() && !derived && ![WEIGHTS, FILE_NAME].contains(&file.as_str()) {
                other_sha256.insert(file, sha256_of_file(&entry.path())?);
            }
        }
        let config_sha256 = other_sha256
            .remove(CONFIG)
            .ok_or_else(|| ModelError::invalid(folder, format!("it is not a model folder: {CONFIG} is missing")))?;
        Ok(Self {
            format_version: FORMAT_VERSION,
            name: name.to_owned(),
            origin,
            weight_bytes: weights.bytes,
            weights_sha256: weights.sha256,
            config_sha256,
            tokenizer_sha256: other_sha256.remove(TOKENIZER),
            other_sha256,
            remarks: Vec::new(),
        })
    }

    /// Reads the manifest of a model.
    ///
    /// # Errors
    /// When it does not exist, is malformed, or a newer version of the program wrote it.
    pub fn read(folder: &ModelFolder) -> Result<Self, ModelError> {
        Self::read_at(folder.path())
    }

    /// Reads the manifest in `folder`, even if the model beside it is broken.
    ///
    /// # Errors
    /// See [`ModelManifest::read`].
    pub fn read_at(folder: &Path) -> Result<Self, ModelError> {
        let path = folder.join(FILE_NAME);
        let text = read_text_bounded(&path, MOST_TEXT_BYTES).map_err(|error| match error.kind() {
            ErrorKind::NotFound => ModelError::invalid(
                folder,
                format!("it has no {FILE_NAME}, so its contents are unknown: generate or import the model again"),
            ),
            _ => ModelError::io("read", &path)(error),
        })?;
        let malformed = |error: serde_json::Error| ModelError::invalid(&path, error.to_string());
        let version: Version = serde_json::from_str(&text).map_err(malformed)?;
        if version.format_version != FORMAT_VERSION {
            return Err(ModelError::invalid(
                &path,
                format!(
                    "it has format version {}, this program reads {FORMAT_VERSION}: generate or import the model again",
                    version.format_version
                ),
            ));
        }
        let manifest: Self = serde_json::from_str(&text).map_err(malformed)?;
        manifest.ensure_names().map_err(|reason| ModelError::invalid(&path, reason))?;
        Ok(manifest)
    }

    /// Names in a manifest may come from anybody: they must be valid names of a model, and of files in its folder.
    fn ensure_names(&self) -> Result<(), String> {
        check_name(&self.name).map_err(|error| error.to_string())?;
        for file in self.other_sha256.keys() {
            pocketwatt_files::check_name(file)
                .map_err(|error| format!("it lists a file with an invalid name: {error}"))?;
        }
        Ok(())
    }

    /// Writes it into `folder`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), ModelError> {
        let path = folder.join(FILE_NAME);
        let text = serde_json::to_string_pretty(self).map_err(|error| ModelError::invalid(&path, error.to_string()))?;
        fs::write(&path, text + "\n").map_err(ModelError::io("write", &path))
    }

    /// Recomputes the SHA-256 of every file.
    ///
    /// # Errors
    /// The first file that is missing or has changed.
    pub fn verify(&self, folder: &ModelFolder) -> Result<(), ModelError> {
        self.verify_each(folder.path()).try_for_each(|(_, outcome)| outcome)
    }

    /// Recomputes the SHA-256 of every file below `folder`, whatever the results; the weights come first, if they exist
    /// ([`ModelManifest::files_in`]).
    pub fn verify_each(&self, folder: &Path) -> impl Iterator<Item = (&str, Result<(), ModelError>)> {
        self.files_in(folder).map(move |(file, expected)| (file, verify_file(folder, file, expected)))
    }

    /// Whether the weights are random numbers.
    pub fn is_seeded(&self) -> bool {
        matches!(self.origin, ModelOrigin::Seeded { .. })
    }

    /// The seed of its random numbers, if they are random.
    pub fn seed(&self) -> Option<u64> {
        match self.origin {
            ModelOrigin::Seeded { seed, .. } => Some(seed),
            ModelOrigin::Imported { .. } => None,
        }
    }

    /// Where the weights came from, in words; for random ones also the model whose shape they have, where the model's name does not
    /// say so.
    pub fn origin_text(&self) -> String {
        match &self.origin {
            ModelOrigin::Seeded { preset: Some(preset), .. } if *preset != self.name => {
                format!("{}, the shape of {preset}", self.origin)
            }
            origin => origin.to_string(),
        }
    }

    /// Every file that must exist in `folder`, and its SHA-256. Seeded weights in f32 need not exist: they are generated from the
    /// seed when they are needed, and belong to the model from then on.
    pub fn files_in(&self, folder: &Path) -> impl Iterator<Item = (&str, &str)> {
        let unwritten = self.is_seeded() && is_absent(&folder.join(WEIGHTS));
        self.files().filter(move |(file, _)| !(unwritten && *file == WEIGHTS))
    }

    fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        [
            (WEIGHTS, Some(&self.weights_sha256)),
            (CONFIG, Some(&self.config_sha256)),
            (TOKENIZER, self.tokenizer_sha256.as_ref()),
        ]
        .into_iter()
        .filter_map(|(file, sha256)| Some((file, sha256?)))
        .chain(self.other_sha256.iter().map(|(file, sha256)| (file.as_str(), sha256)))
        .map(|(file, sha256)| (file, sha256.as_str()))
    }
}

/// Whether nothing exists at the path. What cannot be inspected may exist.
pub(crate) fn is_absent(path: &Path) -> bool {
    path.symlink_metadata().is_err_and(|error| error.kind() == ErrorKind::NotFound)
}

/// A model's files are in its own folder: a link would lead elsewhere.
fn verify_file(folder: &Path, file: &str, expected: &str) -> Result<(), ModelError> {
    let path = join_inside(folder, file).map_err(|error: NameError| ModelError::invalid(folder, error.to_string()))?;
    if fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_symlink()) {
        return Err(ModelError::invalid(path, "it is a link, but should be the model's own file"));
    }
    let found = sha256_of_file(&path)?;
    if found != expected {
        return Err(ModelError::Changed { path, expected: expected.to_owned(), found });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Preset, generate_seeded};

    fn tiny() -> (tempfile::TempDir, ModelFolder) {
        let root = tempfile::tempdir().unwrap();
        let config = Preset::find("tiny").unwrap().config();
        let folder = generate_seeded(&config, "tiny", 42, &root.path().join("tiny")).unwrap();
        (root, folder)
    }

    #[test]
    fn one_changed_byte_of_any_file_is_found() {
        let (_root, folder) = tiny();
        let manifest = ModelManifest::read(&folder).unwrap();
        manifest.verify(&folder).unwrap();
        for file in [WEIGHTS, CONFIG, TOKENIZER, "tokenizer_config.json"] {
            let path = folder.path().join(file);
            let good = fs::read(&path).unwrap();
            let mut bad = good.clone();
            bad[good.len() / 2] ^= 1;
            fs::write(&path, bad).unwrap();
            let error = manifest.verify(&folder).unwrap_err();
            assert!(matches!(&error, ModelError::Changed { path: changed, .. } if *changed == path), "{error}");
            fs::write(&path, good).unwrap();
        }
        fs::remove_file(folder.path().join(TOKENIZER)).unwrap();
        let error = manifest.verify(&folder).unwrap_err();
        assert!(error.to_string().contains(TOKENIZER), "{error}");
    }

    #[test]
    fn derived_graphs_are_no_part_of_the_model() {
        let (_root, folder) = tiny();
        let manifest = ModelManifest::read(&folder).unwrap();
        fs::write(folder.path().join("opset17-0123456789abcdef.onnx"), "graph").unwrap();
        manifest.verify(&folder).unwrap();
        fs::write(folder.path().join("model.int4.json"), "{}").unwrap();
        fs::write(folder.path().join("model.f16.safetensors"), "halves").unwrap();
        let weights = WrittenFile { bytes: manifest.weight_bytes, sha256: manifest.weights_sha256.clone() };
        assert_eq!(ModelManifest::describe("tiny", manifest.origin.clone(), folder.path(), weights).unwrap(), manifest);
    }

    #[test]
    fn every_file_is_reported_even_if_the_model_is_broken() {
        let (_root, folder) = tiny();
        let manifest = ModelManifest::read(&folder).unwrap();
        fs::write(folder.path().join(CONFIG), "{").unwrap();
        let states: Vec<(&str, bool)> =
            manifest.verify_each(folder.path()).map(|(file, result)| (file, result.is_ok())).collect();
        assert_eq!(states, [(WEIGHTS, true), (CONFIG, false), (TOKENIZER, true), ("tokenizer_config.json", true)]);
    }

    #[test]
    fn other_formats_are_refused_with_a_reason() {
        let (_root, folder) = tiny();
        let path = folder.path().join(FILE_NAME);
        let good = fs::read_to_string(&path).unwrap();
        let refusal = |text: &str| {
            fs::write(&path, text).unwrap();
            ModelManifest::read(&folder).unwrap_err().to_string()
        };
        let newer = good.replace("\"format_version\": 1", "\"format_version\": 2, \"more\": 0");
        assert!(refusal(&newer).contains("format version 2, this program reads 1"));
        assert!(refusal(&good.replace("\"name\"", "\"nome\"")).contains("nome"));
        assert!(refusal("").contains("pocketwatt.json is not valid"));
        fs::remove_file(&path).unwrap();
        let text = ModelManifest::read(&folder).unwrap_err().to_string();
        assert!(text.contains("it has no pocketwatt.json"), "{text}");
    }

    #[test]
    fn names_that_lead_elsewhere_and_links_are_refused() {
        let (_root, folder) = tiny();
        let path = folder.path().join(FILE_NAME);
        let good = fs::read_to_string(&path).unwrap();
        let listed = |file: &str| {
            let mut manifest: serde_json::Value = serde_json::from_str(&good).unwrap();
            manifest["other_sha256"][file] = "00".into();
            fs::write(&path, manifest.to_string()).unwrap();
            ModelManifest::read(&folder)
        };
        for name in ["/dev/zero", "../other", "..", "", "a/b", "a\0b"] {
            let error = listed(name).unwrap_err().to_string();
            assert!(error.contains("pocketwatt.json is not valid: it lists a file with an invalid name"), "{error}");
        }
        fs::write(&path, good.replace("\"tiny\"", "\"../tiny\"")).unwrap();
        assert!(ModelManifest::read(&folder).unwrap_err().to_string().contains("cannot be the name of a model"));
        for (name, target) in [("link", "/etc/passwd"), ("endless", "/dev/zero")] {
            std::os::unix::fs::symlink(target, folder.path().join(name)).unwrap();
            let error = listed(name).unwrap().verify(&folder).unwrap_err().to_string();
            assert!(error.contains("it is a link"), "{error}");
        }
        let pipe = folder.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0).unwrap();
        let error = listed("pipe").unwrap().verify(&folder).unwrap_err();
        assert!(matches!(&error, ModelError::Io { path, .. } if *path == pipe), "{error}");
        fs::write(&path, vec![b' '; MOST_TEXT_BYTES as usize + 1]).unwrap();
        assert!(matches!(ModelManifest::read(&folder), Err(ModelError::Io { .. })));
    }

    #[test]
    fn origins_are_described_in_words() {
        let imported = ModelOrigin::Imported {
            source: "SmolLM2-135M-Instruct.Q4_1.gguf".into(),
            format: "GGUF Q4_1".into(),
            sha256: "00".into(),
            notes: Vec::new(),
        };
        assert_eq!(imported.to_string(), "imported from SmolLM2-135M-Instruct.Q4_1.gguf (GGUF Q4_1)");
        let json = serde_json::to_string(&imported).unwrap();
        assert!(!json.contains("notes"), "manifests of earlier versions are the same");
        assert_eq!(serde_json::from_str::<ModelOrigin>(&json).unwrap(), imported);
        let imported = ModelOrigin::Imported {
            source: "folder".into(),
            format: "safetensors F32".into(),
            sha256: "00".into(),
            notes: vec!["one".into(), "two".into()],
        };
        assert_eq!(imported.to_string(), "imported from folder (safetensors F32; one; two)");
        let json = serde_json::to_string(&imported).unwrap();
        assert_eq!(serde_json::from_str::<ModelOrigin>(&json).unwrap(), imported);
        let seeded = ModelOrigin::Seeded { preset: None, seed: u64::MAX };
        assert_eq!(seeded.to_string(), "seeded weights (seed 18446744073709551615)");
        let (_root, folder) = tiny();
        let manifest = ModelManifest::read(&folder).unwrap();
        assert_eq!(manifest.origin_text(), "seeded weights (seed 42)", "the name says the shape");
        let renamed = ModelManifest { name: "mine".into(), ..manifest };
        assert_eq!(renamed.origin_text(), "seeded weights (seed 42), the shape of tiny");
    }
}

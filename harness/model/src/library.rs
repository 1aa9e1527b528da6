//! The models of this machine, by name.

use std::{
    env, fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use pocketwatt_protocol::Precision;

use crate::{ModelConfig, ModelError, ModelFolder, ModelManifest, Preset};

/// Smallest similarity of two names (Jaro-Winkler) at which one is suggested for the other.
const ALIKE: f64 = 0.7;

/// The models that were generated or imported on this machine: folders below `<root>/models`.
#[derive(Clone, Debug)]
pub struct ModelLibrary {
    root: PathBuf,
    models: PathBuf,
}

/// A folder of the library.
#[derive(Debug)]
pub struct LibraryEntry {
    /// The model's name.
    pub name: String,
    /// Its folder.
    pub path: PathBuf,
    /// Its shape, if it can be used.
    pub config: Option<ModelConfig>,
    /// The precisions in which its weights exist.
    pub precisions: Vec<Precision>,
    /// Where it came from, or why it cannot be used.
    pub manifest: Result<ModelManifest, ModelError>,
}

impl ModelLibrary {
    /// The folder for what this program can generate again: `$POCKETWATT_CACHE`, else `$XDG_CACHE_HOME/pocketwatt`, else
    /// `$HOME/.cache/pocketwatt`.
    ///
    /// # Errors
    /// When none of them is set.
    pub fn default_root() -> Result<PathBuf, ModelError> {
        root_from(|name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from))
    }

    /// The library below `root`. A missing folder is an empty library.
    pub fn open(root: &Path) -> Self {
        Self { root: root.to_owned(), models: root.join("models") }
    }

    /// The folder that contains it: the cache.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of the model with that name, whether or not it exists.
    pub fn folder(&self, name: &str) -> PathBuf {
        self.models.join(name)
    }

    /// All models by name; a broken one does not hide the others.
    ///
    /// # Errors
    /// When the library's folder cannot be read.
    pub fn list(&self) -> Result<Vec<LibraryEntry>, ModelError> {
        let mut entries: Vec<LibraryEntry> = self
            .names()?
            .into_iter()
            .map(|name| {
                let path = self.folder(&name);
                let opened = ModelFolder::open(&path);
                let config = opened.as_ref().ok().map(|folder| folder.config().clone());
                let mut precisions = Precision::ALL.to_vec();
                precisions.retain(|precision| opened.as_ref().is_ok_and(|folder| folder.has_weights(*precision)));
                let manifest = opened.and_then(|folder| ModelManifest::read(&folder));
                LibraryEntry { name, path, config, precisions, manifest }
            })
            .collect();
        entries.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(entries)
    }

    /// Opens the model with that name.
    ///
    /// # Errors
    /// When it does not exist, is broken, or the name is invalid.
    pub fn find(&self, name: &str) -> Result<ModelFolder, ModelError> {
        check_name(name)?;
        let path = self.folder(name);
        if path.is_dir() {
            return ModelFolder::open(&path);
        }
        let known = self.names()?;
        let nearest = nearest(name, known.iter().map(String::as_str).chain(Preset::ALL.iter().map(|it| it.name)));
        Err(ModelError::unknown_model(name, nearest))
    }

    fn names(&self) -> Result<Vec<String>, ModelError> {
        let entries = match fs::read_dir(&self.models) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            result => result.map_err(ModelError::io("read", &self.models))?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(ModelError::io("read", &self.models))?;
            // Names of unfinished folders begin with a dot.
            if let Ok(name) = entry.file_name().into_string()
                && check_name(&name).is_ok()
                && entry.path().is_dir()
            {
                names.push(name);
            }
        }
        Ok(names)
    }
}

/// Refuses a name that would lead out of the library, or that cannot be typed.
///
/// # Errors
/// [`ModelError::Name`].
pub fn check_name(name: &str) -> Result<(), ModelError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.+".contains(c);
    if name.is_empty() || name.len() > 100 || name.starts_with(['.', '-']) || !name.chars().all(plain) {
        return Err(ModelError::Name { name: name.to_owned() });
    }
    Ok(())
}

fn nearest<'a>(wanted: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = wanted.to_lowercase();
    known
        .map(|name| (strsim::jaro_winkler(&name.to_lowercase(), &wanted), name))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|(left, _), (right, _)| left.total_cmp(right))
        .map(|(_, name)| name)
}

fn root_from(variable: impl Fn(&str) -> Option<PathBuf>) -> Result<PathBuf, ModelError> {
    variable("POCKETWATT_CACHE")
        .or_else(|| Some(variable("XDG_CACHE_HOME")?.join("pocketwatt")))
        .or_else(|| Some(variable("HOME")?.join(".cache/pocketwatt")))
        .ok_or(ModelError::NoCacheFolder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate_seeded;

    #[test]
    fn the_root_is_the_first_variable_that_is_set() {
        let root = |set: &[(&str, &str)]| {
            root_from(|name| set.iter().find(|(key, _)| *key == name).map(|(_, value)| PathBuf::from(value)))
        };
        let home = ("HOME", "/home/me");
        let xdg = ("XDG_CACHE_HOME", "/cache");
        assert_eq!(root(&[home]).unwrap(), Path::new("/home/me/.cache/pocketwatt"));
        assert_eq!(root(&[home, xdg]).unwrap(), Path::new("/cache/pocketwatt"));
        assert_eq!(root(&[home, xdg, ("POCKETWATT_CACHE", "/mine")]).unwrap(), Path::new("/mine"));
        assert!(root(&[]).unwrap_err().to_string().contains("POCKETWATT_CACHE"));
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for name in ["", ".", "..", "a/b", "a\\b", "/etc", "..x", ".hidden", "-flag", "white space", "new\nline", "ü"]
        {
            let error = ModelLibrary::open(Path::new("/nonexistent")).find(name).unwrap_err();
            assert!(matches!(error, ModelError::Name { .. }), "{name:?}: {error}");
        }
        for name in ["tiny", "mobilellm-1.5b", "SmolLM2_135M+x"] {
            check_name(name).unwrap();
        }
    }

    #[test]
    fn one_broken_model_does_not_hide_the_others() {
        let root = tempfile::tempdir().unwrap();
        let library = ModelLibrary::open(root.path());
        assert!(library.list().unwrap().is_empty(), "a missing folder is an empty library");
        let config = Preset::find("tiny").unwrap().config();
        generate_seeded(&config, "whole", 7, &library.folder("whole")).unwrap();
        generate_seeded(&config, "broken", 7, &library.folder("broken")).unwrap();
        fs::write(library.folder("broken").join("config.json"), "{").unwrap();
        fs::create_dir(library.folder(".other.partial-1")).unwrap();
        fs::write(library.folder("file"), "").unwrap();

        let entries = library.list().unwrap();
        let names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(names, ["broken", "whole"]);
        assert!(entries[0].manifest.as_ref().unwrap_err().to_string().contains("config.json"));
        assert_eq!(entries[1].manifest.as_ref().unwrap().origin_text(), "seeded weights (seed 7), the shape of tiny");
        assert_eq!(*library.find("whole").unwrap().config(), config);
    }

    #[test]
    fn unknown_names_get_the_nearest_one_and_the_next_step() {
        let root = tempfile::tempdir().unwrap();
        let library = ModelLibrary::open(root.path());
        let text = |name: &str| library.find(name).unwrap_err().to_string();
        insta::assert_snapshot!(text("mobilelm-125m"), @r#"there is no model "mobilelm-125m"; did you mean "mobilellm-125m"? `pocketwatt model generate mobilellm-125m` makes it, with random weights"#);
        insta::assert_snapshot!(text("zzz"), @r#"there is no model "zzz": `pocketwatt model list` shows those there are, `pocketwatt model generate PRESET` and `pocketwatt model import FILE` make others"#);
        generate_seeded(&Preset::find("tiny").unwrap().config(), "smol-x", 1, &library.folder("smol-x")).unwrap();
        insta::assert_snapshot!(text("Smol-y"), @r#"there is no model "Smol-y"; did you mean "smol-x"?"#);
        insta::assert_snapshot!(text("tiny"), @r#"there is no model "tiny": `pocketwatt model generate tiny` makes it, with random weights"#);
    }
}

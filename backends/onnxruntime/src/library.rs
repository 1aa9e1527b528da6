//! Finds the shared library of ONNX Runtime. The project does not ship it: it is 20 MB for each platform, and this way
//! comparing two builds of it takes only an environment variable.

use std::{
    env, fmt,
    path::{Path, PathBuf},
};

use anyhow::{Result, bail};

/// The version that `scripts/fetch-onnxruntime` fetches.
pub(crate) const PINNED_VERSION: &str = "1.32.0";
/// Fetches the pinned library, from the project's root.
pub(crate) const FETCH_COMMAND: &str = "scripts/fetch-onnxruntime";
/// The variable that names the library.
const VARIABLE: &str = "ORT_DYLIB_PATH";

/// The places where the library may lie, in the order in which they are tried.
pub(crate) struct Places {
    /// The value of `ORT_DYLIB_PATH`.
    explicit: Option<PathBuf>,
    /// The folder of the running program.
    beside: Option<PathBuf>,
    /// The folder of libraries of the bundle that the program is in, see `scripts/package`.
    bundled: Option<PathBuf>,
    /// The folder that `scripts/fetch-onnxruntime` writes.
    fetched: Option<PathBuf>,
}

impl Places {
    /// The places from the environment of this process.
    pub(crate) fn of_process() -> Self {
        let beside = env::current_exe().ok().and_then(|program| Some(program.parent()?.to_owned()));
        Self::new(|name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from), beside)
    }

    fn new(variable: impl Fn(&str) -> Option<PathBuf>, beside: Option<PathBuf>) -> Self {
        let cache = variable("POCKETWATT_CACHE")
            .or_else(|| Some(variable("XDG_CACHE_HOME")?.join("pocketwatt")))
            .or_else(|| Some(variable("HOME")?.join(".cache/pocketwatt")));
        let fetched = cache
            .map(|cache| cache.join("onnxruntime").join(PINNED_VERSION).join(env::consts::ARCH).join(library_name()));
        let bundled = beside.as_deref().and_then(libraries_of_bundle);
        Self { explicit: variable(VARIABLE), beside, bundled, fetched }
    }

    /// The first place that has the library.
    ///
    /// # Errors
    /// When there is none, or `ORT_DYLIB_PATH` names a missing file: otherwise another library than the requested one
    /// would be measured.
    pub(crate) fn find(&self) -> Result<PathBuf> {
        if let Some(path) = &self.explicit {
            if path.is_file() {
                return Ok(path.clone());
            }
            bail!(
                "{VARIABLE} is {}, which is not a file: correct it, or unset it to use the fetched library",
                path.display()
            );
        }
        if let Some(path) = [&self.beside, &self.bundled].into_iter().flatten().find_map(|folder| library_in(folder)) {
            return Ok(path);
        }
        match &self.fetched {
            Some(path) if path.is_file() => Ok(path.clone()),
            _ => bail!("the library of ONNX Runtime was not found: {self}; to fetch it, run: {FETCH_COMMAND}"),
        }
    }
}

impl fmt::Display for Places {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let beside = self.beside.as_ref().map(|folder| folder.join(format!("{}*", library_name())));
        let show = |path: &Option<PathBuf>| path.as_ref().map_or("unknown".into(), |path| path.display().to_string());
        write!(
            formatter,
            "{VARIABLE} is not set, there is no {} (beside the runner) and no {} (in the cache)",
            show(&beside),
            show(&self.fetched)
        )
    }
}

/// Where a bundle keeps libraries, if that is a bundle's folder of programs.
fn libraries_of_bundle(programs: &Path) -> Option<PathBuf> {
    let root = programs.parent()?;
    (programs.ends_with("bin") && root.join("backends.toml").is_file()).then(|| root.join("lib"))
}

/// `libonnxruntime.so` on Linux and Android.
fn library_name() -> String {
    format!("{}onnxruntime{}", env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX)
}

/// The library itself, or with its version after the name as in the official packages; of several versions the
/// last by name, so that the choice is always the same.
fn library_in(folder: &Path) -> Option<PathBuf> {
    let plain = folder.join(library_name());
    if plain.is_file() {
        return Some(plain);
    }
    let prefix = format!("{}.", library_name());
    let entries = folder.read_dir().ok()?.flatten();
    entries
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(&prefix))
        .map(|entry| entry.path())
        .filter(|path| path.is_file())
        .max()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn places(root: &Path) -> Places {
        Places::new(|name| (name == "POCKETWATT_CACHE").then(|| root.join("cache")), Some(root.join("bin")))
    }

    fn put(path: &Path) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }

    #[test]
    fn an_explicit_library_goes_before_one_beside_the_runner_then_the_bundle_s_then_the_fetched_one() {
        let root = tempfile::tempdir().unwrap();
        let bundled = root.path().join("lib").join(library_name());
        put(&bundled);
        let fetched = places(root.path()).fetched.unwrap();
        put(&fetched);
        assert_eq!(places(root.path()).find().unwrap(), fetched, "a folder without a list of backends is no bundle");
        put(&root.path().join("backends.toml"));
        let mut places = places(root.path());
        assert_eq!(places.find().unwrap(), bundled);
        let beside = root.path().join("bin").join(format!("{}.1.40.0", library_name()));
        put(&beside);
        assert_eq!(places.find().unwrap(), beside);
        let explicit = root.path().join("mine.so");
        places.explicit = Some(explicit.clone());
        let error = places.find().unwrap_err().to_string();
        assert!(error.contains("mine.so, which is not a file"), "{error}");
        put(&explicit);
        assert_eq!(places.find().unwrap(), explicit);
    }

    #[test]
    fn the_error_names_all_places_and_the_command() {
        let root = tempfile::tempdir().unwrap();
        let error = places(root.path()).find().unwrap_err().to_string();
        let error = error.replace(&root.path().display().to_string(), "ROOT").replace(env::consts::ARCH, "ARCH");
        assert_eq!(
            error,
            format!(
                "the library of ONNX Runtime was not found: ORT_DYLIB_PATH is not set, there is no ROOT/bin/{name}* \
                 (beside the runner) and no ROOT/cache/onnxruntime/{PINNED_VERSION}/ARCH/{name} (in the cache); \
                 to fetch it, run: scripts/fetch-onnxruntime",
                name = library_name()
            )
        );
    }

    #[test]
    fn the_script_fetches_the_version_that_is_looked_for() {
        let script = include_str!("../../../scripts/fetch-onnxruntime");
        assert!(script.contains(&format!("\nversion={PINNED_VERSION}\n")), "the script pins another version");
    }
}

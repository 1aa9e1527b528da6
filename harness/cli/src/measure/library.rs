//! The shared library that a backend opens at run time, fetched on first use. The runner gets its path, so that it opens the file
//! that was hashed.

use std::{
    env, fmt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{elf, environment::without_secrets, process::CACHE_VARIABLE, source::source_checkout};
use crate::{
    bundle::Bundle,
    cache::{CacheLock, Item},
    hashed_file::HashedFile,
    plan::{Backend, Library},
};

/// A library, ready to be opened.
#[derive(Debug)]
pub struct RunnerLibrary {
    /// The variable that passes its path to the runner.
    pub variable: String,
    /// Its file.
    pub file: HashedFile,
}

/// The place of a library, and how it got there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LibraryPlace {
    /// The environment variable with this name gives the path.
    Named(String, PathBuf),
    /// Beside the runner.
    Beside(PathBuf),
    /// In the bundle that the runner is in.
    Bundled(PathBuf),
    /// In the cache, where the project's script puts it.
    Fetched(PathBuf),
}

impl LibraryPlace {
    /// Searches in this order: the path in its variable, beside the runner, in the runner's bundle, in the cache. The path in the
    /// variable need not exist.
    pub fn find(library: &Library, program: &Path, cache: &Path) -> Option<Self> {
        if let Some(value) = env::var_os(&library.variable).filter(|value| !value.is_empty()) {
            let path = std::path::absolute(&value).unwrap_or_else(|_| value.into());
            return Some(Self::Named(library.variable.clone(), path));
        }
        if let Some(path) = program.parent().and_then(|folder| in_folder(folder, &library.file)) {
            return Some(Self::Beside(path));
        }
        if let Some(path) = Bundle::of(program).and_then(|bundle| in_folder(&bundle.libraries(), &library.file)) {
            return Some(Self::Bundled(path));
        }
        let cached = cached(library, cache);
        cached.exists().then_some(Self::Fetched(cached))
    }

    fn path(&self) -> &Path {
        match self {
            Self::Named(_, path) | Self::Beside(path) | Self::Bundled(path) | Self::Fetched(path) => path,
        }
    }

    /// Hashes the library at that place. A fetched one has to be the published one; one that the user chose is accepted if
    /// it is a complete library.
    ///
    /// # Errors
    /// What is wrong with it; [`LibraryPlace::remedy`] says what to do.
    pub fn open(&self, library: &Library, backend: &Backend) -> Result<RunnerLibrary, String> {
        let file = HashedFile::read(format!("the library of {}", backend.name), self.path())?;
        if let (Self::Fetched(path), Some(published)) = (self, library.sha256.get(env::consts::ARCH))
            && file.sha256() != published
        {
            return Err(format!(
                "{} is not the library that was published (sha256 {}, expected {published})",
                path.display(),
                file.sha256()
            ));
        }
        elf::ensure_whole(self.path())
            .map_err(|reason| format!("the library of {}, {}: {reason}", backend.name, self.path().display()))?;
        Ok(RunnerLibrary { variable: library.variable.clone(), file })
    }

    /// What to do about a library that cannot be used.
    pub fn remedy(&self, library: &Library) -> String {
        match self {
            Self::Named(variable, _) => format!("correct {variable}, or unset it"),
            Self::Beside(path) => format!("replace {}, or remove it", path.display()),
            Self::Bundled(path) => format!("replace {}, or unpack the bundle again", path.display()),
            Self::Fetched(path) => format!("remove {}; to fetch it again, run: {}", path.display(), library.fetch),
        }
    }
}

impl fmt::Display for LibraryPlace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(variable, path) => write!(formatter, "{} (${variable})", path.display()),
            Self::Beside(_) => formatter.write_str("beside the runner"),
            Self::Bundled(path) | Self::Fetched(path) => path.display().fmt(formatter),
        }
    }
}

/// The library of a backend whose runner is `program`. It is fetched if it is missing from the cache, or is not the published
/// one.
///
/// # Errors
/// When it is missing or damaged and cannot be fetched. The reason ends with what to do.
pub fn prepare_library(
    library: &Library,
    backend: &Backend,
    program: &Path,
    cache: &Path,
) -> Result<RunnerLibrary, String> {
    let find = || LibraryPlace::find(library, program, cache);
    let problem = match find() {
        None => missing(library, cache),
        Some(place) => match (place.open(library, backend), &place) {
            // Fetching may replace a file, and nothing else at that path.
            (Err(reason), LibraryPlace::Fetched(path)) if path.is_file() => reason,
            (opened, _) => return opened.map_err(|reason| format!("{reason}: {}", place.remedy(library))),
        },
    };
    fetch(library, backend, cache, &problem)?;
    find().ok_or(problem)?.open(library, backend)
}

fn missing(library: &Library, cache: &Path) -> String {
    format!(
        "{} was not found (${} is not set, it is not beside the runner and not {})",
        library.file,
        library.variable,
        cached(library, cache).display()
    )
}

/// Runs the project's script, one process at a time. It does nothing if another process was faster.
fn fetch(library: &Library, backend: &Backend, cache: &Path, problem: &str) -> Result<(), String> {
    let Some(checkout) = source_checkout() else {
        return Err(format!("{problem}; to fetch it, run in a source checkout: {}", library.fetch));
    };
    let _lock =
        CacheLock::take(cache, Item::Library(&library.file)).map_err(|error| format!("{problem}; {error:#}"))?;
    let place = LibraryPlace::Fetched(cached(library, cache));
    if place.open(library, backend).is_ok() {
        return Ok(());
    }
    notice!("{} is missing or damaged; fetching it, once: {}", library.file, library.fetch);
    let mut script = Command::new(checkout.join(&library.fetch));
    without_secrets(&mut script);
    match script.env(CACHE_VARIABLE, cache).stdin(Stdio::null()).stdout(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(format!("{problem}, and could not be fetched, see above; to try again, run: {}", library.fetch)),
        Err(error) => {
            Err(format!("{problem}, and the script that fetches it did not start ({error}): {}", library.fetch))
        }
    }
}

fn cached(library: &Library, cache: &Path) -> PathBuf {
    cache.join(library.cached.replace("{arch}", env::consts::ARCH))
}

/// The library itself, or with a version after its name, as `libonnxruntime.so.1.32.0`; of several versions the last by
/// name, which the runner would also choose.
fn in_folder(folder: &Path, file: &str) -> Option<PathBuf> {
    let plain = folder.join(file);
    if plain.is_file() {
        return Some(plain);
    }
    let entries = folder.read_dir().ok()?.flatten();
    let versions = entries.filter(|entry| {
        let name = entry.file_name();
        name.to_string_lossy().strip_prefix(file).is_some_and(|version| version.starts_with('.'))
    });
    versions.map(|entry| entry.path()).filter(|path| path.is_file()).max()
}

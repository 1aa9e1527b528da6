//! The shared library that a backend opens at run time, fetched on first use.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{RunnerProgram, process::CACHE_VARIABLE, source_checkout};
use crate::{
    cache::{CacheLock, Item},
    plan::Library,
};

/// Makes sure that the runner will find its library: as its environment variable says, beside the runner, or in the
/// cache, where the project's script puts it on first use.
///
/// # Errors
/// When it is missing and cannot be fetched. The reason ends in the command to run.
pub fn ensure_library(library: &Library, program: &RunnerProgram, cache: &Path) -> Result<(), String> {
    if find_library(library, &program.path, cache).is_some() {
        return Ok(());
    }
    let cached = cached(library, cache);
    let missing = format!(
        "{} was not found (${} is not set, it is not beside the runner and not {})",
        library.file,
        library.variable,
        cached.display()
    );
    let Some(checkout) = source_checkout() else {
        return Err(format!("{missing}; to fetch it, run in a source checkout: {}", library.fetch));
    };
    let _lock =
        CacheLock::take(cache, Item::Library(&library.file)).map_err(|error| format!("{missing}; {error:#}"))?;
    if find_library(library, &program.path, cache).is_some() {
        return Ok(());
    }
    notice!("{} is missing; fetching it, once: {}", library.file, library.fetch);
    let status = Command::new(checkout.join(&library.fetch))
        .env(CACHE_VARIABLE, cache)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status();
    match status {
        Ok(status) if status.success() && cached.is_file() => Ok(()),
        Ok(_) => Err(format!("{missing}, and could not be fetched, see above; to try again, run: {}", library.fetch)),
        Err(error) => {
            Err(format!("{missing}, and the script that fetches it did not start ({error}): {}", library.fetch))
        }
    }
}

/// Where a runner will find its library, in words; nothing when it will not. What a variable names is not looked into:
/// the runner says best what is wrong with it.
pub fn find_library(library: &Library, program: &Path, cache: &Path) -> Option<String> {
    let cached = cached(library, cache);
    if let Some(value) = env::var_os(&library.variable).filter(|value| !value.is_empty()) {
        return Some(format!("{} (${})", Path::new(&value).display(), library.variable));
    }
    if beside(program, &library.file) {
        return Some("beside the runner".into());
    }
    cached.is_file().then(|| cached.display().to_string())
}

fn cached(library: &Library, cache: &Path) -> PathBuf {
    cache.join(library.cached.replace("{arch}", env::consts::ARCH))
}

/// Also with a version behind its name, as `libonnxruntime.so.1.32.0`.
fn beside(program: &Path, file: &str) -> bool {
    let Some(entries) = program.parent().and_then(|folder| folder.read_dir().ok()) else { return false };
    entries.flatten().any(|entry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        name == file || name.strip_prefix(file).is_some_and(|version| version.starts_with('.'))
    })
}

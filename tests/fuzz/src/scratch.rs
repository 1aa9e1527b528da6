//! Where targets lay out what their readers open: in memory where there is such a folder, as most open files, and hardly any
//! disk could follow. `scripts/fuzz` gives one of its own, and removes it.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process,
    sync::OnceLock,
};

/// The folder of this process.
pub fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let name = format!("pocketwatt-fuzz-{}", process::id());
        let in_memory = Path::new("/dev/shm").join(&name);
        if env::var_os("TMPDIR").is_none() && fs::create_dir_all(&in_memory).is_ok() {
            return in_memory;
        }
        let folder = env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        folder
    })
}

/// Removes it.
pub fn remove() {
    let _ = fs::remove_dir_all(folder());
}

/// A file in it with these contents.
pub fn file(name: &str, contents: &[u8]) -> PathBuf {
    let path = folder().join(name);
    fs::write(&path, contents).unwrap();
    path
}

/// An empty folder in it.
pub fn empty(name: &str) -> PathBuf {
    let path = folder().join(name);
    if path.exists() {
        fs::remove_dir_all(&path).unwrap();
    }
    fs::create_dir_all(&path).unwrap();
    path
}

//! Where targets lay out what their readers open. `scripts/fuzz` gives a folder in memory, and removes it.

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
        let folder = env::temp_dir().join(format!("pocketwatt-fuzz-{}", process::id()));
        fs::create_dir_all(&folder).unwrap();
        folder
    })
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

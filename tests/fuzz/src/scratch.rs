//! Where targets write the files that their readers open: in memory if there is such a folder, because most targets open files, and
//! hardly any disk is fast enough. `scripts/fuzz` passes a folder of its own, and removes it.

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

/// Writes a file with these contents into it.
pub fn file(name: &str, contents: &[u8]) -> PathBuf {
    let path = folder().join(name);
    fs::write(&path, contents).unwrap();
    path
}

/// Creates an empty folder in it.
pub fn empty(name: &str) -> PathBuf {
    let path = folder().join(name);
    if path.exists() {
        fs::remove_dir_all(&path).unwrap();
    }
    fs::create_dir_all(&path).unwrap();
    path
}

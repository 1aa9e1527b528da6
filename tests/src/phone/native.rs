//! The programs of this machine as a bundle for phones: on a stand-in phone they run as they are, and fast.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use tempfile::TempDir;

use crate::programs;

/// A folder as `scripts/package phone` makes it, with the fake backend. It is made once for each process.
pub fn native_bundle() -> &'static Path {
    static BUNDLE: OnceLock<TempDir> = OnceLock::new();
    BUNDLE
        .get_or_init(|| {
            let bundle = tempfile::tempdir().unwrap();
            for folder in ["bin", "lib"] {
                fs::create_dir(bundle.path().join(folder)).unwrap();
            }
            for program in ["pocketwatt", "pocketwatt-fake"] {
                small_copy(&programs().join(program), &bundle.path().join("bin").join(program));
            }
            fs::copy(shipped_backends(), bundle.path().join("backends.toml")).unwrap();
            bundle
        })
        .path()
}

/// Without what a debugger needs, which is most of it, where that can be removed.
fn small_copy(from: &Path, to: &Path) {
    let stripped = Command::new("strip").arg("--strip-debug").arg("-o").arg(to).arg(from).output();
    if !stripped.is_ok_and(|output| output.status.success()) {
        fs::copy(from, to).unwrap();
    }
}

fn shipped_backends() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../backends/backends.toml")
}

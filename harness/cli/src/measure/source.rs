//! The source tree that this program was built from. Its scripts and cargo packages are run, so it must be the user's own.

use std::{
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
};

/// Where this crate was when it was compiled. On another machine, that path may belong to anybody.
const CRATE: &str = env!("CARGO_MANIFEST_DIR");
/// Cargo marks its target folders with this file.
const CACHE_TAG: &str = "CACHEDIR.TAG";

/// The root of the source tree that this program was built from, if it still exists and this program is where cargo put
/// it, or is run by cargo. An installed program, or one that was copied to another machine, has none.
pub fn source_checkout() -> Option<PathBuf> {
    let root = Path::new(CRATE).parent()?.parent()?;
    let there = root.join("Cargo.toml").is_file() && root.join("backends/backends.toml").is_file();
    let program = env::current_exe().ok()?;
    let ours = is_run_by_cargo(env::var_os("CARGO_MANIFEST_DIR").as_deref()) || is_where_cargo_put_it(&program);
    (there && ours).then(|| root.to_owned())
}

/// `cargo run` passes the folder of its package to a program.
fn is_run_by_cargo(package: Option<&OsStr>) -> bool {
    package.is_some_and(|package| Path::new(package) == Path::new(CRATE))
}

/// Whether it is in a folder such as `target/release` or `target/<triple>/debug`, with the list of its source files beside it.
fn is_where_cargo_put_it(program: &Path) -> bool {
    let Ok(program) = program.canonicalize() else { return false };
    let sources = program.with_extension("d");
    let is_target = |folder: &Path| folder.join(CACHE_TAG).is_file();
    sources.is_file() && program.ancestors().skip(2).take(2).any(is_target)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn an_installed_program_has_no_source() {
        let root = tempfile::tempdir().unwrap();
        let put = |path: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "").unwrap();
            path
        };
        put("target/CACHEDIR.TAG");
        for folder in ["target/release", "target/aarch64-linux-android/release"] {
            let built = put(&format!("{folder}/pocketwatt"));
            assert!(!is_where_cargo_put_it(&built), "a copy of the program alone");
            put(&format!("{folder}/pocketwatt.d"));
            assert!(is_where_cargo_put_it(&built));
        }
        put("bin/pocketwatt.d");
        assert!(!is_where_cargo_put_it(&put("bin/pocketwatt")));
        assert!(is_run_by_cargo(Some(OsStr::new(CRATE))));
        assert!(!is_run_by_cargo(Some(OsStr::new("/somewhere/else"))));
        assert!(!is_run_by_cargo(None));
    }

    #[test]
    fn these_tests_are_run_in_a_checkout() {
        assert!(source_checkout().is_some());
    }
}

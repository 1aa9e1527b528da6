//! The folder that `scripts/package` makes: programs in `bin`, shared libraries in `lib`, the list of backends beside them. It may be
//! moved anywhere, also to a machine without Rust, so a program in it finds everything else from its own place.

use std::{
    env,
    path::{Path, PathBuf},
};

const PROGRAMS: &str = "bin";
const LIBRARIES: &str = "lib";
const BACKENDS: &str = "backends.toml";

/// A bundle, wherever it lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    root: PathBuf,
}

impl Bundle {
    /// The bundle that this program is in, if it is in one.
    pub fn of_this_program() -> Option<Self> {
        Self::of(&env::current_exe().ok()?)
    }

    /// The bundle that a program is in. The list of backends distinguishes it from any other folder with a `bin`, such as
    /// `/usr/local`, whose `lib` is nobody's in particular.
    pub fn of(program: &Path) -> Option<Self> {
        let programs = program.parent()?;
        let root = programs.parent()?;
        (programs.ends_with(PROGRAMS) && root.join(BACKENDS).is_file()).then(|| Self { root: root.to_owned() })
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Its list of backends.
    pub fn backends(&self) -> PathBuf {
        self.root.join(BACKENDS)
    }

    /// Its folder of shared libraries.
    pub fn libraries(&self) -> PathBuf {
        self.root.join(LIBRARIES)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_bundle_is_a_folder_with_a_list_of_backends() {
        let root = tempfile::tempdir().unwrap();
        let program = root.path().join("bin/pocketwatt");
        assert_eq!(Bundle::of(&program), None);
        fs::write(root.path().join(BACKENDS), "").unwrap();
        let bundle = Bundle::of(&program).unwrap();
        assert_eq!(bundle.backends(), root.path().join("backends.toml"));
        assert_eq!(bundle.libraries(), root.path().join("lib"));
        assert_eq!(Bundle::of(&root.path().join("release/pocketwatt")), None, "a target folder of cargo");
        assert_eq!(Bundle::of(Path::new("pocketwatt")), None);
    }
}

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The folder below which `proc` and `sys` lie: `/` on a device, a fixture in tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemRoot {
    path: PathBuf,
}

impl SystemRoot {
    /// This machine.
    pub fn real() -> Self {
        Self::at(Path::new("/"))
    }

    /// A tree that looks like one.
    pub fn at(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// Whether it is this machine.
    pub fn is_real(&self) -> bool {
        self.path == Path::new("/")
    }

    /// A path below it, given without the leading slash.
    pub fn join(&self, path: impl AsRef<Path>) -> PathBuf {
        self.path.join(path)
    }

    /// A small text file, trimmed; nothing if it is missing, empty or may not be read: kernels differ in what they tell.
    pub fn text(&self, path: impl AsRef<Path>) -> Option<String> {
        // Device-tree strings end in a zero byte.
        let text = fs::read(self.join(path)).ok()?;
        let text = String::from_utf8_lossy(&text).trim_matches(['\0', ' ', '\n', '\t', '\r']).to_owned();
        (!text.is_empty()).then_some(text)
    }
}

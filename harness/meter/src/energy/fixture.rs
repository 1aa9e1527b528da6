//! Trees that look like `/sys`, each written down in one text file below `fixtures/`.
//!
//! A line is `path = content`, `path =` for an empty file, `path -> target` for a symbolic link, or a `#` comment. Paths
//! begin with `sys/` or `proc/`.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use crate::SystemRoot;

/// A tree in a temporary folder, which is deleted with it.
#[derive(Debug)]
pub struct Tree {
    folder: tempfile::TempDir,
}

impl Tree {
    /// The tree of `fixtures/<name>.tree`.
    pub fn named(name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(format!("{name}.tree"));
        Self::parse(&fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
    }

    /// The tree that `text` describes.
    pub fn parse(text: &str) -> Self {
        let tree = Self { folder: tempfile::tempdir().unwrap() };
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            if let Some((path, target)) = line.split_once(" -> ") {
                let path = tree.path(path.trim());
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                symlink(target.trim(), path).unwrap();
            } else {
                let (path, content) = line.split_once('=').unwrap_or_else(|| panic!("{line:?} has no ="));
                tree.set(path.trim(), content.trim());
            }
        }
        tree
    }

    /// Its root.
    pub fn root(&self) -> SystemRoot {
        SystemRoot::at(self.folder.path())
    }

    /// Writes a file as the kernel would show it: with a new line at its end, unless it is empty.
    pub fn set(&self, path: &str, content: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let content = content.replace("\\n", "\n");
        fs::write(path, if content.is_empty() { String::new() } else { content + "\n" }).unwrap();
    }

    /// Removes a file or a folder.
    pub fn remove(&self, path: &str) {
        let path = self.path(path);
        if path.is_dir() { fs::remove_dir_all(path).unwrap() } else { fs::remove_file(path).unwrap() }
    }

    /// Makes a file unreadable. Root can still read it, unless it has given up its privileges.
    pub fn deny(&self, path: &str) {
        fs::set_permissions(self.path(path), fs::Permissions::from_mode(0o000)).unwrap();
    }

    /// Its files in order, without those behind links.
    pub fn files(&self) -> Vec<String> {
        fn below(folder: &Path, found: &mut Vec<PathBuf>) {
            for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
                let kind = entry.file_type().unwrap();
                match kind.is_dir() {
                    true => below(&entry.path(), found),
                    false if kind.is_file() => found.push(entry.path()),
                    false => {}
                }
            }
        }
        let mut found = Vec::new();
        below(self.folder.path(), &mut found);
        let inside = |path: &PathBuf| path.strip_prefix(self.folder.path()).unwrap().to_str().unwrap().to_owned();
        let mut files: Vec<String> = found.iter().map(inside).collect();
        files.sort();
        files
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }
}

use std::{
    fs, io,
    os::unix::fs::FileTypeExt,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use pocketwatt_files::read_bounded;

use crate::energy::may_answer_at_once;

/// Longest text that is read, in bytes: `/proc/cpuinfo` of the largest machines has some megabytes.
const MOST_TEXT_BYTES: u64 = 16 << 20;
/// A file that fails as if it were busy is read at most this often, with this pause.
const TRIES: u32 = 3;
const BETWEEN_TRIES: Duration = Duration::from_millis(5);

/// The folders that contain `proc` and `sys`: `/` on a device, a fixture in tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemRoot {
    path: PathBuf,
    /// In place of `sys`, where it is not below `path`.
    sys: Option<PathBuf>,
}

impl SystemRoot {
    /// This machine.
    pub fn real() -> Self {
        Self::at(Path::new("/"))
    }

    /// A tree that looks like a machine's.
    pub fn at(path: &Path) -> Self {
        Self { path: path.to_owned(), sys: None }
    }

    /// This machine with another tree in place of its `/sys`: `sys` is a folder with `class` and `devices` in it.
    pub fn with_sys(sys: &Path) -> Self {
        Self { path: "/".into(), sys: Some(sys.to_owned()) }
    }

    /// Whether it is this machine, without a replacement.
    pub fn is_real(&self) -> bool {
        self.path == Path::new("/") && self.sys.is_none()
    }

    /// The tree in place of `/sys`, if there is one.
    pub fn sys(&self) -> Option<&Path> {
        self.sys.as_deref()
    }

    /// A path below the root, given without the leading slash.
    pub fn join(&self, path: impl AsRef<Path>) -> PathBuf {
        match (&self.sys, path.as_ref().strip_prefix("sys")) {
            (Some(sys), Ok(rest)) => sys.join(rest),
            _ => self.path.join(path),
        }
    }

    /// A small text file, trimmed; `None` if it is missing, empty or may not be read: kernels differ in what they report.
    pub fn text(&self, path: impl AsRef<Path>) -> Option<String> {
        // Device-tree strings end in a zero byte.
        let text = read_patiently(&self.join(path)).ok()?;
        let text = String::from_utf8_lossy(&text).trim_matches(['\0', ' ', '\n', '\t', '\r']).to_owned();
        (!text.is_empty()).then_some(text)
    }

    /// Whether something was laid over a file of the kernel, as container engines do: a device such as `/dev/null`, or an empty
    /// file where the kernel's is never empty.
    pub fn is_covered(&self, path: impl AsRef<Path>) -> bool {
        let path = self.join(path);
        let device = fs::metadata(&path).is_ok_and(|metadata| metadata.file_type().is_char_device());
        device || read_patiently(&path).is_ok_and(|text| text.is_empty())
    }

    /// Names in a folder, in order; empty if it is missing or may not be read.
    pub fn names(&self, path: impl AsRef<Path>) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.join(path)) else { return Vec::new() };
        let mut names: Vec<String> =
            entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        names
    }
}

/// Retries a driver that is busy for a moment, so that its value does not count as missing.
fn read_patiently(path: &Path) -> io::Result<Vec<u8>> {
    for _ in 1..TRIES {
        match read_bounded(path, MOST_TEXT_BYTES) {
            Err(error) if may_answer_at_once(&error) => thread::sleep(BETWEEN_TRIES),
            answer => return answer,
        }
    }
    read_bounded(path, MOST_TEXT_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_or_nothing_in_place_of_a_file_covers_it() {
        let tree = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/dev/null", tree.path().join("stat")).unwrap();
        fs::write(tree.path().join("meminfo"), "").unwrap();
        fs::write(tree.path().join("loadavg"), "0.1 0.1 0.1 1/1 1\n").unwrap();
        let root = SystemRoot::at(tree.path());
        let covered = ["stat", "meminfo", "loadavg", "cpuinfo"].map(|file| root.is_covered(file));
        assert_eq!(covered, [true, true, false, false]);
    }

    #[test]
    fn another_tree_takes_the_place_of_sys_alone() {
        let root = SystemRoot::with_sys(Path::new("/tmp/tree"));
        assert_eq!(root.join("sys/class/hwmon"), Path::new("/tmp/tree/class/hwmon"));
        assert_eq!(root.join("proc/stat"), Path::new("/proc/stat"));
        assert_eq!(root.join("system"), Path::new("/system"));
        assert!(!root.is_real() && SystemRoot::real().is_real());
    }
}

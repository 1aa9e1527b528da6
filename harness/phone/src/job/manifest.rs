use std::path::{Component, Path};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The files of a job's results, as `pocketwatt on-phone manifest` prints them, as one line of JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// In the order of their paths.
    pub files: Vec<ManifestFile>,
}

/// A file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestFile {
    /// Its path within the results, with slashes: `DEVICE/RUN/run.json`.
    pub path: String,
    /// Its length.
    pub bytes: u64,
    /// In hexadecimal.
    pub sha256: String,
}

/// A manifest that is not believed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum BadManifest {
    /// A path leads elsewhere, or is none that a run writes.
    #[error("the phone lists {path:?}, which is no file of a run")]
    Path {
        /// As it was listed.
        path: String,
    },
    /// It lists a file twice.
    #[error("the phone lists {path:?} twice")]
    Twice {
        /// As it was listed.
        path: String,
    },
    /// A digest is none.
    #[error("the phone lists {path:?} with a sha256 that is none")]
    Digest {
        /// As it was listed.
        path: String,
    },
    /// More than a run can have.
    #[error("the phone lists {files} files with {bytes} bytes: no run has so many")]
    TooMuch {
        /// Their number.
        files: usize,
        /// Their lengths together.
        bytes: u64,
    },
}

/// A run has a record for each of at most some thousand cases, and charts.
const MOST_FILES: usize = 20_000;
const MOST_BYTES: u64 = 4 << 30;
/// `DEVICE/RUN/cases/CASE.json` has four parts.
const PARTS: std::ops::RangeInclusive<usize> = 2..=4;
const LONGEST_PART: usize = 200;

impl Manifest {
    /// Whether each file is one that a run writes, below the folder of results. What a phone lists is not believed.
    ///
    /// # Errors
    /// The first that is not.
    pub fn check(&self) -> Result<(), BadManifest> {
        let bytes = self.files.iter().fold(0_u64, |sum, file| sum.saturating_add(file.bytes));
        if self.files.len() > MOST_FILES || bytes > MOST_BYTES {
            return Err(BadManifest::TooMuch { files: self.files.len(), bytes });
        }
        let mut seen = std::collections::BTreeSet::new();
        for file in &self.files {
            let path = || file.path.clone();
            if !is_of_a_run(&file.path) {
                return Err(BadManifest::Path { path: path() });
            }
            // Some file systems do not tell capitals from small letters.
            if !seen.insert(file.path.to_lowercase()) {
                return Err(BadManifest::Twice { path: path() });
            }
            if file.sha256.len() != 64 || !file.sha256.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
                return Err(BadManifest::Digest { path: path() });
            }
        }
        Ok(())
    }
}

/// Names of ASCII letters, digits, and `.`, `_`, `-`, `+`, `@`, `=`, `,`, none of which begins with a dot.
pub(super) fn is_of_a_run(path: &str) -> bool {
    let is_plain = |part: &str| {
        (1..=LONGEST_PART).contains(&part.len())
            && part.starts_with(|first: char| first.is_ascii_alphanumeric())
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-+@=,".contains(&byte))
    };
    PARTS.contains(&path.split('/').count())
        && path.split('/').all(is_plain)
        && Path::new(path).components().all(|component| matches!(component, Component::Normal(_)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn file(path: &str) -> ManifestFile {
        ManifestFile { path: path.into(), bytes: 1, sha256: "0".repeat(64) }
    }

    fn check(files: &[ManifestFile]) -> Result<(), BadManifest> {
        Manifest { files: files.to_vec() }.check()
    }

    #[test]
    fn files_of_a_run_are_taken_and_no_others() {
        assert_eq!(
            check(&[file("pixel-8/20261127-051010/run.json"), file("pixel-8/20261127-051010/cases/a-f32.json")]),
            Ok(())
        );
        for path in [
            "",
            "/etc/passwd",
            "../x",
            "a/../../x",
            "a/./b",
            "a//b",
            "a/b/",
            "a/.hidden",
            "a/b c",
            "a/b\n",
            "a/'b'",
            "a/$(id)",
            "a/-rf",
            "a/b/c/d/e",
            "run.json",
            "a\\b/c",
            "a/\u{202e}b",
            "a/b\0",
        ] {
            assert_eq!(check(&[file(path)]), Err(BadManifest::Path { path: path.into() }));
        }
    }

    #[test]
    fn lists_that_cannot_be_true_are_refused() {
        assert!(matches!(check(&[file("a/b"), file("a/B")]), Err(BadManifest::Twice { .. })));
        assert!(matches!(
            check(&[ManifestFile { sha256: "0".into(), ..file("a/b") }]),
            Err(BadManifest::Digest { .. })
        ));
        let long = ManifestFile { bytes: u64::MAX, ..file("a/b") };
        assert!(matches!(
            check(&[long.clone(), ManifestFile { path: "a/c".into(), ..long }]),
            Err(BadManifest::TooMuch { .. })
        ));
    }

    proptest! {
        #[test]
        fn a_path_that_is_taken_leads_below_the_results_and_is_no_word_of_a_shell(
            path in prop_oneof![
                "[a.b/ ~$'\"\\\\\u{202e}\n-]{0,12}",
                prop::collection::vec(prop_oneof![Just("..".to_owned()), Just(".".to_owned()), "[a-z]{0,3}"], 1..6)
                    .prop_map(|parts| parts.join("/")),
                ".{0,20}",
            ]
        ) {
            if check(&[file(&path)]).is_ok() {
                let place = Path::new("/results").join(&path);
                prop_assert!(place.starts_with("/results") && place.components().count() >= 4);
                prop_assert!(place.components().all(|part| !matches!(part, Component::ParentDir | Component::CurDir)));
                prop_assert_eq!(place.to_str().unwrap(), format!("/results/{path}"));
                prop_assert!(path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-+@=,/".contains(&byte)));
            }
        }
    }
}

use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::is_invisible;

/// Bytes of the longest name. File systems allow 255; endings and the names of unfinished files need room.
const LONGEST_BYTES: usize = 200;

/// Why a word is not accepted as the name of a file or folder.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NameError {
    /// It is empty.
    #[error("a name is empty")]
    Empty,
    /// It would lead out of its folder, or hide.
    #[error("the name {0:?} would lead elsewhere: a name holds no slash and does not begin with a dot")]
    Elsewhere(String),
    /// It cannot be shown or typed.
    #[error("the name {0:?} has characters that cannot be shown")]
    Invisible(String),
    /// It is too long for file systems.
    #[error("the name {start:?}... has {bytes} bytes, more than {LONGEST_BYTES}")]
    Long {
        /// Its first characters.
        start: String,
        /// Its length.
        bytes: usize,
    },
}

/// Accepts a word from a file or a command line as the name of a file or folder: one step of a path that leads nowhere
/// else, is not hidden, and leaves room for an ending.
///
/// # Errors
/// [`NameError`].
pub fn check_name(name: &str) -> Result<&str, NameError> {
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    if name.len() > LONGEST_BYTES {
        return Err(NameError::Long { start: name.chars().take(24).collect(), bytes: name.len() });
    }
    if name.starts_with('.') || name.contains(['/', '\\']) {
        return Err(NameError::Elsewhere(name.to_owned()));
    }
    if name.chars().any(is_invisible) {
        return Err(NameError::Invisible(name.to_owned()));
    }
    Ok(name)
}

/// The path of that name directly in a folder. All names from outside become paths here.
///
/// # Errors
/// When the name is not accepted: see [`check_name`].
pub fn join_inside(folder: &Path, name: &str) -> Result<PathBuf, NameError> {
    Ok(folder.join(check_name(name)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for name in
            ["", ".", "..", "../x", "/etc/passwd", "a/b", "a\\b", ".hidden", "a\nb", "a\u{1b}[31m", "\u{202e}gpj"]
        {
            assert!(check_name(name).is_err(), "{name:?}");
        }
        assert!(matches!(check_name(&"x".repeat(201)), Err(NameError::Long { bytes: 201, .. })));
        for name in ["decode-3_tiny_fake_f32_1t", "Grüße", "a b", "v1.2+x", "~tilde", "-dash"] {
            assert_eq!(join_inside(Path::new("/folder"), name).unwrap(), Path::new("/folder").join(name));
        }
    }

    proptest! {
        #[test]
        fn what_is_taken_is_one_step_down(name in any::<String>()) {
            if let Ok(path) = join_inside(Path::new("/folder"), &name) {
                prop_assert_eq!(path.parent(), Some(Path::new("/folder")));
                prop_assert_eq!(path.file_name().and_then(|name| name.to_str()), Some(name.as_str()));
            }
        }
    }
}

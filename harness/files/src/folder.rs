use std::{fs, io, path::Path};

/// Creates a folder and its missing parents.
///
/// # Errors
/// When the system refuses; a file that is in the way is named ([`io::ErrorKind::NotADirectory`]).
pub fn create_folder(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path).map_err(|error| match in_the_way(path) {
        Some(file) => io::Error::new(
            io::ErrorKind::NotADirectory,
            format!(
                "{} is a file, and a folder is needed there: move it away, or choose another folder",
                file.display()
            ),
        ),
        None => error,
    })
}

/// The first part of that path that exists and is not a folder.
fn in_the_way(path: &Path) -> Option<&Path> {
    path.ancestors().find(|path| path.symlink_metadata().is_ok() && !path.is_dir())
}

/// The folder that something lies in; the working directory for a bare name.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_in_the_way_is_named() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("results");
        fs::write(&file, "").unwrap();
        for path in [file.clone(), file.join("device/run")] {
            let error = create_folder(&path).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::NotADirectory);
            assert!(error.to_string().starts_with(&format!("{} is a file", file.display())), "{error}");
        }
        create_folder(&root.path().join("a/b")).unwrap();
        create_folder(&root.path().join("a/b")).unwrap();
    }
}

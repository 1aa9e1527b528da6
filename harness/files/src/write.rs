use std::{
    fs::{self, File},
    io,
    path::Path,
};

use tempfile::Builder;

use crate::{
    folder::folder_of,
    partial::{self, PARTIAL_PREFIX, PARTIAL_SUFFIX},
};

/// Writes a file beside its place, forces it to the disk, and renames it over the place: neither a reader nor a process that
/// continues after a crash sees half of it. A link at the place is replaced, not followed. The temporary name is
/// unpredictable; the permissions are those of any new file (by the umask).
///
/// Until then the unfinished file is locked, so that [`crate::remove_abandoned`] knows whether its writer lives.
///
/// # Errors
/// When the folder cannot be written or `write` fails. Then nothing is left behind, and the place is unchanged.
pub fn write_atomically<R>(path: &Path, write: impl FnOnce(&mut File) -> io::Result<R>) -> io::Result<R> {
    replace(path, |_| Ok(()), write)
}

/// As [`write_atomically`], after `prepare` has changed who may read the file that nobody knows yet.
pub(crate) fn replace<R>(
    path: &Path,
    prepare: impl Fn(&File) -> io::Result<()>,
    write: impl FnOnce(&mut File) -> io::Result<R>,
) -> io::Result<R> {
    let folder = folder_of(path);
    loop {
        let mut file = Builder::new()
            .prefix(PARTIAL_PREFIX)
            .suffix(PARTIAL_SUFFIX)
            .permissions(permissions_by_umask())
            .tempfile_in(folder)?;
        if !partial::claim(file.as_file())? {
            continue;
        }
        prepare(file.as_file())?;
        let written = write(file.as_file_mut())?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        // The folder with the new name has to reach the disk, too. Some file systems cannot do that for a folder.
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
        return Ok(written);
    }
}

fn permissions_by_umask() -> fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o666)
}

#[cfg(test)]
mod tests {
    use std::{io::Write, os::unix::fs::PermissionsExt};

    use super::*;

    #[test]
    fn a_file_appears_whole_or_not_at_all() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("file");
        write_atomically(&path, |file| file.write_all(b"first")).unwrap();
        let failed = write_atomically(&path, |file| {
            file.write_all(b"half")?;
            Err::<(), _>(io::Error::other("stopped"))
        });
        assert_eq!(failed.unwrap_err().to_string(), "stopped");
        assert_eq!(fs::read_to_string(&path).unwrap(), "first");
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
        let ordinary = root.path().join("ordinary");
        fs::write(&ordinary, "").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&path), mode(&ordinary));
    }

    #[test]
    fn a_link_is_replaced_and_its_target_is_not_touched() {
        let root = tempfile::tempdir().unwrap();
        let (target, link) = (root.path().join("target"), root.path().join("link"));
        fs::write(&target, "mine").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        write_atomically(&link, |file| file.write_all(b"new")).unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "mine");
        assert_eq!(fs::read_to_string(&link).unwrap(), "new");
        assert!(link.symlink_metadata().unwrap().is_file());
    }
}

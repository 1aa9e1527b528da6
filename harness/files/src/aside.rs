use std::{
    fs, io,
    path::{Path, PathBuf},
};

use rustix::{
    fs::{CWD, RenameFlags, renameat_with},
    io::Errno,
};

/// Renames whatever is at a path, so that something else can be put there: to `NAME.damaged-1`, or the first number that is
/// free. Nothing is overwritten, and a link is renamed, not followed.
///
/// # Errors
/// When nothing is at the path, or the system refuses.
pub fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let mut number = 1_u32;
    loop {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".damaged-{number}"));
        let target = path.with_file_name(name);
        match renameat_with(CWD, path, CWD, &target, RenameFlags::NOREPLACE) {
            Ok(()) => return Ok(target),
            Err(Errno::EXIST) => {}
            // Some file systems cannot do it in one step.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                if target.symlink_metadata().is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
                    fs::rename(path, &target)?;
                    return Ok(target);
                }
            }
            Err(error) => return Err(error.into()),
        }
        number = number.checked_add(1).ok_or(io::ErrorKind::AlreadyExists)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_set_aside_before_stays() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("case.json");
        for number in 1..=2 {
            fs::write(&path, number.to_string()).unwrap();
            let aside = set_aside(&path).unwrap();
            assert_eq!(aside, root.path().join(format!("case.json.damaged-{number}")));
            assert!(!path.exists());
        }
        assert_eq!(fs::read_to_string(root.path().join("case.json.damaged-1")).unwrap(), "1");
        assert_eq!(set_aside(&path).unwrap_err().kind(), io::ErrorKind::NotFound);
        fs::create_dir(&path).unwrap();
        assert!(set_aside(&path).unwrap().is_dir());
    }
}

//! Who may change the files that are measured, and the results.

use std::{fs, os::unix::fs::MetadataExt, path::Path};

use super::{Check, Status};

const GROUP_MAY_WRITE: u32 = 0o020;
const OTHERS_MAY_WRITE: u32 = 0o002;
const ROOT: u32 = 0;

/// A warning for each folder that others may write, or that belongs to another user. Missing folders are ignored.
pub fn checks(folders: &[(&str, &Path)]) -> Vec<Check> {
    let user = rustix::process::geteuid().as_raw();
    folders.iter().filter_map(|(name, path)| check(name, path, user)).collect()
}

fn check(name: &str, path: &Path, user: u32) -> Option<Check> {
    let folder = fs::metadata(path).ok()?;
    let (mode, owner, group) = (folder.mode(), folder.uid(), folder.gid());
    let shown = path.display();
    // A group with the same number as its user belongs to that user alone, by the custom of most systems.
    let group_of_others = mode & GROUP_MAY_WRITE != 0 && group != owner;
    let problem = if ![user, ROOT].contains(&owner) {
        format!("{shown} belongs to another user ({owner}), who may replace what is in it")
    } else if mode & OTHERS_MAY_WRITE != 0 {
        format!("everybody may write {shown}, and so replace what is in it (mode {:o})", mode & 0o7777)
    } else if group_of_others {
        format!("the group {group} may write {shown}, and so replace what is in it (mode {:o})", mode & 0o7777)
    } else {
        return None;
    };
    let fix = format!("use a folder of your own, or, where it is yours, take the right away: chmod go-w {shown}");
    Some(Check::new(format!("folder of {name}"), Status::Warning, problem).fix(fix))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_folder_that_others_may_write_gets_a_word() {
        let folder = tempfile::tempdir().unwrap();
        let user = rustix::process::geteuid().as_raw();
        let seen = |mode: u32, user: u32| {
            fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).unwrap();
            check("models", folder.path(), user).map(|check| check.seen)
        };
        assert_eq!(seen(0o755, user), None);
        assert!(seen(0o757, user).unwrap().starts_with("everybody may write "));
        assert!(check("models", Path::new("/nowhere"), user).is_none());
        if user != ROOT {
            assert!(seen(0o755, user + 1).unwrap().contains("belongs to another user"));
        }
    }
}

//! `pocketwatt on-phone manifest`: the files of a job's results, with their digests.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use pocketwatt_files::{open_regular_in_place, sha256_of_reader};

use super::{JobError, JobFolder, Manifest, ManifestFile, manifest::is_of_a_run};

/// Results have three folders in one another.
const DEEPEST: usize = 4;
/// Locks of the processes on the phone.
const LOCK_ENDING: &str = ".lock";

/// What lies in the folder of results.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gathered {
    /// Files that a run writes.
    pub manifest: Manifest,
    /// Others: links, pipes, and files with names that a run does not give.
    pub left_out: Vec<PathBuf>,
}

/// Lists the files of a job's results; none if there are no results yet. Links are not followed.
///
/// # Errors
/// When a folder or file cannot be read.
pub fn gather(folder: &JobFolder) -> Result<Gathered, JobError> {
    let mut gathered = Gathered::default();
    let results = folder.results();
    if results.symlink_metadata().is_ok_and(|facts| facts.is_dir()) {
        below(&results, "", 0, &mut gathered)?;
    }
    gathered.manifest.files.sort_by(|left, right| left.path.cmp(&right.path));
    Ok(gathered)
}

fn below(folder: &Path, prefix: &str, depth: usize, gathered: &mut Gathered) -> Result<(), JobError> {
    let read = |error: io::Error| JobError::io("read", folder)(error);
    for entry in fs::read_dir(folder).map_err(read)? {
        let entry = entry.map_err(read)?;
        let (path, kind) = (entry.path(), entry.file_type().map_err(read)?);
        let name = entry.file_name().into_string().ok();
        // Locks, and files that are being written.
        if name.as_ref().is_some_and(|name| name.starts_with('.') || name.ends_with(LOCK_ENDING)) && kind.is_file() {
            continue;
        }
        match name.map(|name| format!("{prefix}{name}")) {
            Some(within) if kind.is_dir() && depth < DEEPEST => {
                below(&path, &format!("{within}/"), depth + 1, gathered)?;
            }
            Some(within) if kind.is_file() && is_of_a_run(&within) => {
                let digest = open_regular_in_place(&path).and_then(sha256_of_reader);
                match digest {
                    Ok((sha256, bytes)) => gathered.manifest.files.push(ManifestFile { path: within, bytes, sha256 }),
                    // A record that was just replaced by a newer one, which has another name until then.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Err(JobError::io("read", &path)(error)),
                }
            }
            _ => gathered.left_out.push(path),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{
        ffi::OsStr,
        os::unix::{ffi::OsStrExt, fs::symlink},
    };

    use super::*;

    #[test]
    fn files_of_a_run_are_listed_and_all_else_is_counted() {
        let root = tempfile::tempdir().unwrap();
        let folder = JobFolder::at(root.path());
        assert_eq!(gather(&folder).unwrap(), Gathered::default());
        let run = folder.results().join("pixel-8/20261127-051010");
        fs::create_dir_all(run.join("cases")).unwrap();
        fs::write(run.join("run.json"), "abc").unwrap();
        fs::write(run.join("cases/a.json"), "").unwrap();
        fs::write(run.join("run.lock"), "").unwrap();
        fs::write(run.join(".pocketwatt-x.partial"), "").unwrap();
        let odd = ["a b", "it's", "$(id)", "-rf", "a\nb", "\u{202e}x", "a\\b"];
        for name in odd {
            fs::write(run.join(name), "x").unwrap();
        }
        symlink("/etc/passwd", run.join("link.json")).unwrap();
        symlink("/etc", run.join("linked")).unwrap();
        fs::create_dir_all(run.join("a/b/c/d")).unwrap();
        fs::write(run.join("a/b/deep.json"), "").unwrap();
        fs::write(run.join(OsStr::from_bytes(b"a\xff")), "").unwrap();
        let Gathered { manifest, left_out } = gather(&folder).unwrap();
        let paths: Vec<(&str, u64)> = manifest.files.iter().map(|file| (&*file.path, file.bytes)).collect();
        assert_eq!(paths, [("pixel-8/20261127-051010/cases/a.json", 0), ("pixel-8/20261127-051010/run.json", 3)]);
        assert_eq!(manifest.files[1].sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        manifest.check().unwrap();
        assert_eq!(left_out.len(), odd.len() + 5, "{left_out:?}");
    }
}

//! Results from the phone: file by file, by the list that the phone makes of them, and only where they belong.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use pocketwatt_files::{PartialFolder, create_folder, join_inside, open_regular, sha256_of_reader, write_atomically};

use super::{Connection, HostError};
use crate::job::{JobFolder, JobId, Manifest, ManifestFile, ROOT};

/// How often a file is asked for.
const TRIES: u32 = 3;

/// What was brought home.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pulled {
    /// Files that were written.
    pub files: usize,
    /// Files that were here already.
    pub here: usize,
    /// The folders of the runs that are among them: `RESULTS/DEVICE/RUN`.
    pub runs: Vec<PathBuf>,
}

/// Brings a job's results home, below `results`. Each file is written beside its place and compared before it takes it; files that
/// are here with the same contents are left alone. `accepts` decides on each run, whose folder is named, before anything of it is written.
///
/// # Errors
/// When the phone does not answer, lists what is not believed, or a file cannot be written. What was written before stays.
pub fn pull_results(
    connection: &Connection,
    job: &JobId,
    manifest: &Manifest,
    results: &Path,
    mut accepts: impl FnMut(&Path) -> Result<(), HostError>,
) -> Result<Pulled, HostError> {
    // Those who read the list may not have checked it.
    manifest.check()?;
    create_folder(results).map_err(HostError::local("create", results))?;
    // Nobody else knows its name, so no link can be laid in the way of what adb writes.
    let arrival = PartialFolder::begin(results).map_err(HostError::local("create a folder in", results))?;
    let mut pulled = Pulled::default();
    for file in &manifest.files {
        let mut parts = file.path.split('/');
        let run = parts.by_ref().take(2).try_fold(results.to_owned(), |folder, name| inside(&folder, name))?;
        let place = parts.try_fold(run.clone(), |folder, name| inside(&folder, name))?;
        // `DEVICE/FILE` belongs to no run: what is known of a device is known here.
        if place == run {
            continue;
        }
        if !pulled.runs.contains(&run) {
            accepts(&run)?;
            pulled.runs.push(run);
        }
        if digest(&place).is_some_and(|(sha256, bytes)| sha256 == file.sha256 && bytes == file.bytes) {
            pulled.here += 1;
            continue;
        }
        ensure_no_links(results, &place)?;
        let arrived = arrival.path().join("file");
        receive(connection, job, file, &arrived)?;
        store(&arrived, &place)?;
        pulled.files += 1;
    }
    Ok(pulled)
}

fn inside(folder: &Path, name: &str) -> Result<PathBuf, HostError> {
    join_inside(folder, name).map_err(|error| HostError::local("write below", folder)(io::Error::other(error)))
}

/// A link below the folder of results would lead elsewhere.
fn ensure_no_links(results: &Path, place: &Path) -> Result<(), HostError> {
    let below = place.ancestors().take_while(|path| *path != results);
    for path in below {
        if path.is_symlink() {
            return Err(HostError::local("write", path)(io::Error::other("a link is in its place: remove it")));
        }
    }
    Ok(())
}

fn digest(path: &Path) -> Option<(String, u64)> {
    sha256_of_reader(open_regular(path).ok()?).ok()
}

fn receive(connection: &Connection, job: &JobId, file: &ManifestFile, to: &Path) -> Result<(), HostError> {
    let from = JobFolder::new(Path::new(ROOT), job).results().join(&file.path);
    let mut words = String::new();
    for _ in 0..TRIES {
        // Of the try before; a phone that sends a folder instead of a file makes one here.
        let _ = fs::remove_file(to).or_else(|_| fs::remove_dir_all(to));
        if let Err(error) = connection.adb.pull(connection.phone, &from.to_string_lossy(), to, file.bytes) {
            words = error.to_string();
            connection.probe()?;
            continue;
        }
        match digest(to) {
            Some((sha256, bytes)) if sha256 == file.sha256 && bytes == file.bytes => return Ok(()),
            Some((_, bytes)) => words = format!("{bytes} bytes of {} arrived, or others than were listed", file.bytes),
            None => words = "no file arrived".into(),
        }
    }
    Err(HostError::Damaged { path: file.path.clone(), times: TRIES, words })
}

fn store(arrived: &Path, place: &Path) -> Result<(), HostError> {
    let folder = place.parent().unwrap_or(place);
    create_folder(folder).map_err(HostError::local("create", folder))?;
    let mut source = File::open(arrived).map_err(HostError::local("read", arrived))?;
    write_atomically(place, |file| io::copy(&mut source, file)).map_err(HostError::local("write", place))?;
    Ok(())
}

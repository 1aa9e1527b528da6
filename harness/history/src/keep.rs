//! Adding a run to a history in which it, or its commit, may be already.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::{
    commit::Moment, entry::Entry, error::HistoryError, folder::HistoryFolder, outline::Outline, repeats::completeness,
};

/// What became of a run that was to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The file in which it is.
    pub path: PathBuf,
    /// How it came there.
    pub how: Keeping,
}

/// How a run came into a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeping {
    /// It was not there.
    New,
    /// It was there already, and the file stayed as it was.
    Known,
    /// It was there with fewer cases; that file is gone.
    Completed,
}

/// Keeps a run, unless it is kept already: a run is of one commit, has one entry, and counts once. One that was added before it was complete
/// takes the place of what was there.
///
/// # Errors
/// When it is kept as another commit's or otherwise, its commit is kept with another time, or the system refuses.
pub fn keep(folder: &HistoryFolder, entry: &Entry) -> Result<Kept, HistoryError> {
    let known = match folder.read(false) {
        Err(HistoryError::NoHistory(_)) => Default::default(),
        known => known?,
    };
    let path = |file: &str| folder.entries().join(file);
    let new = Outline::from(entry.clone());
    let run = |outline: &Outline| (outline.device.clone(), outline.run.clone(), outline.started_unix_ms);
    // The index knows a file by its length and time, so it may be damaged all the same.
    let same_run = known.entries.iter().filter(|(file, kept)| run(kept) == run(&new) && folder.entry(file).is_ok());
    // Merged histories may have it as that of another commit, too.
    let Some((file, kept)) = same_run.min_by_key(|(_, kept)| !kept.commit.is_same(&new.commit)) else {
        ensure_one_time(&known.entries, &new, &path)?;
        return Ok(Kept { path: folder.add(entry)?.path, how: Keeping::New });
    };
    ensure_kept_so(kept, &new, &path(file))?;
    if completeness(kept) >= completeness(&new) {
        return Ok(Kept { path: path(file), how: Keeping::Known });
    }
    let added = folder.add(entry)?.path;
    let old = path(file);
    match fs::remove_file(&old) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(HistoryError::Io { action: "remove", path: old, source })
        }
        _ => Ok(Kept { path: added, how: Keeping::Completed }),
    }
}

/// Whoever adds the newest run after a measurement that failed would keep an older one as another commit's.
fn ensure_kept_so(kept: &Outline, new: &Outline, file: &Path) -> Result<(), HistoryError> {
    if !kept.commit.is_same(&new.commit) {
        let commit = kept.commit.as_str().to_owned();
        return Err(HistoryError::OtherCommit { run: new.run.clone(), commit });
    }
    let time = |outline: &Outline| Moment { unix_ms: outline.time_unix_ms }.to_string();
    let message = |outline: &Outline| format!("{:?}", outline.message.as_deref().unwrap_or_default());
    let differing = [
        ("the branch", format!("{:?}", kept.branch), format!("{:?}", new.branch)),
        ("the time", time(kept), time(new)),
        // Who says nothing wants no other message.
        ("the message", message(kept), if new.message.is_some() { message(new) } else { message(kept) }),
    ];
    match differing.into_iter().find(|(_, kept, wanted)| kept != wanted) {
        Some((what, kept, wanted)) => {
            Err(HistoryError::KeptOtherwise { run: new.run.clone(), what, kept, wanted, file: file.to_owned() })
        }
        None => Ok(()),
    }
}

/// With two times, one commit would be at two places of the history.
fn ensure_one_time(
    entries: &[(String, Outline)],
    new: &Outline,
    path: &impl Fn(&str) -> PathBuf,
) -> Result<(), HistoryError> {
    let other = entries.iter().find(|(_, kept)| kept.commit == new.commit && kept.time_unix_ms != new.time_unix_ms);
    match other {
        Some((file, kept)) => Err(HistoryError::OtherTime {
            commit: new.commit.as_str().to_owned(),
            kept: Moment { unix_ms: kept.time_unix_ms }.to_string(),
            wanted: Moment { unix_ms: new.time_unix_ms }.to_string(),
            file: path(file),
        }),
        None => Ok(()),
    }
}

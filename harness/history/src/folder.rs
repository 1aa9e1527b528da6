//! The folder of a history.

use std::{
    fs, io,
    io::Write,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use pocketwatt_files::{create_folder, read_bounded_in_place, write_atomically};

use crate::{
    entry::{Entry, file_name, is_entry_name},
    error::{EntryDamage, HistoryError},
    index::{self, Stamp},
    outline::Outline,
    repeats::{RepeatedEntry, without_repeats},
    shares::in_shares,
};

/// Largest entry that is read, in bytes: a run of 1000 cases has some 12 megabytes.
const MOST_ENTRY_BYTES: u64 = 64 << 20;
/// Most files of a history.
const MOST_FILES: usize = 1_000_000;
/// The index is derived, so it has no place in a repository.
const IGNORED: &str = "/index.jsonl\n";

/// The folder of a history: `entries/`, and the index beside it.
#[derive(Clone, Debug)]
pub struct HistoryFolder {
    path: PathBuf,
}

/// What became of an entry that was added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Added {
    /// Its file.
    pub path: PathBuf,
    /// Whether it was there already.
    pub known: bool,
}

/// All entries.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Those that can be read, with their files, in the order of their commits' times; one for each run of a commit.
    pub entries: Vec<(String, Outline)>,
    /// Those of runs that are among `entries` already.
    pub repeated: Vec<RepeatedEntry>,
    /// The other files.
    pub damaged: Vec<DamagedEntry>,
    /// Why the index could not be written, if it had to be.
    pub index_error: Option<String>,
}

/// A file that is not an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DamagedEntry {
    /// Its name.
    pub file: String,
    /// What is wrong.
    pub damage: EntryDamage,
}

type Read = (String, Stamp, Result<Outline, EntryDamage>);

impl HistoryFolder {
    /// A folder, which need not exist yet.
    pub fn at(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder of the entries.
    pub fn entries(&self) -> PathBuf {
        self.path.join("entries")
    }

    /// Stores an entry, whatever else is there. The same one, if it is there already, stays as it is.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn add(&self, entry: &Entry) -> Result<Added, HistoryError> {
        let contents = entry.contents()?;
        let folder = self.entries();
        create_folder(&folder).map_err(failed("create", &folder))?;
        let ignored = self.path.join(".gitignore");
        if !ignored.exists() {
            write_atomically(&ignored, |file| file.write_all(IGNORED.as_bytes())).map_err(failed("write", &ignored))?;
        }
        let path = folder.join(file_name(&entry.commit, &contents));
        let known = read_bounded_in_place(&path, MOST_ENTRY_BYTES).is_ok_and(|found| found == contents.as_bytes());
        if !known {
            write_atomically(&path, |file| file.write_all(contents.as_bytes())).map_err(failed("write", &path))?;
        }
        Ok(Added { path, known })
    }

    /// Reads the entry of a file whole.
    ///
    /// # Errors
    /// Why it is none.
    pub fn entry(&self, file: &str) -> Result<Entry, EntryDamage> {
        read_entry(&self.entries(), file)
    }

    /// Reads all entries: those that are new since the index was written, and with `anew` every one.
    ///
    /// # Errors
    /// When there is no history, it has too many files, or the folder cannot be read. A file that is not an entry is among the damaged
    /// ones.
    pub fn read(&self, anew: bool) -> Result<Known, HistoryError> {
        let files = self.files()?;
        let mut indexed = if anew { Default::default() } else { index::read(&self.path) };
        let was_indexed = indexed.len();
        let (mut known, mut unknown, mut damaged) = (Vec::new(), Vec::new(), Vec::new());
        for (file, stamp) in files {
            match indexed.remove(&file) {
                Some((before, outline)) if before == stamp => known.push((file, stamp, outline)),
                _ if is_entry_name(&file) => unknown.push((file, stamp)),
                _ => damaged.push(DamagedEntry { file, damage: EntryDamage::Foreign }),
            }
        }
        let mut is_stale = anew || known.len() != was_indexed;
        for (file, stamp, read) in self.outlines(unknown) {
            match read {
                Ok(outline) => {
                    is_stale = true;
                    known.push((file, stamp, outline));
                }
                Err(damage) => damaged.push(DamagedEntry { file, damage }),
            }
        }
        let order = |outline: &Outline| (outline.time_unix_ms, outline.started_unix_ms);
        known.sort_by(|(one, _, left), (other, _, right)| (order(left), one).cmp(&(order(right), other)));
        damaged.sort_by(|left, right| left.file.cmp(&right.file));
        let lines = known.iter().map(|(file, stamp, outline)| (file.as_str(), *stamp, outline));
        let written = if is_stale { index::write(&self.path, lines) } else { Ok(()) };
        let (entries, repeated) =
            without_repeats(known.into_iter().map(|(file, _, outline)| (file, outline)).collect());
        Ok(Known { entries, repeated, damaged, index_error: written.err().map(|error| error.to_string()) })
    }

    /// The files below `entries/`. Names of unfinished files begin with a dot.
    fn files(&self) -> Result<Vec<(String, Stamp)>, HistoryError> {
        let folder = self.entries();
        if !folder.symlink_metadata().is_ok_and(|found| found.is_dir()) {
            return Err(HistoryError::NoHistory(self.path.clone()));
        }
        let mut files = Vec::new();
        for entry in fs::read_dir(&folder).map_err(failed("read", &folder))? {
            let entry = entry.map_err(failed("read", &folder))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with('.') {
                continue;
            }
            if files.len() == MOST_FILES {
                return Err(HistoryError::TooMany { folder, most: MOST_FILES });
            }
            files.push((name, entry.metadata().map_or(Stamp { bytes: 0, changed_ns: 0 }, |found| stamp(&found))));
        }
        Ok(files)
    }

    /// Reading is most of the work, so several threads share it.
    fn outlines(&self, files: Vec<(String, Stamp)>) -> Vec<Read> {
        let folder = self.entries();
        let read = |(file, stamp): (String, Stamp)| {
            let outline = read_entry(&folder, &file).map(Outline::from);
            (file, stamp, outline)
        };
        in_shares(files, |share| share.into_iter().map(read).collect())
    }
}

fn read_entry(folder: &Path, file: &str) -> Result<Entry, EntryDamage> {
    let contents =
        read_bounded_in_place(&folder.join(file), MOST_ENTRY_BYTES).map_err(|error| EntryDamage::of(&error))?;
    Entry::read(file, &contents)
}

fn stamp(found: &fs::Metadata) -> Stamp {
    let changed = found.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    Stamp {
        bytes: found.len(),
        changed_ns: changed.and_then(|time| u64::try_from(time.as_nanos()).ok()).unwrap_or_default(),
    }
}

fn failed<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> HistoryError + 'a {
    move |source| HistoryError::Io { action, path: path.to_owned(), source }
}

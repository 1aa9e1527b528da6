//! The index: the outline of each entry, so that not all of them are read again. It is derived, and may be deleted.

use std::{
    collections::HashMap,
    io::{BufWriter, Write},
    path::Path,
};

use pocketwatt_files::{read_bounded_in_place, write_atomically};
use serde::{Deserialize, Serialize};

use crate::outline::Outline;

/// Its name in the folder of a history.
pub const FILE: &str = "index.jsonl";
/// Its first line: another version's index is written anew.
const VERSION: &str = concat!("\"pocketwatt history index 2, ", env!("CARGO_PKG_VERSION"), "\"");
/// Largest index that is read, in bytes: 100,000 records have some 300 megabytes.
const MOST_BYTES: u64 = 1 << 30;

/// How a file of the history is recognised without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// Its length.
    pub bytes: u64,
    /// When it was changed, in nanoseconds since 1970 UTC.
    pub changed_ns: u64,
}

#[derive(Deserialize)]
struct Line {
    file: String,
    stamp: Stamp,
    outline: Outline,
}

#[derive(Serialize)]
struct LineOf<'a> {
    file: &'a str,
    stamp: Stamp,
    outline: &'a Outline,
}

/// What the index of a folder knows. Lines that cannot be read are passed over, and so is an index of another version.
pub fn read(folder: &Path) -> HashMap<String, (Stamp, Outline)> {
    let contents = read_bounded_in_place(&folder.join(FILE), MOST_BYTES).unwrap_or_default();
    let mut lines = contents.split(|byte| *byte == b'\n');
    if lines.next() != Some(VERSION.as_bytes()) {
        return HashMap::new();
    }
    let known = lines.filter_map(|line| serde_json::from_slice::<Line>(line).ok());
    known.map(|Line { file, stamp, outline }| (file, (stamp, outline))).collect()
}

/// Writes the index of a folder.
///
/// # Errors
/// When the system refuses.
pub fn write<'a>(folder: &Path, entries: impl Iterator<Item = (&'a str, Stamp, &'a Outline)>) -> std::io::Result<()> {
    write_atomically(&folder.join(FILE), |file| {
        let mut buffered = BufWriter::new(file);
        writeln!(buffered, "{VERSION}")?;
        for (file, stamp, outline) in entries {
            serde_json::to_writer(&mut buffered, &LineOf { file, stamp, outline })?;
            buffered.write_all(b"\n")?;
        }
        buffered.flush()
    })
}

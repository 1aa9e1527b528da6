//! The index: the outline of each entry, so that not all of them are read again. It is derived, and may be deleted.

use std::{collections::HashMap, io::Write, path::Path};

use pocketwatt_files::{read_bounded_in_place, sha256, write_atomically};
use serde::{Deserialize, Serialize};

use crate::outline::Outline;

/// Its name in the folder of a history.
pub const FILE: &str = "index.jsonl";
/// Of this format: another one's index is written anew.
const VERSION: &str = concat!("pocketwatt history index 3, ", env!("CARGO_PKG_VERSION"));
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

/// What the index of a folder knows: nothing, if it is of another version, or not as it was written.
pub fn read(folder: &Path) -> HashMap<String, (Stamp, Outline)> {
    let contents = read_bounded_in_place(&folder.join(FILE), MOST_BYTES).unwrap_or_default();
    let end = contents.iter().position(|byte| *byte == b'\n').unwrap_or(contents.len());
    let (head, rest) = contents.split_at(end);
    if head != first_line(rest).as_bytes() {
        return HashMap::new();
    }
    let known = rest.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<Line>(line).ok());
    known.map(|Line { file, stamp, outline }| (file, (stamp, outline))).collect()
}

/// The version, and the sha256 of what follows: an index that was changed or cut off would be believed otherwise.
fn first_line(rest: &[u8]) -> String {
    format!("\"{VERSION}, sha256 {}\"", sha256(rest))
}

/// Writes the index of a folder.
///
/// # Errors
/// When the system refuses.
pub fn write<'a>(folder: &Path, entries: impl Iterator<Item = (&'a str, Stamp, &'a Outline)>) -> std::io::Result<()> {
    let mut rest = b"\n".to_vec();
    for (file, stamp, outline) in entries {
        serde_json::to_writer(&mut rest, &LineOf { file, stamp, outline })?;
        rest.push(b'\n');
    }
    write_atomically(&folder.join(FILE), |file| {
        file.write_all(first_line(&rest).as_bytes())?;
        file.write_all(&rest)
    })
}

//! Files to the phone: only those that are not there yet, each under another name until its sha256 was compared on the phone.

use std::{path::PathBuf, time::Duration};

use pocketwatt_files::{open_regular, sha256_of_reader};

use super::{Connection, HostError, ask::QUICK};
use crate::{adb::quoted, job::ROOT, printed::free_bytes, questions};

/// A file that the phone needs.
#[derive(Clone, Debug)]
pub struct Upload {
    /// Where it is here.
    pub from: PathBuf,
    /// Where it belongs, below [`ROOT`].
    pub to: String,
    /// Whether it is a program.
    pub is_program: bool,
}

/// What was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pushed {
    /// Files that were sent.
    pub files: usize,
    /// Bytes that were sent.
    pub bytes: u64,
    /// Files that were there already.
    pub there: usize,
}

/// How often a file is sent.
const TRIES: u32 = 3;
/// A phone hashes at least so fast, in bytes per second.
const HASHED_PER_SECOND: u64 = 20_000_000;
/// Files for which the phone is asked at once: a command line is not endless.
const AT_ONCE: usize = 50;
/// Of the room that is needed, so much more has to be free, in per cent.
const RESERVE_PERCENT: u64 = 20;
/// Printed for a file that is not there.
const MISSING: &str = "-";

#[derive(Debug)]
struct Item<'u> {
    upload: &'u Upload,
    sha256: String,
    bytes: u64,
}

impl Item<'_> {
    fn place(&self) -> String {
        format!("{ROOT}/{}", self.upload.to)
    }
}

/// Brings files to the phone. `sends` is told of each file before it is sent, with its length.
///
/// # Errors
/// When a file cannot be read, there is no room, or the connection is lost. What has arrived stays, and is not sent again.
pub fn push_all(
    connection: &Connection,
    uploads: &[Upload],
    mut sends: impl FnMut(&Upload, u64),
) -> Result<Pushed, HostError> {
    let items = uploads.iter().map(read_item).collect::<Result<Vec<_>, _>>()?;
    let mut missing = Vec::new();
    for part in items.chunks(AT_ONCE) {
        let there = hashes(connection, part.iter().map(|item| (item.place(), item.bytes)))?;
        missing.extend(part.iter().zip(there).filter(|(item, there)| item.sha256 != *there).map(|(item, _)| item));
    }
    ensure_room(connection, &missing)?;
    for item in &missing {
        sends(item.upload, item.bytes);
        push(connection, item)?;
    }
    let bytes = missing.iter().map(|item| item.bytes).sum();
    Ok(Pushed { files: missing.len(), bytes, there: items.len() - missing.len() })
}

fn read_item(upload: &Upload) -> Result<Item<'_>, HostError> {
    let path = &upload.from;
    let file = open_regular(path).map_err(HostError::local("read", path))?;
    let (sha256, bytes) = sha256_of_reader(file).map_err(HostError::local("read", path))?;
    Ok(Item { upload, sha256, bytes })
}

/// The sha256 of files on the phone, in their order. The files' names are in no answer: a tool may write them in its own way.
fn hashes(
    connection: &Connection,
    files: impl Iterator<Item = (String, u64)> + Clone,
) -> Result<Vec<String>, HostError> {
    let count = files.clone().count();
    let bytes: u64 = files.clone().map(|(_, bytes)| bytes).sum();
    let words: Vec<String> = files.map(|(path, _)| quoted(&path)).collect();
    let command = format!(
        "for file in {}; do if [ -f \"$file\" ] && [ ! -h \"$file\" ]; then sha256sum < \"$file\" || exit 1; else echo {MISSING}; fi; done",
        words.join(" ")
    );
    let text = connection.ask(HASH, &command, QUICK + Duration::from_secs(bytes / HASHED_PER_SECOND))?;
    read_hashes(&text, count)
}

const HASH: &str = "hash files";

/// One for each file, in their order: with a line more or less, it is not known which is whose.
fn read_hashes(text: &str, count: usize) -> Result<Vec<String>, HostError> {
    let first_word = |line: &str| line.split_whitespace().next().unwrap_or(MISSING).to_owned();
    let hashes: Vec<String> = text.lines().map(first_word).collect();
    if hashes.len() != count {
        return Err(HostError::Answer { doing: HASH, words: format!("{} lines for {count} files", hashes.len()) });
    }
    Ok(hashes)
}

/// A phone whose free room cannot be read is not refused: it says itself when it is full.
fn ensure_room(connection: &Connection, missing: &[&Item]) -> Result<(), HostError> {
    let bytes: u64 = missing.iter().map(|item| item.bytes).sum();
    if bytes == 0 {
        return Ok(());
    }
    let free = connection.ask("say how much room it has", &questions::room(), QUICK)?;
    let Ok(free_bytes) = free_bytes(&free) else { return Ok(()) };
    let needed_bytes = bytes + bytes / 100 * RESERVE_PERCENT;
    if needed_bytes <= free_bytes {
        return Ok(());
    }
    let mut by_size: Vec<_> = missing.iter().collect();
    by_size.sort_by_key(|item| std::cmp::Reverse(item.bytes));
    let largest: Vec<String> =
        by_size.iter().take(3).map(|item| format!("{} bytes for {}", item.bytes, item.upload.to)).collect();
    Err(HostError::NoRoom { free_bytes, needed_bytes, largest: largest.join(", ") })
}

/// By the system's words for ENOSPC and EDQUOT, which adb passes on.
fn is_full(words: &str) -> bool {
    ["No space left", "quota exceeded"].iter().any(|full| words.contains(full))
}

/// Sends a file until it is there as a whole. A connection that is lost is the caller's business.
fn push(connection: &Connection, item: &Item) -> Result<(), HostError> {
    // By its contents: two hosts with different programs do not write into one another's.
    let (place, part) = (item.place(), format!("{}.{}.part", item.place(), &item.sha256[..12]));
    let folder = place.rsplit_once('/').map_or(ROOT, |(folder, _)| folder);
    let mut words = String::new();
    for _ in 0..TRIES {
        connection.ask("make a folder", &format!("mkdir -p {}", quoted(folder)), QUICK)?;
        if let Err(error) = connection.adb.push(connection.phone, &item.upload.from, &part) {
            words = error.to_string();
            // A full phone stays full; a connection that is lost makes the next question fail.
            connection.ask("remove a part of a file", &format!("rm -f {}", quoted(&part)), QUICK)?;
            if is_full(&words) {
                return Err(HostError::Full { path: item.upload.to.clone(), bytes: item.bytes });
            }
            continue;
        }
        let there = hashes(connection, std::iter::once((part.clone(), item.bytes)))?;
        if there[0] != item.sha256 {
            words = format!("its sha256 is {} instead of {}", there[0], item.sha256);
            continue;
        }
        let mode = if item.upload.is_program { "755" } else { "644" };
        let command = format!("chmod {mode} {0} && mv -f {0} {1}", quoted(&part), quoted(&place));
        return connection.ask("put a file in its place", &command, QUICK).map(drop);
    }
    Err(HostError::Damaged { path: item.upload.to.clone(), times: TRIES, words })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_has_its_line() {
        let hashes = |text, count| read_hashes(text, count).map_err(|error| error.to_string());
        assert_eq!(hashes("abc  -\n-\n", 2), Ok(vec!["abc".into(), MISSING.into()]));
        assert_eq!(hashes("\nabc  -\n", 2), Ok(vec![MISSING.into(), "abc".into()]));
        for (text, count) in [("", 1), ("abc  -\n", 2), ("abc  -\nabc  -\n", 1), ("warning: x\nabc  -\n", 1)] {
            assert!(hashes(text, count).unwrap_err().contains(" files"), "{text:?}");
        }
    }

    #[test]
    fn a_full_phone_is_known_by_its_words() {
        assert!(is_full("adb: error: failed to copy: remote write failed: No space left on device"));
        assert!(!is_full("adb: error: failed to copy: Permission denied"));
    }
}

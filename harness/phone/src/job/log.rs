//! The log of a job, read from a place on, so that a reader who comes again misses nothing.

use std::{
    fs::File,
    io::{self, ErrorKind, Read, Seek, SeekFrom},
    path::Path,
};

use pocketwatt_files::open_regular_in_place;

/// A part of a log.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) text: String,
    /// Where the next part begins, in bytes.
    pub(super) end: u64,
}

/// At most so many bytes from a place on; nothing if there is no log yet. A character whose end is not there yet is left to the next
/// part, unless nothing more comes.
pub(super) fn part(path: &Path, from: u64, most: usize, is_last: bool) -> io::Result<Part> {
    let mut file = match open_regular_in_place(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Part { text: String::new(), end: from }),
        file => file?,
    };
    // A log never gets shorter; if somebody cut it, what comes now is told.
    let from = from.min(length(&file)?);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(most as u64).read_to_end(&mut bytes)?;
    let whole = if is_last && bytes.len() < most { bytes.len() } else { whole_characters(&bytes) };
    Ok(Part { text: String::from_utf8_lossy(&bytes[..whole]).into_owned(), end: from + whole as u64 })
}

fn length(file: &File) -> io::Result<u64> {
    Ok(file.metadata()?.len())
}

/// The length without a character at the end that is not complete.
fn whole_characters(bytes: &[u8]) -> usize {
    const LONGEST: usize = 4;
    for (back, byte) in bytes.iter().rev().take(LONGEST).enumerate() {
        let needs = match byte {
            0b1100_0000..=0b1101_1111 => 2,
            0b1110_0000..=0b1110_1111 => 3,
            0b1111_0000..=0b1111_0111 => 4,
            0b1000_0000..=0b1011_1111 => continue,
            _ => return bytes.len(),
        };
        return if back + 1 < needs { bytes.len() - back - 1 } else { bytes.len() };
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_log_that_is_not_there_is_empty_and_a_shorter_one_is_read_from_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        assert_eq!(part(&path, 7, 10, true).unwrap(), Part { text: String::new(), end: 7 });
        std::fs::write(&path, "abc").unwrap();
        assert_eq!(part(&path, 7, 10, true).unwrap(), Part { text: String::new(), end: 3 });
        std::fs::write(&path, [b'a', 0xff, 0xe2, 0x82]).unwrap();
        assert_eq!(part(&path, 0, 10, false).unwrap(), Part { text: "a\u{fffd}".into(), end: 2 });
        assert_eq!(part(&path, 2, 10, true).unwrap(), Part { text: "\u{fffd}".into(), end: 4 });
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn parts_together_are_the_log(text in "[aä€😀\n]{0,40}", most in 4_usize..9, cut in 0_usize..100) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("log");
            let (mut read, mut from) = (String::new(), 0);
            // It grows while it is read, and its writer may stop within a character.
            let cut = cut.min(text.len());
            std::fs::write(&path, &text.as_bytes()[..cut]).unwrap();
            for is_last in [false, true] {
                loop {
                    let part = part(&path, from, most, is_last).unwrap();
                    if part.end == from {
                        break;
                    }
                    read += &part.text;
                    from = part.end;
                }
                std::fs::write(&path, &text).unwrap();
            }
            prop_assert_eq!(read, text);
        }
    }
}

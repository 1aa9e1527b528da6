//! Checks whether a shared library is complete. The system's loader maps what the headers announce: an incomplete library would
//! end the runner with a signal in the middle of a case.

use std::{
    io::{self, ErrorKind, Read, Seek, SeekFrom},
    path::Path,
};

use pocketwatt_files::open_regular;

const MAGIC: &[u8] = b"\x7fELF";
/// 64-bit, little-endian, as all processors that this project runs on. Others are left to the system's loader.
const CLASS_64_LITTLE_ENDIAN: [u8; 2] = [2, 1];
const HEADER_BYTES: usize = 64;
const LOADED_SEGMENT: u64 = 1;

/// Checks that a file is in the format of shared libraries, and has all bytes that its headers announce.
///
/// # Errors
/// What is wrong with it.
pub fn ensure_whole(path: &Path) -> Result<(), String> {
    let mut file = open_regular(path).map_err(|error| error.to_string())?;
    let bytes = file.metadata().map_err(|error| error.to_string())?.len();
    let needed = needed_bytes(&mut file).map_err(|error| match error.kind() {
        ErrorKind::UnexpectedEof => format!("it ends within its headers, after {bytes} bytes: an interrupted copy?"),
        _ => error.to_string(),
    })?;
    if needed > bytes {
        return Err(format!("it has {bytes} bytes of at least {needed}: an interrupted copy?"));
    }
    Ok(())
}

/// The end of the last part that the headers announce.
fn needed_bytes(file: &mut (impl Read + Seek)) -> io::Result<u64> {
    let mut header = [0; HEADER_BYTES];
    file.read_exact(&mut header)?;
    if !header.starts_with(MAGIC) {
        return Err(io::Error::new(ErrorKind::InvalidData, "it is not a shared library"));
    }
    if header[4..6] != CLASS_64_LITTLE_ENDIAN {
        return Ok(0);
    }
    let table = |offset: usize, size: usize, count: usize| {
        let (size, count) = (number(&header, size, 2), number(&header, count, 2));
        (number(&header, offset, 8), size, count)
    };
    let (segments, segment_bytes, segment_count) = table(0x20, 0x36, 0x38);
    let (sections, section_bytes, section_count) = table(0x28, 0x3a, 0x3c);
    let mut end = sections.saturating_add(section_bytes * section_count);
    if segment_bytes < 56 {
        return Ok(end);
    }
    for index in 0..segment_count {
        file.seek(SeekFrom::Start(segments.saturating_add(index * segment_bytes)))?;
        let mut segment = [0; 56];
        file.read_exact(&mut segment)?;
        if number(&segment, 0, 4) == LOADED_SEGMENT {
            end = end.max(number(&segment, 8, 8).saturating_add(number(&segment, 32, 8)));
        }
    }
    Ok(end)
}

fn number(bytes: &[u8], offset: usize, length: usize) -> u64 {
    bytes[offset..offset + length].iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn half_a_library_is_told_from_a_whole_one() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("lib.so");
        // Programs have the same format.
        let whole = fs::read("/proc/self/exe").unwrap();
        fs::write(&path, &whole).unwrap();
        ensure_whole(&path).unwrap();
        for length in [0, 10, 64, 200, whole.len() / 2, whole.len() - 1] {
            fs::write(&path, &whole[..length]).unwrap();
            let reason = ensure_whole(&path).unwrap_err();
            assert!(reason.ends_with("an interrupted copy?"), "{length}: {reason}");
        }
        fs::write(&path, [b' '; 100]).unwrap();
        assert_eq!(ensure_whole(&path).unwrap_err(), "it is not a shared library");
        assert_eq!(ensure_whole(root.path()).unwrap_err(), "it is a folder, not a file");
    }
}

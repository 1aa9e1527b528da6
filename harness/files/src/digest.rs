use std::{
    fs::File,
    io::{self, Read},
};

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

/// The sha256 of contents that are in memory, in hexadecimal: what tells files with one name apart.
pub fn sha256(contents: impl AsRef<[u8]>) -> String {
    hexadecimal(Sha256::digest(contents))
}

/// The sha256 of the rest of an open file, in hexadecimal, and its length in bytes. It is read in parts: a file may be larger than the
/// memory.
///
/// # Errors
/// When it cannot be read.
pub fn sha256_of_file(mut file: File) -> io::Result<(String, u64)> {
    let (mut digest, mut bytes) = (Sha256::new(), 0);
    let mut buffer = vec![0; 256 << 10];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok((hexadecimal(digest.finalize()), bytes)),
            Ok(read) => {
                digest.update(&buffer[..read]);
                bytes += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Bytes in hexadecimal: two lower-case digits for each.
pub fn hexadecimal(bytes: impl AsRef<[u8]>) -> String {
    HEXLOWER.encode(bytes.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_that_of_fips_180() {
        assert_eq!(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("abc");
        std::fs::write(&path, "abc").unwrap();
        assert_eq!(sha256_of_file(File::open(&path).unwrap()).unwrap(), (sha256("abc"), 3));
        assert_eq!(hexadecimal([0x0f, 0xa0]), "0fa0");
    }
}

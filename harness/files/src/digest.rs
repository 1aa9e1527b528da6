use std::io::{self, Read};

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

/// Bytes that are read at once.
const PART: usize = 1 << 20;

/// The sha256 of contents that are in memory, in hexadecimal: what tells files with one name apart.
pub fn sha256(contents: impl AsRef<[u8]>) -> String {
    hexadecimal(Sha256::digest(contents))
}

/// The sha256 of all that can be read, in hexadecimal, and the number of bytes.
///
/// # Errors
/// When reading fails.
pub fn sha256_of_reader(mut reader: impl Read) -> io::Result<(String, u64)> {
    let (mut hasher, mut part, mut bytes) = (Sha256::new(), vec![0; PART], 0);
    loop {
        match reader.read(&mut part)? {
            0 => return Ok((hexadecimal(hasher.finalize()), bytes)),
            read => {
                hasher.update(&part[..read]);
                bytes += read as u64;
            }
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
        const OF_ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256("abc"), OF_ABC);
        assert_eq!(sha256_of_reader("abc".as_bytes()).unwrap(), (OF_ABC.to_owned(), 3));
        assert_eq!(hexadecimal([0x0f, 0xa0]), "0fa0");
    }
}

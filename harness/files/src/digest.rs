use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

/// The sha256 of contents that are in memory, in hexadecimal: what tells files with one name apart.
pub fn sha256(contents: impl AsRef<[u8]>) -> String {
    hexadecimal(Sha256::digest(contents))
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
        assert_eq!(hexadecimal([0x0f, 0xa0]), "0fa0");
    }
}

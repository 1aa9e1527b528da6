//! File names made from untrusted names.

use crate::sha256;

/// Bytes of the longest part of a name. File systems allow 255; prefixes and suffixes need room.
const LONGEST_BYTES: usize = 160;
/// Bytes of a digest that distinguishes long names.
const DIGEST_DIGITS: usize = 12;

/// Replaces the text by letters and digits that every file system allows. A text that is too long is cut, and distinguished from
/// others with the same beginning by a digest of the whole: the same text always gets the same name.
pub fn harmless_name(text: &str) -> String {
    let harmless = |letter: char| if letter.is_ascii_alphanumeric() || "-_.".contains(letter) { letter } else { '-' };
    let name: String = text.chars().map(harmless).collect();
    if name.len() <= LONGEST_BYTES {
        return name;
    }
    let digest = &sha256(text)[..DIGEST_DIGITS];
    format!("{}-{digest}", &name[..LONGEST_BYTES - 1 - digest.len()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_has_a_name_that_fits() {
        assert_eq!(harmless_name("decode-2_tiny/x y_f32"), "decode-2_tiny-x-y_f32");
        let long = |end: &str| harmless_name(&("ü".repeat(500) + end));
        assert_eq!(long("a").len(), LONGEST_BYTES);
        assert_eq!(long("a"), long("a"));
        assert_ne!(long("a"), long("b"));
    }
}

//! Addresses in pages.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What RFC 3986 leaves unreserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A part of a path, between two slashes.
pub fn component(part: &str) -> String {
    utf8_percent_encode(part, RESERVED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_path_stays_one() {
        assert_eq!(component("a b/c?d#e\"<é"), "a%20b%2Fc%3Fd%23e%22%3C%C3%A9");
        assert_eq!(component("20261127-080000_x.json"), "20261127-080000_x.json");
    }
}

//! Recognises encodings other than UTF-8.

use std::str::Utf8Error;

/// The name of an encoding with two or four bytes for each character, as PowerShell's `>` and some editors write it. It is
/// recognised by its mark, or by the zeros beside the first character, which is ASCII in every JSON file.
pub(super) fn wide(contents: &[u8]) -> Option<&'static str> {
    match contents {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] | [1..=0x7f, 0, 0, 0, ..] | [0, 0, 0, 1..=0x7f, ..] => {
            Some("UTF-32")
        }
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [1..=0x7f, 0, ..] | [0, 1..=0x7f, ..] => Some("UTF-16"),
        _ => None,
    }
}

/// The error for a byte, or for a line, that is not UTF-8.
pub(super) fn not_utf8(text: &[u8], error: &Utf8Error) -> String {
    let found = match (error.error_len(), text.get(error.valid_up_to())) {
        (None, _) | (_, None) => ": its last character is incomplete".to_owned(),
        (Some(_), Some(byte)) => {
            format!(" (it is 0x{byte:02X}, perhaps Windows-1252 or Latin-1): save the file as UTF-8")
        }
    };
    format!("is not UTF-8{found}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_recognised_by_their_first_bytes() {
        let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        assert_eq!(wide(&utf16("\u{feff}{}")), Some("UTF-16"));
        assert_eq!(wide(&utf16("{}")), Some("UTF-16"));
        assert_eq!(wide(b"\xfe\xff\0{\0}"), Some("UTF-16"));
        assert_eq!(wide(b"\xff\xfe\0\0{\0\0\0"), Some("UTF-32"));
        for text in ["", "{", "{}", "\u{feff}{}", "é"] {
            assert_eq!(wide(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn bytes_are_named() {
        let words = |text: &[u8]| not_utf8(text, &str::from_utf8(text).unwrap_err());
        assert_eq!(
            words(b"3 \xd7 7"),
            "is not UTF-8 (it is 0xD7, perhaps Windows-1252 or Latin-1): save the file as UTF-8"
        );
        assert_eq!(words(b"caf\xc3"), "is not UTF-8: its last character is incomplete");
    }
}

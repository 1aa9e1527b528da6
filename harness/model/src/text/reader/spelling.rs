//! How tokenizers spell bytes.

use tokenizers::{DecoderWrapper, Tokenizer};

/// How a vocabulary spells the text of its tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spelling {
    /// GPT-2's way: each byte is a letter.
    ByteLevel,
    /// Sentencepiece's way: `▁` is a space, `<0x0A>` a byte.
    Sentencepiece,
}

impl Spelling {
    /// Determined from the tokenizer's decoder.
    pub(super) fn of_tokenizer(tokenizer: &Tokenizer) -> Option<Self> {
        Self::of_decoder(tokenizer.get_decoder()?)
    }

    fn of_decoder(decoder: &DecoderWrapper) -> Option<Self> {
        match decoder {
            DecoderWrapper::ByteLevel(_) => Some(Self::ByteLevel),
            DecoderWrapper::Metaspace(_) | DecoderWrapper::ByteFallback(_) => Some(Self::Sentencepiece),
            DecoderWrapper::Sequence(sequence) => sequence.get_decoders().iter().find_map(Self::of_decoder),
            _ => None,
        }
    }

    /// The bytes of a token in that spelling.
    pub(super) fn bytes(self, token: &str) -> Vec<u8> {
        match self {
            Self::ByteLevel => token.chars().flat_map(byte_level).collect(),
            Self::Sentencepiece => match byte_fallback(token) {
                Some(byte) => vec![byte],
                None => token.replace('▁', " ").into_bytes(),
            },
        }
    }
}

/// Letters that represent no byte stand for themselves, as in the decoder of such a tokenizer.
fn byte_level(letter: char) -> Vec<u8> {
    let code = u32::from(letter);
    let plain = |code: u32| matches!(code, 33..=126 | 161..=172 | 174..=255);
    let byte = match code {
        // The other bytes, in order, are the letters from 256 on.
        256..=323 => (0..=255).filter(|byte| !plain(*byte)).nth((code - 256) as usize),
        code if plain(code) => Some(code),
        _ => None,
    };
    match byte.and_then(|byte| u8::try_from(byte).ok()) {
        Some(byte) => vec![byte],
        None => letter.to_string().into_bytes(),
    }
}

fn byte_fallback(token: &str) -> Option<u8> {
    let digits = token.strip_prefix("<0x")?.strip_suffix('>')?;
    u8::from_str_radix(digits, 16).ok().filter(|_| digits.len() == 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_read_as_they_are_spelled() {
        assert_eq!(Spelling::ByteLevel.bytes("Ġhi"), b" hi");
        assert_eq!(Spelling::ByteLevel.bytes("Ċ"), b"\n");
        assert_eq!(Spelling::ByteLevel.bytes("Ã¸"), "ø".as_bytes());
        assert_eq!(Spelling::ByteLevel.bytes("Ń"), [0xad]);
        assert_eq!(Spelling::Sentencepiece.bytes("▁hi"), b" hi");
        assert_eq!(Spelling::Sentencepiece.bytes("<0x0A>"), b"\n");
        assert_eq!(Spelling::Sentencepiece.bytes("<0xA>"), b"<0xA>");
    }

    #[test]
    fn every_byte_has_a_letter() {
        let plain = (33..=126).chain(161..=172).chain(174..=255);
        let letters = plain.chain(256..=323).filter_map(char::from_u32);
        let mut bytes: Vec<u8> = letters.flat_map(byte_level).collect();
        bytes.sort_unstable();
        assert_eq!(bytes, (0..=255).collect::<Vec<u8>>());
    }
}

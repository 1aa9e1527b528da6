//! Changes of bytes, for runs without libFuzzer.

use super::Random;

/// Makes a few changes.
pub fn change(input: &[u8], words: &[&str], random: &mut Random) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..random.few() {
        change_bytes(&mut bytes, words, random);
    }
    bytes
}

fn change_bytes(bytes: &mut Vec<u8>, words: &[&str], random: &mut Random) {
    let at = random.below(bytes.len() + 1);
    let end = (at + 1 + random.below(16)).min(bytes.len());
    match random.below(8) {
        0 | 1 if !words.is_empty() => drop(bytes.splice(at..at, random.choice(words).bytes())),
        2 if !words.is_empty() => drop(bytes.splice(at..end, random.choice(words).bytes())),
        3 => drop(bytes.drain(at..end)),
        4 => {
            let copy = bytes[at..end].to_vec();
            let to = random.below(bytes.len() + 1);
            bytes.splice(to..to, copy);
        }
        5 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
        6 => bytes.insert(at, random.below(256) as u8),
        _ if at < bytes.len() => bytes[at] = random.choice(&[0, 1, 0x7f, 0x80, 0xff, b'0', b'"', b'\n', b' ']),
        _ => {}
    }
}

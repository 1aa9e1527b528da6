//! Changes that keep an input readable, so that the code after the parser is reached: a value of a document is replaced or
//! moved, and lengths and counts stay right.

mod bytes;
mod document;
mod gguf;
mod large;
mod lines;
mod protobuf;

pub use large::swollen;
use serde_json::Value;

use crate::target::Target;

/// The structure of a target's inputs.
#[derive(Clone, Copy, Debug)]
pub enum Form {
    /// Bytes or text that only libFuzzer itself changes.
    Bytes,
    /// JSON documents, separated by this.
    Json(&'static str),
    /// A TOML document.
    Toml,
    /// A JSON document after its length in eight bytes, followed by bytes.
    Headed,
    /// A GGUF file.
    Gguf,
    /// A message of protocol buffers.
    Protobuf,
    /// Lines, most of which are `name = value`.
    Lines,
}

/// Random numbers from a seed.
pub struct Random(u64);

impl Random {
    /// The sequence of this seed.
    pub fn new(seed: u32) -> Self {
        Self(u64::from(seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `limit`, which is not 0.
    pub fn below(&mut self, limit: usize) -> usize {
        // Marsaglia's xorshift64.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit
    }

    /// The number of changes: usually one, which an input is most likely to survive.
    pub fn few(&mut self) -> usize {
        self.choice(&[1, 1, 1, 2, 4])
    }

    /// A random element.
    pub fn choice<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

/// The input with a change; `None` if the change would break the structure, or is skipped this time.
pub fn mutate(form: Form, input: &[u8], seed: u32) -> Option<Vec<u8>> {
    let mut random = Random::new(seed);
    // The parser itself deserves some attention, too.
    if random.below(5) == 0 {
        return None;
    }
    let text = str::from_utf8(input).ok();
    match form {
        Form::Bytes => None,
        Form::Json(between) => json(text?, between, &mut random),
        Form::Toml => toml(text?, &mut random),
        Form::Headed => headed(input, |mut header| {
            document::change(&mut header, &mut random);
            Some(header)
        }),
        Form::Gguf => gguf::change(input, &mut random),
        Form::Protobuf => protobuf::change(input, &mut random),
        Form::Lines => Some(lines::change(text?, &mut random).into_bytes()),
    }
}

/// The input with a change of any kind.
pub fn any_change(target: &Target, input: &[u8], seed: u32) -> Vec<u8> {
    mutate(target.form, input, seed)
        .unwrap_or_else(|| bytes::change(input, target.words, &mut Random::new(seed.wrapping_add(1))))
}

fn json(text: &str, between: &str, random: &mut Random) -> Option<Vec<u8>> {
    let mut parts: Vec<String> = match between {
        "" => vec![text.to_owned()],
        between => text.split(between).map(str::to_owned).collect(),
    };
    let at = random.below(parts.len());
    match random.below(if between.is_empty() { 12 } else { 15 }) {
        12 => parts.insert(at, parts[at].clone()),
        13 if parts.len() > 1 => drop(parts.remove(at)),
        14 => {
            let other = random.below(parts.len());
            parts.swap(at, other);
        }
        _ => {
            let mut document: Value = serde_json::from_str(&parts[at]).ok()?;
            document::change(&mut document, random);
            parts[at] = document.to_string();
        }
    }
    Some(parts.join(between).into_bytes())
}

fn toml(text: &str, random: &mut Random) -> Option<Vec<u8>> {
    let table: toml::Table = toml::from_str(text).ok()?;
    let mut document = serde_json::to_value(table).ok()?;
    document::change(&mut document, random);
    Some(toml::to_string(&document).ok()?.into_bytes())
}

fn headed(input: &[u8], change: impl FnOnce(Value) -> Option<Value>) -> Option<Vec<u8>> {
    let (length, rest) = input.split_first_chunk::<8>()?;
    let (header, data) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    let header = change(serde_json::from_slice(header).ok()?)?.to_string();
    Some([&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat())
}

//! Changes of a GGUF file that keep its counts and lengths right: keys and tensors are removed, repeated or moved, or get values
//! of others.

use super::{
    Random,
    document::{NUMBERS, TEXTS},
};

/// A key with its value, or a tensor with its offset: a name, and what follows it.
type Named = (Vec<u8>, Vec<u8>);

/// A file split into its parts.
struct File<'a> {
    /// The letters GGUF, and the version.
    begins: &'a [u8],
    keys: Vec<Named>,
    tensors: Vec<Named>,
    /// Where the weights began, and their bytes.
    begun: usize,
    weights: &'a [u8],
}

/// Makes a few changes; `None` if it is not such a file.
pub fn change(input: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    let mut file = File::read(input)?;
    for _ in 0..random.few() {
        match random.below(3) {
            0 if !file.tensors.is_empty() => change_one(&mut file.tensors, other_place, random),
            _ if !file.keys.is_empty() => change_one(&mut file.keys, |_, random| any_value(random), random),
            _ => {}
        }
    }
    Some(file.written())
}

/// Makes a list so long, or repeats a key or tensor so often, that it has this many bytes.
pub fn swollen(input: &[u8], bytes: usize, random: &mut Random) -> Option<Vec<u8>> {
    let mut file = File::read(input)?;
    let lists: Vec<usize> = (0..file.keys.len()).filter(|at| file.keys[*at].1.starts_with(&[9, 0, 0, 0])).collect();
    match random.below(4) {
        0 => swell(&mut file.tensors, bytes, random)?,
        1 => swell(&mut file.keys, bytes, random)?,
        _ if lists.is_empty() => return None,
        _ => {
            let (_, list) = &mut file.keys[random.choice(&lists)];
            let elements = list.split_off(16);
            let count = u64::from_le_bytes(*list.last_chunk()?);
            let times = bytes / elements.len().max(1);
            list[8..].copy_from_slice(&(count * times as u64).to_le_bytes());
            list.extend(elements.repeat(times));
        }
    }
    Some(file.written())
}

/// One of them under many names.
fn swell(list: &mut Vec<Named>, bytes: usize, random: &mut Random) -> Option<()> {
    let (name, rest) = list.get(random.below(list.len().max(1)))?.clone();
    let name = String::from_utf8_lossy(&name).into_owned();
    let times = bytes / (name.len() + rest.len() + 13);
    list.extend((0..times).map(|number| format!("{name}{number}").into_bytes()).map(|name| (name, rest.clone())));
    Some(())
}

impl<'a> File<'a> {
    fn read(input: &'a [u8]) -> Option<Self> {
        let mut rest = Rest(input);
        let begins = rest.take(8)?;
        let (tensors, keys) = (rest.number(8)?, rest.number(8)?);
        let keys = (0..keys).map(|_| rest.key()).collect::<Option<Vec<Named>>>()?;
        let tensors = (0..tensors).map(|_| rest.tensor()).collect::<Option<Vec<Named>>>()?;
        Some(Self { begins, keys, tensors, begun: input.len() - rest.0.len(), weights: rest.0 })
    }

    fn written(&self) -> Vec<u8> {
        let mut bytes = self.begins.to_vec();
        bytes.extend((self.tensors.len() as u64).to_le_bytes());
        bytes.extend((self.keys.len() as u64).to_le_bytes());
        for (name, rest) in self.keys.iter().chain(&self.tensors) {
            bytes.extend((name.len() as u64).to_le_bytes());
            bytes.extend(name.iter().chain(rest));
        }
        // The weights keep their offset modulo the usual alignment.
        bytes.resize(bytes.len() + (self.begun + 32 - bytes.len() % 32) % 32, 0);
        bytes.extend(self.weights);
        bytes
    }
}

fn change_one(list: &mut Vec<Named>, other: fn(&[u8], &mut Random) -> Vec<u8>, random: &mut Random) {
    let (at, another) = (random.below(list.len()), random.below(list.len()));
    match random.below(8) {
        0 => drop(list.remove(at)),
        1 => list.insert(another, list[at].clone()),
        2 => list.swap(at, another),
        3 => list[at].0 = list[another].0.clone(),
        4 => list[at].1 = list[another].1.clone(),
        5 => list[at].0 = random.choice(&TEXTS).into(),
        _ => list[at].1 = other(&list[at].1, random),
    }
}

/// A value of any kind: a number, a text, or a list of them.
fn any_value(random: &mut Random) -> Vec<u8> {
    match random.below(6) {
        0 => [&8_u32.to_le_bytes()[..], &text(random)].concat(),
        1 | 2 => {
            let count = random.choice(&[0, 1, 3, 8]);
            let texts = random.below(2) == 0;
            let mut list = [9_u32.to_le_bytes(), if texts { 8_u32 } else { 5 }.to_le_bytes()].concat();
            list.extend((count as u64).to_le_bytes());
            for _ in 0..count {
                list.extend(if texts { text(random) } else { number(random, 4) });
            }
            list
        }
        _ => {
            let kind = random.choice(&[0_u32, 4, 4, 5, 6, 7, 10, 12]);
            [&kind.to_le_bytes()[..], &number(random, size(kind).unwrap_or(4))].concat()
        }
    }
}

/// A tensor's sizes, type and offset with one of these replaced.
fn other_place(place: &[u8], random: &mut Random) -> Vec<u8> {
    let mut other = place.to_vec();
    let sizes = (place.len() - 16) / 8;
    match random.below(3 + sizes) {
        0 => other[place.len() - 8..].copy_from_slice(&number(random, 8)),
        1 | 2 => other[4 + 8 * sizes..8 + 8 * sizes].copy_from_slice(&(random.below(40) as u32).to_le_bytes()),
        at => other[8 * at - 20..8 * at - 12].copy_from_slice(&number(random, 8)),
    }
    other
}

fn text(random: &mut Random) -> Vec<u8> {
    let text = random.choice(&TEXTS);
    [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat()
}

/// A number in this many bytes, as an integer or a floating-point number.
fn number(random: &mut Random, bytes: usize) -> Vec<u8> {
    let number: f64 = random.choice(&NUMBERS).parse().unwrap_or_default();
    match random.below(4) {
        0 if bytes == 4 => (number as f32).to_le_bytes().into(),
        0 if bytes == 8 => number.to_le_bytes().into(),
        1 => (random.below(32) as u64).to_le_bytes()[..bytes].into(),
        _ => (number as i128 as u64).to_le_bytes()[..bytes].into(),
    }
}

/// Bytes of a value of this kind, if all values of the kind have the same number.
fn size(kind: u32) -> Option<usize> {
    match kind {
        0 | 1 | 7 => Some(1),
        2 | 3 => Some(2),
        4..=6 => Some(4),
        10..=12 => Some(8),
        _ => None,
    }
}

/// The bytes that were not read yet.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, bytes: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(bytes)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self, bytes: usize) -> Option<usize> {
        let mut number = [0; 8];
        number[..bytes].copy_from_slice(self.take(bytes)?);
        usize::try_from(u64::from_le_bytes(number)).ok()
    }

    fn text(&mut self) -> Option<&'a [u8]> {
        let length = self.number(8)?;
        self.take(length)
    }

    fn key(&mut self) -> Option<Named> {
        let name = self.text()?.to_vec();
        let begun = self.0;
        let kind = self.number(4)? as u32;
        if kind == 9 {
            let kind = self.number(4)? as u32;
            for _ in 0..self.number(8)? {
                self.value(kind)?;
            }
        } else {
            self.value(kind)?;
        }
        Some((name, begun[..begun.len() - self.0.len()].to_vec()))
    }

    fn value(&mut self, kind: u32) -> Option<()> {
        match size(kind) {
            Some(size) => self.take(size)?,
            None if kind == 8 => self.text()?,
            None => return None,
        };
        Some(())
    }

    fn tensor(&mut self) -> Option<Named> {
        let name = self.text()?.to_vec();
        let begun = self.0;
        let sizes = self.number(4)?;
        self.take(sizes.checked_mul(8)?.checked_add(12)?)?;
        Some((name, begun[..begun.len() - self.0.len()].to_vec()))
    }
}

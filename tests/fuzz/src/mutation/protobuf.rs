//! Changes of a message of protocol buffers that keep its lengths right: fields are removed, repeated or moved, or get other values,
//! also in nested messages.

use super::{
    Random,
    document::{NUMBERS, TEXTS},
};

/// A field's key, and its value.
type Field = (u64, Value);

#[derive(Clone)]
enum Value {
    Number(u64),
    /// Four or eight bytes.
    Fixed(Vec<u8>),
    /// A text, bytes or a message.
    Bytes(Vec<u8>),
}

/// Makes a change; `None` if it is not a message.
pub fn change(input: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    let mut fields = fields(input)?;
    if fields.is_empty() {
        return None;
    }
    let (at, another) = (random.below(fields.len()), random.below(fields.len()));
    match random.below(12) {
        0 => drop(fields.remove(at)),
        1 => fields.insert(another, fields[at].clone()),
        2 => fields.swap(at, another),
        3 => fields[at].1 = fields[another].1.clone(),
        4 => fields[at].0 = random.below(400) as u64,
        _ => {
            let changed = match &fields[at].1 {
                Value::Bytes(inside) => change(inside, random).or_else(|| Some(random.choice(&TEXTS).into())),
                _ => None,
            };
            fields[at].1 = match (changed, &fields[at].1) {
                (Some(changed), _) => Value::Bytes(changed),
                (None, Value::Fixed(bytes)) => {
                    let number: f64 = random.choice(&NUMBERS).parse().unwrap_or_default();
                    let (short, long) = ((number as f32).to_le_bytes(), number.to_le_bytes());
                    Value::Fixed(if bytes.len() == 4 { short.to_vec() } else { long.to_vec() })
                }
                (None, _) => Value::Number(match random.below(2) {
                    0 => random.below(8) as u64,
                    _ => random.choice(&NUMBERS).parse::<f64>().unwrap_or_default() as u64,
                }),
            };
        }
    }
    Some(written(fields))
}

/// Repeats one field so often that it has this many bytes.
pub fn swollen(input: &[u8], bytes: usize, random: &mut Random) -> Option<Vec<u8>> {
    let mut fields = fields(input)?;
    let field = fields.get(random.below(fields.len().max(1)))?.clone();
    let times = bytes / written(vec![field.clone()]).len();
    let at = random.below(fields.len());
    fields.splice(at..at, std::iter::repeat_n(field, times));
    Some(written(fields))
}

fn written(fields: Vec<Field>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (key, value) in fields {
        // The lowest three bits follow from the value.
        let kind = match &value {
            Value::Number(_) => 0,
            Value::Fixed(value) if value.len() == 8 => 1,
            Value::Bytes(_) => 2,
            Value::Fixed(_) => 5,
        };
        put(&mut bytes, key & !7 | kind);
        match value {
            Value::Number(number) => put(&mut bytes, number),
            Value::Fixed(value) => bytes.extend(value),
            Value::Bytes(value) => {
                put(&mut bytes, value.len() as u64);
                bytes.extend(value);
            }
        }
    }
    bytes
}

fn fields(mut bytes: &[u8]) -> Option<Vec<Field>> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let key = take(&mut bytes)?;
        let length = match key & 7 {
            0 => {
                fields.push((key, Value::Number(take(&mut bytes)?)));
                continue;
            }
            1 => 8,
            2 => usize::try_from(take(&mut bytes)?).ok()?,
            5 => 4,
            _ => return None,
        };
        let (value, rest) = bytes.split_at_checked(length)?;
        fields.push((key, if key & 7 == 2 { Value::Bytes(value.into()) } else { Value::Fixed(value.into()) }));
        bytes = rest;
    }
    Some(fields)
}

/// A number in groups of seven bits, the lowest first.
fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

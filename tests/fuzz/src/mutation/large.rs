//! Inputs of nearly a mebibyte, made from small ones by repetition: time and memory that grow faster than
//! the input do not show in small ones.

use serde_json::{Map, Value};

use super::{Form, Random, gguf, protobuf};

/// Approximate length of the largest inputs.
const BYTES: usize = 1_000_000;

/// The input with a part of it repeated.
pub fn swollen(form: Form, input: &[u8], random: &mut Random) -> Vec<u8> {
    let text = String::from_utf8_lossy(input);
    let swollen = match form {
        _ if random.below(4) == 0 => None,
        Form::Json(between) => json(&text, between, random),
        Form::Toml => toml::from_str::<toml::Table>(&text).ok().and_then(|table| {
            let document = document(serde_json::to_value(table).ok()?, random)?;
            Some(toml::to_string(&document).ok()?.into_bytes())
        }),
        Form::Headed => super::headed(input, |header| document(header, random)),
        Form::Protobuf => protobuf::swollen(input, BYTES, random),
        Form::Lines => lines(&text, random),
        Form::Gguf => gguf::swollen(input, BYTES, random),
        Form::Bytes => None,
    };
    swollen.unwrap_or_else(|| bytes(input, random))
}

/// Repeats a piece of it.
fn bytes(input: &[u8], random: &mut Random) -> Vec<u8> {
    let from = random.below(input.len().max(1)).min(input.len());
    let longest = random.choice(&[1, 4, 16, 64, 512]);
    let to = (from + 1 + random.below(longest)).min(input.len());
    let (piece, times) = (&input[from..to], BYTES / (to - from).max(1));
    [&input[..from], &piece.repeat(times), &input[to..]].concat()
}

fn json(text: &str, between: &str, random: &mut Random) -> Option<Vec<u8>> {
    let mut parts: Vec<String> = match between {
        "" => vec![text.to_owned()],
        between => text.split(between).map(str::to_owned).collect(),
    };
    let at = random.below(parts.len());
    if !between.is_empty() && random.below(3) == 0 {
        let part = parts[at].clone();
        parts.extend(std::iter::repeat_n(part.clone(), BYTES / (part.len() + between.len())));
    } else {
        parts[at] = document(serde_json::from_str(&parts[at]).ok()?, random)?.to_string();
    }
    Some(parts.join(between).into_bytes())
}

/// Lengthens one of its lists, objects or texts.
fn document(mut document: Value, random: &mut Random) -> Option<Value> {
    let count = super::document::count(&document);
    for _ in 0..100 {
        let node = super::document::pick(&mut document, &mut random.below(count))?;
        match node {
            Value::Array(elements) if !elements.is_empty() => {
                let one = elements[random.below(elements.len())].clone();
                elements.extend(std::iter::repeat_n(one.clone(), BYTES / (one.to_string().len() + 1)));
            }
            Value::Object(fields) if !fields.is_empty() => extend(fields, random),
            Value::String(text) if !text.is_empty() => *text = text.repeat(BYTES / text.len()),
            _ => continue,
        }
        return Some(document);
    }
    None
}

/// Repeats one of its values under many names.
fn extend(fields: &mut Map<String, Value>, random: &mut Random) {
    let Some((name, value)) = fields.iter().nth(random.below(fields.len())) else { return };
    let (name, value) = (name.clone(), value.clone());
    let bytes = name.len() + value.to_string().len() + 10;
    for number in 0..BYTES / bytes {
        fields.insert(format!("{name}{number}"), value.clone());
    }
}

/// Repeats a line under many names.
fn lines(text: &str, random: &mut Random) -> Option<Vec<u8>> {
    let lines: Vec<&str> = text.lines().collect();
    let line = random.choice(&lines);
    let at = line.find(|letter: char| letter.is_ascii_digit())?;
    let many: Vec<String> =
        (0..BYTES / (line.len() + 5)).map(|number| format!("{}{number}{}", &line[..at], &line[at + 1..])).collect();
    Some([text, "\n", &many.join("\n")].concat().into_bytes())
}

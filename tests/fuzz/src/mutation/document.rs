//! Changes of a JSON document.

use serde_json::{Map, Number, Value, json};

use super::Random;

/// Numbers at which arithmetic goes wrong.
pub const NUMBERS: [&str; 22] = [
    "0",
    "1",
    "2",
    "3",
    "7",
    "-1",
    "255",
    "65536",
    "2147483647",
    "4294967295",
    "4294967296",
    "9007199254740993",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551615",
    "0.5",
    "-0.0",
    "1e-320",
    "1e15",
    "1e19",
    "1e300",
    "-1e308",
];
/// Texts that lead elsewhere, or have a special meaning when printed.
pub const TEXTS: [&str; 18] = [
    "",
    " ",
    "../../outside",
    "/dev/zero",
    "a/b",
    "\u{1b}[2J\u{1b}]0;title\u{7}",
    "one\ntwo\r\nthree",
    "\u{202e}desrever",
    "=1+1",
    "| a | b |",
    "<script>&\"'",
    "`code` **bold**",
    "nan",
    "f32",
    "\u{0}",
    "\u{1f469}\u{200d}\u{1f52c}\u{301}",
    "{model}",
    "a very long name that is longer than any column of any table and any line of any chart would ever be, on and on and on",
];

/// Makes a few changes.
pub fn change(document: &mut Value, random: &mut Random) {
    for _ in 0..random.few() {
        let count = count(document);
        let taken = pick(document, &mut random.below(count)).cloned().unwrap_or_default();
        let count = self::count(document);
        if let Some(node) = pick(document, &mut random.below(count)) {
            change_node(node, taken, random);
        }
    }
}

/// Values in a document, itself included.
pub fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(elements) => elements.iter().map(count).sum(),
        Value::Object(fields) => fields.values().map(count).sum(),
        _ => 0,
    }
}

/// The value that `index` counts down to.
pub fn pick<'a>(value: &'a mut Value, index: &mut usize) -> Option<&'a mut Value> {
    if *index == 0 {
        return Some(value);
    }
    *index -= 1;
    match value {
        Value::Array(elements) => elements.iter_mut().find_map(|element| pick(element, index)),
        Value::Object(fields) => fields.values_mut().find_map(|field| pick(field, index)),
        _ => None,
    }
}

fn change_node(node: &mut Value, taken: Value, random: &mut Random) {
    match (random.below(10), &mut *node) {
        (0, _) => *node = taken,
        (1, _) => *node = any(random),
        (2..=4, Value::Array(elements)) if !elements.is_empty() => change_array(elements, random),
        (2..=4, Value::Object(fields)) if !fields.is_empty() => change_object(fields, taken, random),
        (5, Value::String(text)) => text.push_str(random.choice(&TEXTS)),
        (_, Value::Number(number)) => *number = other_number(number, random),
        (_, Value::String(text)) => *text = random.choice(&TEXTS).to_owned(),
        (_, Value::Bool(boolean)) => *boolean = !*boolean,
        (_, Value::Null) => *node = any(random),
        _ => {}
    }
}

fn change_array(elements: &mut Vec<Value>, random: &mut Random) {
    let at = random.below(elements.len());
    match random.below(5) {
        0 => drop(elements.remove(at)),
        1 => elements.truncate(at),
        2 => {
            let other = random.below(elements.len());
            elements.swap(at, other);
        }
        _ => {
            for _ in 0..random.choice(&[1, 1, 2, 16]) {
                elements.insert(at, elements[at].clone());
            }
        }
    }
}

fn change_object(fields: &mut Map<String, Value>, taken: Value, random: &mut Random) {
    let at = random.below(fields.len());
    let Some(name) = fields.keys().nth(at).cloned() else { return };
    match random.below(4) {
        0 => drop(fields.remove(&name)),
        1 => drop(fields.insert(random.choice(&TEXTS).to_owned(), taken)),
        2 => {
            if let Some(value) = fields.remove(&name) {
                fields.insert(random.choice(&TEXTS).to_owned(), value);
            }
        }
        _ => drop(fields.insert(name, taken)),
    }
}

fn other_number(number: &Number, random: &mut Random) -> Number {
    let near = |change: fn(f64) -> f64| number.as_f64().map(change).and_then(Number::from_f64);
    let step = |step: i64| number.as_i64().and_then(|value| value.checked_add(step)).map(Number::from);
    let other = match random.below(8) {
        0 => step(1),
        1 => step(-1),
        2 => near(|value| value * 2.0),
        3 => near(|value| -value),
        4 => near(|value| value * 1e9),
        _ => None,
    };
    other.unwrap_or_else(|| serde_json::from_str(random.choice(&NUMBERS)).expect("a number"))
}

fn any(random: &mut Random) -> Value {
    match random.below(8) {
        0 => Value::Null,
        1 => json!([]),
        2 => json!({}),
        3 => Value::Bool(true),
        4 | 5 => Value::String(random.choice(&TEXTS).to_owned()),
        _ => serde_json::from_str(random.choice(&NUMBERS)).expect("a number"),
    }
}

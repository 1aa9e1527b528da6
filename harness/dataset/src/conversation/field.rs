//! Values of a row, and errors that name their keys.

use serde_json::{Map, Value};

/// A JSON object.
pub(super) type Object = Map<String, Value>;

/// Longest piece of a file that an error message quotes.
const MAX_SHOWN_CHARACTERS: usize = 40;

pub(super) fn required<'a>(object: &'a Object, key: &str) -> Result<&'a Value, String> {
    object.get(key).ok_or_else(|| format!("`{key}` is missing"))
}

/// The value of a key; other people's files write `null` for a missing one.
pub(super) fn present<'a>(object: &'a Object, key: &str) -> Option<&'a Value> {
    object.get(key).filter(|value| !value.is_null())
}

/// A text, unless it is blank.
pub(super) fn not_blank(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.trim().is_empty())
}

/// The names of an object's keys, for an error message.
pub(super) fn keys(object: &Object) -> String {
    let keys: Vec<&str> = object.keys().map(String::as_str).collect();
    if keys.is_empty() { "none".to_owned() } else { shown(&keys.join(", ")) }
}

/// A text that is not blank.
pub(super) fn text(value: &Value, name: &str) -> Result<String, String> {
    let text = string(value, name)?;
    if text.trim().is_empty() {
        return Err(format!("`{name}` is empty"));
    }
    Ok(text.to_owned())
}

pub(super) fn string<'a>(value: &'a Value, name: &str) -> Result<&'a str, String> {
    value.as_str().ok_or_else(|| wrong_type(value, name, "text"))
}

pub(super) fn object<'a>(value: &'a Value, name: &str) -> Result<&'a Object, String> {
    value.as_object().ok_or_else(|| wrong_type(value, name, "an object"))
}

/// A list of at least one element.
pub(super) fn list<'a>(value: &'a Value, name: &str) -> Result<&'a [Value], String> {
    match value.as_array().ok_or_else(|| wrong_type(value, name, "a list"))?.as_slice() {
        [] => Err(format!("`{name}` is empty")),
        elements => Ok(elements),
    }
}

/// A number of tokens, at least one.
pub(super) fn tokens(value: &Value, name: &str) -> Result<u32, String> {
    let tokens = value.as_u64().and_then(|tokens| u32::try_from(tokens).ok()).filter(|tokens| *tokens > 0);
    tokens.ok_or_else(|| match value {
        Value::Number(number) => format!("`{name}` is {number}, not a whole number from 1 to {}", u32::MAX),
        _ => wrong_type(value, name, "a whole number"),
    })
}

/// The id of a row in other people's files: text, or a whole number.
pub(super) fn identifier(value: &Value, name: &str) -> Result<String, String> {
    match value {
        Value::Number(number) if number.is_i64() || number.is_u64() => Ok(number.to_string()),
        Value::String(_) => text(value, name),
        _ => Err(wrong_type(value, name, "text or a whole number")),
    }
}

/// A piece of a file for an error message: on one line, and shortened.
pub(super) fn shown(text: &str) -> String {
    match text.char_indices().nth(MAX_SHOWN_CHARACTERS) {
        Some((end, _)) => format!("{:?}...", &text[..end]),
        None => format!("{text:?}"),
    }
}

fn wrong_type(value: &Value, name: &str, wanted: &str) -> String {
    let found = match value {
        Value::Object(object) => return format!("`{name}` is an object with the keys {}, not {wanted}", keys(object)),
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
    };
    format!("`{name}` is {found}, not {wanted}")
}

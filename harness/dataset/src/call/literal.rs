//! Literals as in Python and JSON; models mix the two.

use serde_json::{Map, Value};
use thiserror::Error;

/// Deepest nesting of lists and objects; arguments in practice have two levels.
pub(super) const MAX_DEPTH: usize = 16;

/// Why a model's answer contains no call.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CallSyntaxError {
    /// Nothing in it looks like a call.
    #[error("the answer has no call: expected name(argument=value) or no_call()")]
    Absent,
    /// Something else is in the place of a part of a call.
    #[error("byte {at} of the answer is not {expected}")]
    Expected {
        /// What should be there.
        expected: &'static str,
        /// Its position.
        at: usize,
    },
    /// A string does not end.
    #[error("the string that begins at byte {at} of the answer has no closing quote")]
    Unterminated {
        /// Where it begins.
        at: usize,
    },
    /// Lists or objects are nested too deeply.
    #[error("the value at byte {at} of the answer is nested more than {MAX_DEPTH} deep")]
    Nested {
        /// Where the value begins.
        at: usize,
    },
    /// An argument is given twice.
    #[error("the argument `{name}` is given twice")]
    Duplicate {
        /// Its name.
        name: String,
    },
}

/// A position in a model's answer.
#[derive(Clone)]
pub(super) struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str, at: usize) -> Self {
        Self { text, at }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    pub(super) fn expected(&self, expected: &'static str) -> CallSyntaxError {
        CallSyntaxError::Expected { expected, at: self.at }
    }

    fn skip_space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    /// Skips white space and then `wanted`; if it is not there, nothing is skipped.
    pub(super) fn take(&mut self, wanted: char) -> bool {
        let mut ahead = self.clone();
        ahead.skip_space();
        let found = ahead.next() == Some(wanted);
        if found {
            *self = ahead;
        }
        found
    }

    /// Skips white space and reads a name.
    pub(super) fn name(&mut self) -> Option<&'a str> {
        self.skip_space();
        let end = self.rest().find(|part: char| !is_name_part(part)).unwrap_or(self.rest().len());
        let name = self.rest().get(..end).filter(|name| is_name(name))?;
        self.at += end;
        Some(name)
    }

    /// Skips white space and reads a literal.
    pub(super) fn value(&mut self) -> Result<Value, CallSyntaxError> {
        self.value_at_depth(0)
    }

    fn value_at_depth(&mut self, depth: usize) -> Result<Value, CallSyntaxError> {
        if depth > MAX_DEPTH {
            return Err(CallSyntaxError::Nested { at: self.at });
        }
        self.skip_space();
        match self.peek() {
            Some('"' | '\'') => self.string().map(Value::String),
            Some('[') => self.list(']', depth).map(|(elements, _)| Value::Array(elements)),
            // A tuple of Python; parentheses around one value are not a tuple.
            Some('(') => self.list(')', depth).map(|(mut elements, commas)| match elements.len() {
                1 if commas == 0 => elements.swap_remove(0),
                _ => Value::Array(elements),
            }),
            Some('{') => self.object(depth).map(Value::Object),
            Some(first) if first.is_ascii_digit() || "+-.".contains(first) => self.number(),
            _ => self.word(),
        }
    }

    fn word(&mut self) -> Result<Value, CallSyntaxError> {
        let start = self.clone();
        Ok(match self.name() {
            Some("true" | "True") => Value::Bool(true),
            Some("false" | "False") => Value::Bool(false),
            Some("null" | "None") => Value::Null,
            _ => return Err(start.expected("a value")),
        })
    }

    fn number(&mut self) -> Result<Value, CallSyntaxError> {
        let is_part = |part: char| part.is_ascii_alphanumeric() || "+-._".contains(part);
        let end = self.rest().find(|part| !is_part(part)).unwrap_or(self.rest().len());
        let text = self.rest().get(..end).unwrap_or_default();
        let integer = text.parse::<i64>().map(Value::from).or_else(|_| text.parse::<u64>().map(Value::from));
        // Rust also parses `+inf` and `-nan`, for which JSON has no number.
        let number = integer.ok().or_else(|| {
            let float = text.parse::<f64>().ok().filter(|float| float.is_finite());
            float.map(Value::from)
        });
        let number = number.ok_or_else(|| self.expected("a number"))?;
        self.at += end;
        Ok(number)
    }

    fn list(&mut self, closing: char, depth: usize) -> Result<(Vec<Value>, usize), CallSyntaxError> {
        self.next();
        let (mut elements, mut commas) = (Vec::new(), 0);
        while !self.take(closing) {
            if elements.len() > commas {
                return Err(self.expected("a comma or the list's end"));
            }
            elements.push(self.value_at_depth(depth + 1)?);
            commas += usize::from(self.take(','));
        }
        Ok((elements, commas))
    }

    pub(super) fn object(&mut self, depth: usize) -> Result<Map<String, Value>, CallSyntaxError> {
        self.next();
        let mut fields = Map::new();
        let mut comma = true;
        while !self.take('}') {
            self.skip_space();
            if !comma || !matches!(self.peek(), Some('"' | '\'')) {
                return Err(self.expected("a quoted key or the object's end"));
            }
            let name = self.string()?;
            if !self.take(':') {
                return Err(self.expected("the colon after a key"));
            }
            let value = self.value_at_depth(depth + 1)?;
            if fields.contains_key(&name) {
                return Err(CallSyntaxError::Duplicate { name });
            }
            fields.insert(name, value);
            comma = self.take(',');
        }
        Ok(fields)
    }

    fn string(&mut self) -> Result<String, CallSyntaxError> {
        let unterminated = CallSyntaxError::Unterminated { at: self.at };
        let quote = self.next();
        let mut string = String::new();
        loop {
            match self.next() {
                None => return Err(unterminated),
                found if found == quote => return Ok(string),
                Some('\\') => self.escape(&mut string),
                Some(plain) => string.push(plain),
            }
        }
    }

    /// Reads what follows a backslash. As in Python, a backslash that begins no escape stands for itself.
    fn escape(&mut self, to: &mut String) {
        let before = self.clone();
        let escaped = match self.next() {
            Some(plain @ ('"' | '\'' | '\\' | '/')) => Some(plain),
            Some('n') => Some('\n'),
            Some('t') => Some('\t'),
            Some('r') => Some('\r'),
            Some('b') => Some('\u{8}'),
            Some('f') => Some('\u{c}'),
            Some('x') => self.code(2).and_then(char::from_u32),
            Some('u') => self.code(4).and_then(|code| self.joined(code)),
            Some('U') => self.code(8).and_then(char::from_u32),
            _ => None,
        };
        if escaped.is_none() {
            *self = before;
        }
        to.push(escaped.unwrap_or('\\'));
    }

    fn code(&mut self, digits: usize) -> Option<u32> {
        let text = self.rest().get(..digits).filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        self.at += digits;
        u32::from_str_radix(text, 16).ok()
    }

    /// JSON writes characters above U+FFFF as two escapes, which this joins.
    fn joined(&mut self, code: u32) -> Option<char> {
        if !(0xd800..0xdc00).contains(&code) {
            return char::from_u32(code);
        }
        let is_escape = self.next() == Some('\\') && self.next() == Some('u');
        let low = if is_escape { self.code(4)? } else { return None };
        let low = low.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
        char::from_u32(0x1_0000 + ((code - 0xd800) << 10) + low)
    }
}

pub(super) fn is_name_part(part: char) -> bool {
    part.is_alphanumeric() || part == '_'
}

/// Whether it is valid as an argument's name.
pub(super) fn is_name(name: &str) -> bool {
    name.chars().next().is_some_and(|first| first.is_alphabetic() || first == '_') && name.chars().all(is_name_part)
}

/// Whether it is valid as a function's name: names with dots between them.
pub(super) fn is_function_name(name: &str) -> bool {
    name.split('.').all(is_name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn value(text: &str) -> Result<Value, String> {
        Cursor::new(text, 0).value().map_err(|error| error.to_string())
    }

    #[test]
    fn python_and_json_are_read() {
        for (text, expected) in [
            ("true", json!(true)),
            ("False", json!(false)),
            ("None", json!(null)),
            ("-3", json!(-3)),
            ("+3", json!(3)),
            (".5", json!(0.5)),
            ("1e3", json!(1000.0)),
            ("18446744073709551615", json!(u64::MAX)),
            ("'it\\'s'", json!("it's")),
            (r#""a\n\u00e9\x41\ud83d\ude00""#, json!("a\né\u{41}😀")),
            (r#""c:\q \ud83d \u12""#, json!("c:\\q \\ud83d \\u12")),
            ("[1, 'a', [], ]", json!([1, "a", []])),
            ("(1, 2)", json!([1, 2])),
            ("(1,)", json!([1])),
            ("(1)", json!(1)),
            ("{'a': {\"b\": None}, }", json!({"a": {"b": null}})),
        ] {
            assert_eq!(value(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_literal_is_refused() {
        let refused = |text: &str| value(text).unwrap_err();
        assert_eq!(refused("[1 2]"), "byte 2 of the answer is not a comma or the list's end");
        assert_eq!(refused("[,]"), "byte 1 of the answer is not a value");
        assert_eq!(refused("{a: 1}"), "byte 1 of the answer is not a quoted key or the object's end");
        assert_eq!(refused("{'a' 1}"), "byte 4 of the answer is not the colon after a key");
        assert_eq!(refused("{'a': 1, 'a': 2}"), "the argument `a` is given twice");
        assert_eq!(refused("12px"), "byte 0 of the answer is not a number");
        assert_eq!(refused("-inf"), "byte 0 of the answer is not a number");
        assert_eq!(refused("1e999"), "byte 0 of the answer is not a number");
        assert_eq!(refused("\"a"), "the string that begins at byte 0 of the answer has no closing quote");
        assert_eq!(refused(""), "byte 0 of the answer is not a value");
        assert!(value(&format!("{}1{}", "[".repeat(16), "]".repeat(16))).is_ok());
        assert_eq!(refused(&"[".repeat(100_000)), "the value at byte 17 of the answer is nested more than 16 deep");
    }
}

//! JSON in the dialect of Python's `json` module: with the bare words `NaN`, `Infinity` and `-Infinity`, which JSON
//! itself does not have (Python's documentation of `json`, "Infinite and NaN Number Values").

use std::borrow::Cow;

const WORDS: [&str; 3] = ["-Infinity", "Infinity", "NaN"];

/// The text with those words in quotes, so that any JSON reader accepts it. An ignored key may then hold one,
/// and where a number is expected, the word is refused as a text.
pub fn quote_words(text: &str) -> Cow<'_, str> {
    if !WORDS.iter().any(|word| text.contains(word)) {
        return Cow::Borrowed(text);
    }
    let mut quoted = String::with_capacity(text.len() + 64);
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let word = WORDS.iter().find(|word| rest.starts_with(**word));
        let taken = match (first, word) {
            ('"', _) => string_bytes(rest),
            (_, Some(word)) => word.len(),
            _ => first.len_utf8(),
        };
        let (token, after) = rest.split_at(taken);
        match word {
            Some(word) => quoted.extend(["\"", word, "\""]),
            None => quoted.push_str(token),
        }
        rest = after;
    }
    Cow::Owned(quoted)
}

/// Length of the string at the beginning of a text, quotes included.
fn string_bytes(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => (),
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn the_words_of_python_become_texts_and_strings_stay_as_they_are() {
        let text =
            r#"{"limit": [0.0, Infinity], "low":-Infinity,"none": NaN, "Infinity": "a \" NaN, -Infinity \\", "ü": 1}"#;
        let value: Value = serde_json::from_str(&quote_words(text)).unwrap();
        let expected = json!({
            "limit": [0.0, "Infinity"], "low": "-Infinity", "none": "NaN", "Infinity": "a \" NaN, -Infinity \\", "ü": 1,
        });
        assert_eq!(value, expected);
    }

    #[test]
    fn what_is_no_json_for_python_is_none_afterwards() {
        for text in ["{\"a\": Infinity", "{\"a\": +Infinity}", "{\"a\": NaNs}", "{\"NaN", "{\"a\": \"\\", "-NaN"] {
            assert!(serde_json::from_str::<Value>(&quote_words(text)).is_err(), "{text}");
        }
        assert!(matches!(quote_words("{\"a\": 1}"), Cow::Borrowed(_)));
    }
}

//! The words that Python's `json` writes and reads for values that are not numbers, and that JSON does not have.

use std::ops::Range;

use serde::de::DeserializeOwned;

/// The words, each before those that it contains.
const WORDS: [&str; 3] = ["-Infinity", "Infinity", "NaN"];
/// Two different values: if a row reads the same with either, it does not depend on the value.
const STAND_INS: [&str; 2] = ["0", "\"\""];

/// Reads a row with such words if they make no difference to the result; `None` if it has no such word.
pub(super) fn read<T: DeserializeOwned + PartialEq>(text: &str) -> Option<Result<T, String>> {
    let first = places(text).into_iter().next()?;
    let [one, other] = STAND_INS.map(|value| serde_json::from_str::<T>(&replaced(text, value)?).ok());
    Some(match one {
        Some(row) if other.as_ref() == Some(&row) => Ok(row),
        _ => Err(format!(
            "column {} has {}, which JSON does not have, where a value is needed: write the value, or null for none",
            first.start + 1,
            &text[first]
        )),
    })
}

/// The text with `value` in place of each such word, padded to the same length; `None` if it has no such word.
pub(super) fn replaced(text: &str, value: &str) -> Option<String> {
    let places = places(text);
    let (mut written, mut from) = (String::with_capacity(text.len()), 0);
    for place in &places {
        written.push_str(&text[from..place.start]);
        written.push_str(&format!("{value:width$}", width = place.len()));
        from = place.end;
    }
    written.push_str(&text[from..]);
    (!places.is_empty()).then_some(written)
}

/// The positions of the words outside strings.
fn places(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let (mut places, mut at, mut in_text) = (Vec::new(), 0, false);
    while let Some(byte) = bytes.get(at) {
        let word = WORDS.iter().find(|word| !in_text && bytes[at..].starts_with(word.as_bytes()));
        match (byte, word) {
            (b'"', _) => in_text = !in_text,
            // An escaped character cannot end the string.
            (b'\\', _) if in_text => at += 1,
            (_, Some(word)) => {
                places.push(at..at + word.len());
                at += word.len() - 1;
            }
            _ => {}
        }
        at += 1;
    }
    places
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Greeting {
        text: String,
        weight: Option<f64>,
    }

    #[test]
    fn they_are_read_where_nobody_asks_for_their_value() {
        let row = r#"{"text": "NaN \" NaN", "score": NaN, "range": [-Infinity, Infinity]}"#;
        let read = read::<Greeting>(row).unwrap().unwrap();
        assert_eq!(read, Greeting { text: "NaN \" NaN".into(), weight: None });
    }

    #[test]
    fn they_are_named_where_their_value_is_needed() {
        for row in [r#"{"text": NaN}"#, r#"{"text": "a", "weight": NaN}"#] {
            let reason = read::<Greeting>(row).unwrap().unwrap_err();
            assert!(reason.contains(" has NaN, which JSON does not have, where a value is needed"), "{reason}");
        }
        assert!(
            read::<Greeting>(r#"{"text": "a", "weight": -Infinity}"#).unwrap().unwrap_err().contains("has -Infinity,")
        );
    }

    #[test]
    fn other_rows_are_not_touched() {
        assert_eq!(read::<Greeting>(r#"{"text": "NaN", oops}"#), None);
        assert_eq!(replaced(r#"{"é": NaN}"#, "0").as_deref(), Some(r#"{"é": 0  }"#));
    }
}

//! How Python compares two values: the leaderboard's checker is written in it.

use serde_json::Value;

use crate::call::ArgumentKind;

/// The type that a value has in Python.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PythonType {
    Nothing,
    Bool,
    Int,
    Float,
    Str,
    List,
    Dict,
}

impl PythonType {
    pub(super) fn of_value(value: &Value) -> Self {
        match value {
            Value::Null => Self::Nothing,
            Value::Bool(_) => Self::Bool,
            Value::Number(number) if number.is_f64() => Self::Float,
            Value::Number(_) => Self::Int,
            Value::String(_) => Self::Str,
            Value::Array(_) => Self::List,
            Value::Object(_) => Self::Dict,
        }
    }

    /// `PYTHON_TYPE_MAPPING`, in which `any` means a string.
    pub(super) fn described(kind: &ArgumentKind) -> Self {
        match kind {
            ArgumentKind::String | ArgumentKind::Any => Self::Str,
            ArgumentKind::Integer => Self::Int,
            ArgumentKind::Number => Self::Float,
            ArgumentKind::Boolean => Self::Bool,
            ArgumentKind::List(_) => Self::List,
            ArgumentKind::Object => Self::Dict,
        }
    }
}

/// `standardize_string`: without spaces and some punctuation, in lower case, with double quotes.
pub(super) fn standardized(text: &str) -> String {
    let kept: String = text.chars().filter(|character| !" ,./-_*^".contains(*character)).collect();
    kept.to_lowercase().replace('\'', "\"")
}

/// A list with its strings [standardized]; as in the original, deeper strings stay as they are.
pub(super) fn standardized_elements(elements: &[Value]) -> Value {
    let element = |element: &Value| element.as_str().map_or_else(|| element.clone(), |text| standardized(text).into());
    elements.iter().map(element).collect()
}

/// `value in values`.
pub(super) fn is_among(value: &Value, values: &[Value]) -> bool {
    values.iter().any(|other| are_equal(value, other))
}

/// `==`, for which 1, 1.0 and True are equal.
fn are_equal(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| are_equal(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(name, value)| other.get(name).is_some_and(|other| are_equal(value, other)))
        }
        _ => one == other || number(one).is_some_and(|one| number(other) == Some(one)),
    }
}

/// Integers that are too large for a float are compared exactly before this is called.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Bool(truth) => Some(f64::from(u8::from(*truth))),
        value => value.as_f64(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_are_compared_by_what_the_leaderboard_leaves_of_them() {
        assert_eq!(standardized("April 1, 2024"), standardized("april 1,2024"));
        assert_eq!(standardized("x^2 * y_1 - 'a'/b."), "x2y1\"a\"b");
        assert_ne!(standardized("tab\there"), standardized("tabhere"));
    }

    #[test]
    fn values_are_equal_as_in_python() {
        assert!(is_among(&json!(1.0), &[json!(true)]));
        assert!(is_among(&json!([1, {"a": 2}]), &[json!([]), json!([1.0, {"a": 2.0}])]));
        assert!(!is_among(&json!({"a": 1}), &[json!({"a": 1, "b": 2})]));
        assert!(!is_among(&json!("1"), &[json!(1), json!(null)]));
    }
}

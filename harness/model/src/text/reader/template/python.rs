//! Differences between Python and the template engine: white space, numbers, and what counts as a sequence.

use minijinja::{
    Environment, Error, Output, State, Value,
    value::{Kwargs, ValueKind},
};
use minijinja_contrib::pycompat;

/// Makes the engine behave like Jinja.
pub(super) fn teach(environment: &mut Environment<'_>) {
    environment.set_unknown_method_callback(method);
    environment.set_formatter(format);
    environment.add_filter("trim", |text: Value, characters: Option<&str>, options: Kwargs| -> Result<String, Error> {
        let characters = characters.or(options.get::<Option<&str>>("chars")?);
        options.assert_all_used()?;
        let text = text.to_string();
        Ok(match characters {
            Some(characters) => text.trim_matches(|letter| characters.contains(letter)),
            None => text.trim_matches(is_space),
        }
        .to_owned())
    });
    // In Jinja texts and mappings are sequences, and an undefined value is an empty one; `none` is not.
    environment.add_test("sequence", |value: &Value| {
        matches!(value.kind(), ValueKind::Undefined | ValueKind::String | ValueKind::Seq | ValueKind::Map)
    });
    environment.add_test("iterable", |value: &Value| !value.is_none() && value.try_iter().is_ok());
}

/// Methods of Python's texts, lists and mappings.
fn method(state: &mut State<'_, '_>, value: &Value, method: &str, arguments: &[Value]) -> Result<Value, Error> {
    match (value.as_str(), method, arguments) {
        (Some(text), "strip", []) => Ok(text.trim_matches(is_space).into()),
        (Some(text), "lstrip", []) => Ok(text.trim_start_matches(is_space).into()),
        (Some(text), "rstrip", []) => Ok(text.trim_end_matches(is_space).into()),
        _ => pycompat::unknown_method_callback(state, value, method, arguments),
    }
}

fn format(output: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    match float(value) {
        Some(number) => output.write_str(&written(number)).map_err(Error::from),
        None => minijinja::escape_formatter(output, state, value),
    }
}

/// White space by `str.isspace`, which has four separators that Unicode's property lacks.
fn is_space(letter: char) -> bool {
    letter.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&letter)
}

/// The number, if it is written with a decimal point.
pub(super) fn float(value: &Value) -> Option<f64> {
    let is_float = value.kind() == ValueKind::Number && !value.is_integer();
    is_float.then(|| f64::try_from(value.clone()).ok()).flatten()
}

/// The notation of Python's `repr`: with an exponent from 10^16 on and below 10^-4.
pub(super) fn written(number: f64) -> String {
    let scientific = format!("{number:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific.to_lowercase() };
    match exponent.parse::<i32>() {
        Ok(exponent) if !(-4..16).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.abs())
        }
        _ => format!("{number:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_python_writes_them() {
        let numbers = [1.0, 0.1 + 0.2, -2.5, 1e15, 1e16, 1.25e20, 1e-4, 1.5e-7, f64::INFINITY, f64::NAN];
        let expected = [
            "1.0",
            "0.30000000000000004",
            "-2.5",
            "1000000000000000.0",
            "1e+16",
            "1.25e+20",
            "0.0001",
            "1.5e-07",
            "inf",
            "nan",
        ];
        assert_eq!(numbers.map(written), expected);
    }

    #[test]
    fn separators_are_white_space() {
        assert!(['\u{1c}', '\u{1f}', '\u{85}', '\u{a0}', '\u{3000}', '\n'].into_iter().all(is_space));
        assert!(!['\u{200b}', '\u{feff}', 'a'].into_iter().any(is_space));
    }
}

use std::{collections::BTreeMap, ops::Range};

use serde_json::{Map, Value};

use super::{
    Call, NO_CALL,
    literal::{CallSyntaxError, Cursor, is_function_name, is_name, is_name_part},
};

/// What models write around a call without meaning anything by it.
const DECORATIONS: [&str; 6] = ["parser:", "python", "json", "tool_code", "<tool_call>", "</tool_call>"];

/// The call in a model's answer.
#[derive(Clone, Debug, PartialEq)]
pub struct ParsedCall {
    /// The call; `None` when the answer is `no_call()`.
    pub call: Option<Call>,
    /// Whether other text precedes it.
    pub leading: bool,
    /// Whether other text follows it, for example a second call.
    pub trailing: bool,
    /// Whether a second complete call follows it.
    pub several: bool,
}

/// Finds the first complete call in a model's answer: `name(text="...", count=3, list=["a", "b"])` with literals as in
/// Python or JSON, or `{"name": "...", "arguments": {...}}`, with `parameters` for `arguments` as some models write it.
///
/// Arguments have names: without them, it would be unclear which parameter is meant. Code fences, a list's brackets and
/// the role `PARSER:` around the call are skipped; any other text is ignored and noted.
///
/// # Errors
/// When there is no complete call. The error describes the first place that looks like one.
pub fn parse_call(text: &str) -> Result<ParsedCall, CallSyntaxError> {
    let (call, place) = first_call(text, 0)?;
    let said = |part: Option<&str>| part.is_some_and(|part| !is_decoration(part));
    Ok(ParsedCall {
        call: Some(call).filter(|call| call.function != NO_CALL),
        leading: said(text.get(..place.start)),
        trailing: said(text.get(place.end..)),
        several: first_call(text, place.end).is_ok(),
    })
}

/// The first complete call from `from`, and its position.
fn first_call(text: &str, mut from: usize) -> Result<(Call, Range<usize>), CallSyntaxError> {
    let mut first_error = None;
    while let Some((start, past)) = candidate(text, from) {
        let mut cursor = Cursor::new(text, start);
        match call(&mut cursor) {
            Ok(call) => return Ok((call, start..cursor.at())),
            Err(error) => first_error = first_error.or(Some(error)),
        }
        from = past;
    }
    Err(first_error.unwrap_or(CallSyntaxError::Absent))
}

/// The next position from `from` at which a call may begin, and the position to continue from if none does.
fn candidate(text: &str, from: usize) -> Option<(usize, usize)> {
    let is_part = |part: char| is_name_part(part) || part == '.';
    let mut rest = text.get(from..)?;
    loop {
        let start = text.len() - rest.len();
        let first = rest.chars().next()?;
        if first == '{' {
            return Some((start, start + 1));
        }
        if !is_part(first) {
            rest = rest.get(first.len_utf8()..)?;
            continue;
        }
        let end = rest.find(|part| !is_part(part)).unwrap_or(rest.len());
        let (name, after) = rest.split_at_checked(end)?;
        if is_function_name(name) && after.trim_start().starts_with('(') {
            return Some((start, start + end));
        }
        rest = after;
    }
}

fn call(cursor: &mut Cursor) -> Result<Call, CallSyntaxError> {
    let mut function = String::new();
    while let Some(name) = cursor.name() {
        function.push_str(name);
        if cursor.take('.') {
            function.push('.');
        }
    }
    if function.is_empty() {
        let start = cursor.clone();
        let fields = cursor.object(0)?;
        return from_object(&fields).ok_or_else(|| start.expected("a call with `name` and `arguments`"));
    }
    cursor.take('(');
    let mut arguments = BTreeMap::new();
    let mut comma = true;
    while !cursor.take(')') {
        let name = cursor.name().filter(|_| comma).ok_or_else(|| cursor.expected("an argument's name or the end"))?;
        if !cursor.take('=') {
            return Err(cursor.expected("the equals sign after an argument's name"));
        }
        if arguments.insert(name.to_owned(), cursor.value()?).is_some() {
            return Err(CallSyntaxError::Duplicate { name: name.to_owned() });
        }
        comma = cursor.take(',');
    }
    Ok(Call { function, arguments })
}

/// A call in the JSON form of model servers' interfaces, where the arguments may be JSON inside a string.
fn from_object(fields: &Map<String, Value>) -> Option<Call> {
    if let Some(Value::Object(inner)) = fields.get("function") {
        return from_object(inner);
    }
    let function = fields.get("name").or_else(|| fields.get("function"))?.as_str()?.trim().to_owned();
    let arguments = match fields.get("arguments").or_else(|| fields.get("parameters")) {
        Some(Value::Object(arguments)) => arguments.clone(),
        Some(Value::String(text)) => match Cursor::new(text, 0).value().ok()? {
            Value::Object(arguments) => arguments,
            _ => return None,
        },
        None | Some(Value::Null) if function == NO_CALL => Map::new(),
        _ => return None,
    };
    Some(Call { function, arguments: arguments.into_iter().collect() })
}

fn is_decoration(text: &str) -> bool {
    let is_silent = |part: char| part.is_whitespace() || "`[];".contains(part);
    let mut words = text.split(is_silent).filter(|word| !word.is_empty());
    words.all(|word| DECORATIONS.iter().any(|decoration| word.eq_ignore_ascii_case(decoration)))
}

/// Whether a model can write it as a call that this parser can read.
pub(super) fn is_writable(function: &str, mut parameters: impl Iterator<Item = impl AsRef<str>>) -> bool {
    is_function_name(function) && parameters.all(|name| is_name(name.as_ref()))
}

#[cfg(test)]
mod tests {
    use proptest::{collection::btree_map, prelude::*};
    use serde_json::json;

    use super::*;

    fn parsed(text: &str) -> (String, bool, bool) {
        let parsed = parse_call(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let call = parsed.call.map_or_else(|| "nothing".to_owned(), |call| call.to_string());
        (call, parsed.leading, parsed.trailing)
    }

    #[test]
    fn calls_are_found_in_the_forms_that_models_write() {
        let expected = r#"get_weather(city="Oslo", days=2)"#;
        for text in [
            r#"get_weather(city="Oslo", days=2)"#,
            "get_weather( days = 2 , city = 'Oslo', )",
            "PARSER: get_weather(city=\"Oslo\", days=2)\n",
            "```python\nget_weather(city=\"Oslo\",\n    days=2)\n```",
            "[get_weather(city=\"Oslo\", days=2)]",
            r#"{"name": "get_weather", "arguments": {"city": "Oslo", "days": 2}}"#,
            r#"{"name": "get_weather", "parameters": {"city": "Oslo", "days": 2}}"#,
            r#"{"type": "function", "function": {"name": "get_weather", "arguments": "{\"city\": \"Oslo\", \"days\": 2}"}}"#,
            "<tool_call>\n{'name': 'get_weather', 'arguments': {'city': 'Oslo', 'days': 2}}\n</tool_call>",
        ] {
            assert_eq!(parsed(text), (expected.to_owned(), false, false), "{text}");
        }
    }

    #[test]
    fn words_around_a_call_are_noted() {
        let oslo = r#"get_weather(city="Oslo")"#;
        assert_eq!(parsed(&format!("Sure, for Oslo (Norway): {oslo}")), (oslo.to_owned(), true, false));
        assert_eq!(parsed(&format!("{oslo}\nUser: thanks")), (oslo.to_owned(), false, true));
        assert_eq!(parsed(&format!("{oslo}\n{oslo}")), (oslo.to_owned(), false, true));
        assert_eq!(parsed(&format!("print({oslo})")), (oslo.to_owned(), true, true));
        assert_eq!(parsed("math.sqrt(x=2)").0, "math.sqrt(x=2)");
        assert_eq!(parsed(r#"{"calls": [{"name": "f", "arguments": {}}]}"#), ("f()".to_owned(), true, true));
    }

    #[test]
    fn no_call_is_an_answer() {
        for text in
            ["no_call()", "PARSER: no_call()", r#"{"name": "no_call", "arguments": {}}"#, r#"{"name": "no_call"}"#]
        {
            assert_eq!(parsed(text), ("nothing".to_owned(), false, false), "{text}");
        }
    }

    #[test]
    fn what_is_no_call_says_why() {
        let refused = |text: &str| parse_call(text).unwrap_err().to_string();
        let absent = "the answer has no call: expected name(argument=value) or no_call()";
        assert_eq!(refused(""), absent);
        assert_eq!(refused("I cannot help with that."), absent);
        assert_eq!(refused("no_call"), absent);
        assert_eq!(refused("f(3)"), "byte 2 of the answer is not an argument's name or the end");
        assert_eq!(refused("f(a=1 b=2)"), "byte 7 of the answer is not an argument's name or the end");
        assert_eq!(refused("f(a: 1)"), "byte 3 of the answer is not the equals sign after an argument's name");
        assert_eq!(refused("f(a=1, a=2)"), "the argument `a` is given twice");
        assert_eq!(refused("f(a=\"b"), "the string that begins at byte 4 of the answer has no closing quote");
        assert_eq!(refused("f(a=1"), "byte 5 of the answer is not an argument's name or the end");
        assert_eq!(refused("{\"name\": \"Anna\"}"), "byte 0 of the answer is not a call with `name` and `arguments`");
        assert_eq!(refused("2f(a=1)"), absent);
    }

    /// If the work grew with the square of the length, this would take minutes.
    #[test]
    fn long_babble_is_read_quickly() {
        for part in [
            "f(",
            "f(a=",
            "f(a=\"",
            "{",
            "{\"a\":",
            "{\"a\":[",
            "{\"a\":1,",
            "[",
            "f(a=[1,",
            "f \n",
            "\\\"{\"",
            "f(a='\\'",
        ] {
            assert!(parse_call(&part.repeat(50_000)).is_err(), "{part}");
        }
    }

    fn literal() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_filter("finite", |float| float.is_finite()).prop_map(Value::from),
            any::<bool>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            Just(json!(null)),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                btree_map(any::<String>(), inner, 0..4).prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn nothing_that_a_model_writes_panics(text in any::<String>()) {
            let _ = parse_call(&text);
        }

        #[test]
        fn neither_does_what_nearly_is_a_call(
            parts in prop::collection::vec(prop::sample::select(vec![
                "f", "no_call", ".", "(", ")", "a", "=", ",", "\"", "'", "\\", "u00", "ud83d", "[", "]", "{", "}", ":",
                "1", "-", "e9", " ", "\n", "`", "é", "😀", "name", "arguments", "PARSER:", "True",
            ]), 0..60),
        ) {
            let _ = parse_call(&parts.concat());
        }

        #[test]
        fn a_written_call_is_read_back(
            function in "[a-z_][a-z0-9_]{0,8}(\\.[a-z]{1,5})?",
            arguments in btree_map("[a-zA-Z_][a-zA-Z0-9_]{0,8}", literal(), 0..4),
        ) {
            prop_assume!(function != NO_CALL);
            let call = Call { function, arguments };
            let expected = ParsedCall { call: Some(call.clone()), leading: false, trailing: false, several: false };
            prop_assert_eq!(parse_call(&call.to_string()), Ok(expected.clone()));
            let json = json!({"name": call.function, "arguments": call.arguments});
            prop_assert_eq!(parse_call(&json.to_string()), Ok(expected));
        }
    }
}

use pocketwatt_dataset::parse_call;

use crate::{mutation::Form, target::Target};

pub const TARGET: Target = Target {
    name: "calls",
    form: Form::Bytes,
    seeds: || {
        [
            "get_weather(city=\"Troms\u{f8}\", days=[1, 2.5, -3e2], unit='c', exact=True, of={\"a\": null})",
            "```python\n[no_call()]\n```",
            "PARSER: {\"name\": \"set_timer\", \"arguments\": {\"minutes\": 20, \"label\": \"nap\"}} and more",
            "<tool_call>{\"function\": {\"name\": \"a.b\", \"parameters\": \"{\\\"c\\\": [true]}\"}}</tool_call>",
        ]
        .map(|text| text.as_bytes().to_vec())
        .into()
    },
    words: &[
        "name",
        "arguments",
        "parameters",
        "function",
        "no_call()",
        "True",
        "False",
        "None",
        "null",
        "\\u00e9",
        "\\ud83d",
        "\\x41",
        "'''",
        "\"\"\"",
        "1e308",
        "-0",
        "0x",
        "1_000",
        "tool_code",
        "parser:",
        "(a=",
        "={",
        "=[",
    ],
    short_runs: 20_000,
    run,
};

fn run(input: &[u8]) -> bool {
    let text = String::from_utf8_lossy(input);
    let Ok(parsed) = parse_call(&text) else { return false };
    // In JSON, a function may have any name: only those that can be written are read again.
    let plain = |name: &str| {
        name.starts_with(|first: char| first.is_ascii_alphabetic())
            && name.chars().all(|part| part.is_ascii_alphanumeric() || part == '_')
    };
    if let Some(call) =
        parsed.call.filter(|call| plain(&call.function) && call.arguments.keys().all(|name| plain(name)))
    {
        let written = call.to_string();
        let again = parse_call(&written).unwrap_or_else(|error| panic!("{written:?}: {error}"));
        assert!(again.call.as_ref() == Some(&call) && !again.leading && !again.trailing, "{written:?}: {again:?}");
    }
    true
}

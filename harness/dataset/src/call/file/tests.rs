use std::{collections::BTreeSet, fs};

use pocketwatt_files::sha256;
use serde_json::json;

use super::*;
use crate::{example_turns, parse_call, structure_matches};

fn shipped() -> Vec<CallCase> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/api-calls.jsonl");
    let rows = read_call_cases(&path).unwrap();
    assert_eq!(rows.errors, []);
    rows.rows.into_iter().map(|(_, case)| case).collect()
}

#[test]
fn the_shipped_cases_have_what_is_promised() {
    let cases = shipped();
    let called = cases.iter().flat_map(|case| &case.turns).filter_map(|turn| match &turn.expected {
        ExpectedAnswer::Call(calls) => Some(calls),
        ExpectedAnswer::NoCall | ExpectedAnswer::Bfcl(_) => None,
    });
    let called: BTreeSet<&str> = called.flatten().map(|call| &*call.function).collect();
    let turns = || cases.iter().flat_map(|case| &case.turns);
    let no_call = turns().filter(|turn| turn.expected == ExpectedAnswer::NoCall).count();
    let several = cases.iter().filter(|case| case.turns.len() > 1);
    assert!(cases.len() >= 64, "{} cases", cases.len());
    assert!(called.len() >= 14, "{called:?}");
    assert!(no_call >= 8, "{no_call} turns without a call");
    assert!(several.clone().count() >= 20, "{} cases with several turns", several.clone().count());
    for case in several {
        assert!(case.turns.len() <= 4, "{}", case.id);
        let spoken = case.turns.iter().filter(|turn| turn.agent.is_some()).count();
        assert!(spoken > 0, "{}: nobody speaks to the user", case.id);
    }
    let kinds: BTreeSet<String> = cases
        .iter()
        .flat_map(|case| &case.functions)
        .flat_map(|function| &function.parameters)
        .map(|parameter| if parameter.allowed.is_empty() { parameter.kind.to_string() } else { "one of".into() })
        .collect();
    assert_eq!(
        kinds.into_iter().collect::<Vec<_>>(),
        ["boolean", "integer", "list of string", "number", "one of", "string"]
    );
}

#[test]
fn the_shipped_prompts_fit_a_small_context() {
    for case in shipped() {
        assert!((3..=5).contains(&case.functions.len()), "{}", case.id);
        // SmolLM2 has 3.0 to 3.4 bytes for each token in prompts like these.
        let bytes = case.system_prompt().len();
        assert!((500..=1000).contains(&bytes), "{}: {bytes} bytes", case.id);
    }
}

#[test]
fn the_shipped_answers_are_right_by_their_own_measure() {
    for case in shipped() {
        for turn in &case.turns {
            let reference = turn.expected.reference();
            let parsed = parse_call(&reference).unwrap();
            assert!(structure_matches(&turn.expected, Some(&parsed)), "{}: {reference}", case.id);
        }
    }
}

#[test]
fn the_shipped_requests_are_not_in_their_own_prompt() {
    for case in shipped() {
        let examples = example_turns(&case.functions).into_iter().map(|example| example.user + "\n" + &example.call);
        let prompt = case.system_prompt() + &examples.collect::<Vec<_>>().join("\n");
        for turn in &case.turns {
            assert!(!prompt.contains(&turn.user), "{}: {}", case.id, turn.user);
            assert!(
                !prompt.contains(&turn.expected.reference()) || turn.expected == ExpectedAnswer::NoCall,
                "{}",
                case.id
            );
        }
    }
}

fn read(cases: &str, functions: Option<Value>) -> Result<Rows<CallCase>, DatasetError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cases.jsonl");
    fs::write(&path, cases).unwrap();
    if let Some(functions) = functions {
        fs::write(path.with_file_name(FUNCTIONS_FILE), functions.to_string()).unwrap();
    }
    read_call_cases(&path)
}

fn timer() -> Value {
    json!({
        "name": "set_timer",
        "description": "Starts a timer.",
        "parameters": [
            {"name": "minutes", "type": "integer"},
            {"name": "sound", "type": "string", "default": "bell", "values": ["bell", "drum"]},
            {"name": "rooms", "type": "list of string", "default": [], "values": ["hall", "attic"]},
        ],
        "example": {"user": "five minutes", "call": "set_timer(minutes=5)"},
    })
}

fn row(functions: Value, calls: Value) -> String {
    let turns = json!([{"user": "three minutes please", "calls": calls}]);
    json!({"id": "a", "category": "timers", "functions": functions, "turns": turns}).to_string()
}

fn errors(functions: Value, calls: Value) -> Vec<String> {
    let rows = read(&row(functions, calls), Some(json!([timer()]))).unwrap();
    rows.errors.into_iter().map(|error| format!("{}: {}", error.line, error.reason)).collect()
}

#[test]
fn defaults_may_be_given_or_left_out() {
    let calls = json!([{"function": "set_timer", "arguments": {"minutes": [3]}}]);
    let rows = read(&row(json!(["set_timer"]), calls), Some(json!([timer()]))).unwrap();
    assert_eq!(rows.errors, []);
    let expected = &rows.rows[0].1.turns[0].expected;
    let is_right = |text: &str| structure_matches(expected, parse_call(text).ok().as_ref());
    assert!(is_right("set_timer(minutes=3)"));
    assert!(is_right("set_timer(sound=\"bell\", minutes=3, rooms=[])"));
    assert!(!is_right("set_timer(sound=\"drum\", minutes=3)"));
    assert!(!is_right("set_timer()"));
}

#[test]
fn rows_that_cannot_be_right_are_errors() {
    let names = || json!(["set_timer"]);
    let with = |arguments: Value| json!([{"function": "set_timer", "arguments": arguments}]);
    let all = [
        errors(names(), json!([{"function": "stop_timer", "arguments": {}}])),
        errors(names(), with(json!({"minutes": ["3"]}))),
        errors(names(), with(json!({"minutes": []}))),
        errors(names(), with(json!({"minutes": 3}))),
        errors(names(), with(json!({"sound": ["drum"]}))),
        errors(names(), with(json!({"minutes": [3], "sound": ["horn"]}))),
        errors(names(), with(json!({"minutes": [3], "rooms": [["cellar"]]}))),
        errors(names(), with(json!({"minutes": [3], "hours": [3]}))),
        errors(json!(["set_alarm"]), json!([]))
            .into_iter()
            .map(|error| error.split(" in ").next().unwrap().into())
            .collect(),
        errors(json!([]), json!([])),
        errors(json!(["set_timer", timer()]), json!([])),
        errors(json!([{"name": "x y", "description": "", "parameters": []}]), json!([])),
        errors(json!([{"name": "x", "description": "", "parameters": [{"name": "y", "type": "text"}]}]), json!([])),
        errors(json!([{"name": "x", "description": ""}]), json!([])),
    ];
    insta::assert_snapshot!(all.concat().join("\n"), @r#"
    1: turn 1: the expected call is of `stop_timer`, which is not offered: there are set_timer
    1: turn 1: `minutes` of `set_timer` cannot be "3": it is minutes: integer
    1: turn 1: `minutes` has no accepted value: give at least one, or omit the argument
    1: invalid type: integer `3`, expected a sequence at column 153
    1: turn 1: the call of `set_timer` lacks the required argument `minutes`
    1: turn 1: `sound` of `set_timer` cannot be "horn": it is sound: "bell" | "drum" = "bell"
    1: turn 1: `rooms` of `set_timer` cannot be ["cellar"]: it is rooms: list of ("hall" | "attic") = []
    1: turn 1: the function `set_timer` takes no argument `hours`: it takes minutes, sound, rooms
    1: the function `set_alarm` is not defined
    1: there is no function: offer at least one
    1: the function `set_timer` is offered twice
    1: a call cannot contain the name of the function `x y` or of its parameters: use letters, digits and _
    1: `y` of `x` has the type `text`: use string, integer, number, boolean, object, any or a list of one
    1: a function: missing field `parameters`
    "#);
}

/// Each of these once made the reader or its output far larger than the file.
#[test]
fn rows_that_would_swell_are_errors() {
    let parameter = |name: &str| json!({"name": name, "type": "any"});
    let function =
        |name: String, parameters: Vec<Value>| json!({"name": name, "description": "d", "parameters": parameters});
    let first = |functions: Value, turns: Value| {
        let errors = read(&row(functions, turns), None).unwrap().errors;
        errors.into_iter().map(|error| error.reason).next().unwrap()
    };
    let many = |count: usize| (0..count).map(|index| function(format!("f{index}"), vec![])).collect::<Vec<_>>();
    assert!(first(json!(many(1001)), json!([])).contains("there are 1001 functions: offer at most 1000"));
    let twice = json!([function("f".into(), vec![parameter("x"), parameter("x")])]);
    assert!(first(twice, json!([])).contains("`f` has the parameter `x` twice"));
    let wide = (0..1001).map(|index| parameter(&format!("p{index}"))).collect();
    assert!(first(json!([function("f".into(), wide)]), json!([])).contains("there are 1001 parameters"));
    let deep = json!([{"name": "f", "description": "d", "parameters": [{"name": "x", "type": "list of ".repeat(100_000) + "any"}]}]);
    let reason = first(deep, json!([]));
    assert!(
        reason.starts_with("`x` of `f` has the type `list of list") && reason.ends_with("and these are 100000"),
        "{reason}"
    );

    // A short row that names long functions, many times.
    let mut long = timer();
    long["description"] = "d".repeat(1 << 20).into();
    let cases: Vec<String> =
        (0..40).map(|id| row(json!(["set_timer"]), json!([])).replacen("\"a\"", &format!("\"{id}\""), 1)).collect();
    let rows = read(&cases.join("\n"), Some(json!([long]))).unwrap();
    assert_eq!((rows.rows.len(), rows.errors.len()), (31, 9));
    assert!(rows.errors[0].reason.contains("for each of 1 requests and answers, which is more than what is left"));
}

#[test]
fn ids_stand_once_and_unknown_keys_are_refused() {
    let good = row(json!([timer()]), json!([]));
    let twice = good.replacen("\"a\"", "\"b\"", 1);
    let typing = good.replacen("\"a\"", "\"c\"", 1).replace("\"user\"", "\"human\"");
    let silent = good.replacen("\"a\"", "\"d\"", 1).replace("three minutes please", " ");
    let spoken = good.replacen("\"a\"", "\"e\"", 1).replace("\"calls\":[]", "\"calls\":[],\"agent\":\"Done.\"");
    let returned = good.replacen("\"a\"", "\"f\"", 1).replace("\"calls\":[]", "\"calls\":[],\"result\":1");
    let endless = r#"{"id":"g","category":"x","functions":[],"turns":[],"more":1}"#;
    let cases = [&good, &twice, &twice, &typing, &silent, &spoken, &returned, endless].map(str::to_owned).join("\n");
    let rows = read(&cases, None).unwrap();
    assert_eq!(rows.rows.iter().map(|(line, case)| (*line, &*case.id)).collect::<Vec<_>>(), [(1, "a"), (2, "b")]);
    let reasons: Vec<String> =
        rows.errors.into_iter().map(|error| format!("{}: {}", error.line, error.reason)).collect();
    insta::assert_snapshot!(reasons.join("\n"), @r"
    3: an earlier row has the same id `b`: give each row its own
    4: unknown field `human`, expected one of `user`, `calls`, `result`, `agent` at column 385
    5: turn 1: the user's message is empty
    6: turn 1: `agent` needs a `result` to speak about: give it too
    7: turn 1: there is a `result`, but no call is expected
    8: unknown field `more`, expected one of `id`, `category`, `functions`, `turns` at column 57
    ");
}

#[test]
fn an_error_in_the_functions_is_the_files() {
    let refused = |change: &dyn Fn(&mut Value)| {
        let mut function = timer();
        change(&mut function);
        let error = read("", Some(json!([function]))).unwrap_err().to_string();
        error.split("is not a data set: ").nth(1).unwrap().to_owned()
    };
    let reasons = [
        refused(&|function| function["parameters"][1]["default"] = json!("horn")),
        refused(&|function| function["parameters"][1]["default"] = json!(3)),
        refused(&|function| function["parameters"][2]["values"] = json!([1])),
        refused(&|function| function["example"]["call"] = json!("set_timer(hours=1)")),
        refused(&|function| function["example"]["call"] = json!("set_timer()")),
        refused(&|function| function["example"]["call"] = json!("set_timer")),
        refused(&|function| function["example"]["call"] = json!("no_call()")),
        refused(&|function| function["name"] = json!("no_call")),
        refused(&|function| function["color"] = json!("red")),
    ];
    insta::assert_snapshot!(reasons.join("\n"), @r#"
    line 1: `sound` of the function `set_timer` cannot be "horn": it is sound: "bell" | "drum" = "horn"
    line 1: `sound` of the function `set_timer` cannot be 3: it is sound: "bell" | "drum" = 3
    line 1: `rooms` of the function `set_timer` cannot be 1: it is rooms: list of (1) = []
    line 1: the function `set_timer` takes no argument `hours`: it takes minutes, sound, rooms
    line 1: the call of `set_timer` lacks the required argument `minutes`
    line 1: the example of the function `set_timer`: the answer has no call: expected name(argument=value) or no_call()
    line 1: the example of the function `set_timer` does not call it
    line 1: the example of the function `no_call` does not call it
    line 1: unknown field `color`, expected one of `name`, `description`, `parameters`, `example` at column 329
    "#);
}

#[test]
fn the_hash_is_of_both_files() {
    let cases = row(json!([timer()]), json!([]));
    let alone = read(&cases, None).unwrap().sha256;
    let both = read(&cases, Some(json!([timer()]))).unwrap().sha256;
    let functions_hash = sha256(json!([timer()]).to_string());
    assert_eq!(both, joint(&alone, &functions_hash));
    assert_ne!(alone, both);
}

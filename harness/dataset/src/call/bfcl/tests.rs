use std::path::PathBuf;

use super::*;
use crate::{bfcl_matches, intent_matches, parse_call, structure_matches};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

fn read(category: &str) -> Rows<CallCase> {
    let answers = fixture(&format!("bfcl_{category}_answer.json"));
    read_bfcl(&fixture(&format!("bfcl_{category}.json")), Some(&answers)).unwrap()
}

/// Whether the call is right by the leaderboard's rule.
fn is_right(case: &CallCase, text: &str) -> bool {
    bfcl_matches(&case.turns[0].expected, parse_call(text).ok().as_ref()).unwrap()
}

/// Whether it is right by ours: the function, and the whole call.
fn own(case: &CallCase, text: &str) -> (bool, bool) {
    let (expected, parsed) = (&case.turns[0].expected, parse_call(text).ok());
    (intent_matches(expected, parsed.as_ref()), structure_matches(expected, parsed.as_ref()))
}

#[test]
fn simple_questions_are_read() {
    let rows = read("simple");
    let ids: Vec<(usize, &str)> = rows.rows.iter().map(|(line, case)| (*line, &*case.id)).collect();
    assert_eq!(ids, [(1, "simple_python_0"), (2, "simple_python_1"), (3, "simple_python_2")]);
    let [(_, paint), (_, mean), (_, customer)] = &*rows.rows else { panic!("{ids:?}") };
    assert_eq!(paint.category, "simple_python");
    assert_eq!(paint.messages().len(), 1);
    insta::assert_snapshot!(paint.functions[0].signature(), @r#"
    paint.amount(surface: integer, coats: integer, coverage: number = 8.5, unit?: "liter" | "gallon")
        Calculate the liters of paint that a surface needs.
        surface: The surface in square meters.
        coats: How often it is painted.
        coverage: Square meters for each liter. Default is 8.5.
        unit: The unit of the answer.
    "#);

    assert!(is_right(paint, "paint.amount(surface=12, coats=2)"));
    assert!(is_right(paint, "paint.amount(coats=2, surface=12, coverage=8.5, unit='l')"));
    assert!(!is_right(paint, "paint.amount(surface=12)"));
    assert!(!is_right(paint, "paint.amount(surface=12, coats=2, coverage=8)"));
    assert!(is_right(mean, "mean(values=[4.0, 8.0, 9.0])"));
    assert!(!is_right(mean, "mean(values=[4, 8, 9])"), "inside a list the leaderboard takes no integer for a float");
    assert!(!is_right(mean, "mean(values=[8, 4, 9])"));
    assert!(is_right(customer, "customer.update(number=81, changes={'street': '4 Elm Street'})"));
    let long = "customer.update(number=81, filters=[{'field': 'number'}], \
        changes={'street': 'Elm Street 4', 'phone': 'unchanged'})";
    assert!(is_right(customer, long));
    let signature = customer.functions[0].signature();
    assert!(signature.contains("\n    changes: What changes. Fields: street: string, phone: string\n"), "{signature}");
    assert!(signature.ends_with("\n    filters: Which records change. Fields: field: string"), "{signature}");
    assert!(!is_right(customer, "customer.update(number=81, changes={'phone': 'unchanged'})"));
    assert!(is_right(customer, "customer.update(number=81, changes={'street': 'ELM STREET-4'})"));
    assert!(!is_right(customer, "customer.update(number=81.0, changes={'street': 'Elm Street 4'})"));
    assert!(!is_right(mean, "mean(values=[4.0, 8.0, 9.0]) mean(values=[4.0, 8.0, 9.0])"), "one call is right");
    for (_, case) in &rows.rows {
        let reference = case.turns[0].expected.reference();
        assert!(is_right(case, &reference), "{}", case.id);
        assert_eq!(own(case, &reference), (true, true), "{}", case.id);
    }
}

#[test]
fn our_own_rule_stands_beside_the_leaderboards() {
    let rows = read("simple");
    let [(_, paint), (_, mean), (_, customer)] = &*rows.rows else { panic!("{rows:?}") };
    assert_eq!(own(paint, "paint.amount(surface=12, coats=2)"), (true, true));
    assert_eq!(own(paint, "paint.amount(surface=12)"), (true, false), "what is required cannot be left out");
    assert_eq!(own(paint, "paint.sum()"), (false, false));
    assert_eq!(own(paint, "I paint it."), (false, false));
    let whole = "mean(values=[4, 8, 9])";
    assert_eq!((own(mean, whole), is_right(mean, whole)), ((true, true), false), "numbers are what they are worth");
    let shouted = "customer.update(number=81, changes={'street': 'ELM STREET-4'})";
    assert_eq!((own(customer, shouted), is_right(customer, shouted)), ((true, false), true), "case and signs count");
    let short = "customer.update(number=81, changes={'phone': 'unchanged'})";
    assert_eq!(own(customer, short), (true, false), "a field is missing");
}

#[test]
fn rows_that_cannot_be_used_do_not_hide_the_others() {
    let shown = read("simple").errors.into_iter().map(|error| {
        let text = error.to_string();
        text.replace(fixture("").to_str().unwrap(), "")
    });
    insta::assert_snapshot!(shown.collect::<Vec<_>>().join("\n"), @r#"
    bfcl_simple.json:4: the parameter `list` of `sort` has the type `ArrayList`, which is not supported
    bfcl_simple.json:5: there is no answer to `simple_python_4` in bfcl_simple_answer.json
    bfcl_simple.json:6: there are 2 turns: one is supported
    bfcl_simple.json:7: the answer has 2 calls: one is supported
    bfcl_simple.json:8: the function `is_prime` takes no argument `value`: it takes number
    bfcl_simple.json:9: an earlier row has the same id `simple_python_7`: remove one of the questions
    bfcl_simple_answer.json:8: invalid type: map, expected a sequence at column 42
    "#);
}

#[test]
fn one_of_several_functions_is_right() {
    let rows = read("multiple");
    assert_eq!(rows.errors, []);
    let (_, case) = &rows.rows[0];
    assert_eq!(case.functions.len(), 2);
    assert!(is_right(case, "trains.by_coordinates(coordinates=(53.55, 9.99), date=\"2031-05-03\", direct=True)"));
    let wrong = parse_call("trains.by_station(station=\"coast\", date=\"2031-05-03\")").unwrap();
    assert!(!intent_matches(&case.turns[0].expected, Some(&wrong)));
}

/// Reads rows as they appear in a file, without a file of answers.
fn read_text(rows: &str) -> Rows<CallCase> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("questions.json");
    std::fs::write(&path, rows).unwrap();
    let expected = if rows.contains("\"simple") { BfclFile::NeedsAnswers } else { BfclFile::AnsweredByCategory };
    assert_eq!(BfclFile::detect(&path).unwrap(), expected);
    read_bfcl(&path, None).unwrap()
}

/// A question for a call of `ferry.book`.
fn question(id: &str, messages: Value) -> String {
    let day = serde_json::json!({"type": "string", "description": "The day."});
    let parameters = serde_json::json!({"type": "dict", "properties": {"day": day}, "required": ["day"]});
    let function = serde_json::json!({"name": "ferry.book", "description": "Book a ferry.", "parameters": parameters});
    serde_json::json!({"id": id, "question": [messages], "function": [function]}).to_string() + "\n"
}

#[test]
fn no_call_is_right_where_no_function_fits_and_any_call_where_one_does() {
    let asks = serde_json::json!([{"role": "user", "content": "Who painted this ferry?"}]);
    let ids = ["irrelevance_0", "live_irrelevance_1-0-0", "live_relevance_2-0-0", "simple_python_3"];
    let rows = read_text(&ids.map(|id| question(id, asks.clone())).concat());
    assert_eq!(rows.errors.len(), 1);
    assert_eq!(rows.errors[0].reason, "`simple_python_3` needs a file of answers, and there is none");
    let [(_, irrelevance), (_, live), (_, relevance)] = &*rows.rows else { panic!("{rows:?}") };
    assert_eq!((&*irrelevance.category, &*live.category), ("irrelevance", "live_irrelevance"));
    for text in ["no_call()", "I do not know.", ""] {
        assert!(is_right(irrelevance, text) && is_right(live, text) && !is_right(relevance, text), "{text}");
        let said = text == "no_call()";
        assert_eq!(own(irrelevance, text), (said, said), "{text}: by our rule it must be said that no function fits");
        assert_eq!(own(relevance, text), (false, false), "{text}");
    }
    for text in ["ferry.book(day=\"Monday\")", "ferry.book()"] {
        assert!(!is_right(irrelevance, text) && is_right(relevance, text), "{text}");
        assert_eq!((own(irrelevance, text), own(relevance, text)), ((false, false), (true, true)), "{text}");
    }
    assert_eq!(irrelevance.turns[0].expected.reference(), "no_call()");
    read_text(&question("irrelevance_0", asks));
}

#[test]
fn the_own_system_message_of_a_row_follows_ours() {
    let messages = |system: Value| serde_json::json!([{"role": "system", "content": system}, {"role": "user", "content": "Who painted it?"}]);
    let user = |content: Value| serde_json::json!([{"role": "user", "content": content}]);
    let rows = [
        question("irrelevance_0", messages("Today is Monday.".into())),
        question("irrelevance_1", messages("".into())),
        question("irrelevance_2", messages(Value::Null)),
        question("irrelevance_3", user(Value::Null)),
        question(
            "irrelevance_4",
            serde_json::json!([{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]),
        ),
    ];
    let rows = read_text(&rows.concat());
    let systems: Vec<_> = rows.rows.iter().map(|(_, case)| case.system.as_deref()).collect();
    assert_eq!(systems, [Some("Today is Monday."), None, None]);
    let [(_, told), (_, plain), ..] = &*rows.rows else { panic!("{rows:?}") };
    assert_eq!(told.system_prompt(), plain.system_prompt() + "\n\nToday is Monday.");
    let reasons: Vec<_> = rows.errors.iter().map(|error| &*error.reason).collect();
    let roles = "its messages have the roles `user`, `assistant`: one `user` message is supported, optionally after a `system` message";
    assert_eq!(reasons, ["the user's message is empty", roles]);
}

#[test]
fn formats_are_distinguished() {
    assert_eq!(BfclFile::detect(&fixture("bfcl_simple.json")).unwrap(), BfclFile::NeedsAnswers);
    assert_eq!(BfclFile::detect(&fixture("bfcl_simple_answer.json")).unwrap(), BfclFile::Other);
    assert_eq!(BfclFile::detect(&fixture("../../../scenarios/api-calls.jsonl")).unwrap(), BfclFile::Other);
    assert!(BfclFile::detect(&fixture("nowhere.json")).is_err());
}

#[test]
fn categories_are_ids_without_numbers() {
    for (id, expected) in [
        ("simple_0", "simple"),
        ("simple_python_17", "simple_python"),
        ("live_simple_3-2-0", "live_simple"),
        ("mine", "mine"),
        ("my_own", "my_own"),
    ] {
        assert_eq!(category(id), expected);
    }
}

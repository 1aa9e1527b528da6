use serde_json::json;

use super::*;

fn argument(kind: &str, values: Value) -> BfclArgument {
    BfclArgument { kind: ArgumentKind::named(kind).unwrap(), values: serde_json::from_value(values).unwrap() }
}

/// The expected result for each value; the leaderboard's own checker gives the same results.
#[track_caller]
fn assert_admits(kind: &str, possible: Value, right: &[Value], wrong: &[Value]) {
    let argument = argument(kind, possible);
    for value in right {
        assert!(argument.admits(value), "{value} is right: {argument:?}");
    }
    for value in wrong {
        assert!(!argument.admits(value), "{value} is wrong: {argument:?}");
    }
}

fn ferry() -> BfclCall {
    BfclCall {
        function: "ferry.range".into(),
        required: vec!["litres".into(), "burn".into()],
        arguments: [
            ("litres".to_owned(), argument("number", json!([40.0]))),
            ("burn".to_owned(), argument("number", json!(["", 2.5]))),
            ("unit".to_owned(), argument("string", json!(["", "miles"]))),
            ("load".to_owned(), argument("integer", json!([3]))),
        ]
        .into(),
    }
}

fn is_right(arguments: Value) -> bool {
    let arguments = serde_json::from_value(arguments).unwrap();
    ferry().matches(&Call { function: "ferry.range".into(), arguments })
}

#[test]
fn what_is_required_is_missed_whatever_the_possible_answers_say() {
    assert!(!is_right(json!({"litres": 40.0, "load": 3})));
    assert!(is_right(json!({"litres": 40.0, "burn": 2.5, "load": 3})));
    assert!(is_right(json!({"litres": 40, "burn": 2.5, "unit": "Miles", "load": 3})));
}

#[test]
fn what_is_not_required_may_be_left_out_where_the_answer_says_so() {
    assert!(!is_right(json!({"litres": 40.0, "burn": 2.5})), "`load` has no \"\" among its possible answers");
    assert!(
        !is_right(json!({"litres": 40.0, "burn": 2.5, "load": 3, "speed": 8})),
        "nothing says that it may be given"
    );
}

#[test]
fn the_reference_has_what_is_required_and_is_right() {
    let reference = ferry().reference();
    assert_eq!(reference.to_string(), "ferry.range(burn=2.5, litres=40.0, load=3)");
    assert!(ferry().matches(&reference));
}

#[test]
fn texts_are_compared_without_case_spaces_and_some_punctuation() {
    let wrong = [json!("Oslo Norge"), json!(3), json!(null), json!(["Oslo, Norway"])];
    assert_admits("string", json!(["Oslo, Norway"]), &[json!("oslo norway"), json!("OSLO-NORWAY.")], &wrong);
}

#[test]
fn an_integer_is_a_float_but_not_inside_a_list_nor_the_other_way_round() {
    assert_admits("number", json!([2.0]), &[json!(2), json!(2.0)], &[json!("2"), json!(true)]);
    assert_admits("number", json!([2]), &[json!(2), json!(2.0)], &[json!(3)]);
    assert_admits("integer", json!([2]), &[json!(2)], &[json!(2.0), json!(true), json!("2")]);
    assert_admits("list of number", json!([[4.0, 8.0]]), &[json!([4.0, 8.0])], &[json!([4, 8]), json!([8.0, 4.0])]);
    assert_admits("list of number", json!([[4, 8]]), &[json!([4, 8]), json!([4.0, 8.0])], &[json!([4])]);
}

#[test]
fn lists_of_texts_are_compared_in_order() {
    let possible = json!(["", ["Red Wine", "tea"]]);
    let right = [json!(["redwine", "TEA"]), json!([])];
    assert_admits("list of string", possible, &right, &[json!(["tea", "red wine"]), json!(["red wine"]), json!("")]);
}

#[test]
fn named_values_have_possible_answers_of_their_own() {
    let possible = json!([{"street": ["Elm Street 4", "4 Elm St"], "phone": ["unchanged", ""], "rooms": [3]}]);
    let right = [
        json!({"street": "elm street 4", "rooms": 3}),
        json!({"street": "4 ELM ST.", "phone": "Unchanged", "rooms": 3.0}),
    ];
    let wrong = [
        json!({"street": "Elm Street 4"}),
        json!({"street": "Elm Street 4", "rooms": 3, "floor": 1}),
        json!({"street": "Elm Street 5", "rooms": 3}),
        json!([{"street": "Elm Street 4", "rooms": 3}]),
    ];
    assert_admits("object", possible, &right, &wrong);
    assert_admits("object", json!([""]), &[], &[json!({})]);
}

#[test]
fn lists_of_named_values_are_compared_one_by_one() {
    let possible = json!(["", [{"field": ["age", "years"]}, {"field": ["name"], "order": ["", "up"]}]]);
    let right = [json!([{"field": "Years"}, {"field": "name"}]), json!([])];
    let wrong = [json!([{"field": "name"}, {"field": "age"}]), json!([{"field": "age"}]), json!([1, 2])];
    assert_admits("list of object", possible, &right, &wrong);
    let list = argument("list of object", json!([[{"field": ["age", "years"]}, {"order": ["", "up"]}]]));
    assert_eq!(list.first_value(), Some(json!([{"field": "age"}, {}])));
}

#[test]
fn answers_of_another_type_than_the_description_are_compared_as_they_are() {
    assert_admits("integer", json!(["n_rows"]), &[json!("n_rows")], &[json!("N rows"), json!(3)]);
    assert_admits("any", json!([7]), &[json!(7)], &[json!("7"), json!(8)]);
    assert_admits("any", json!(["Any Text"]), &[json!("anytext")], &[json!(1)]);
    assert_admits("boolean", json!([true]), &[json!(true)], &[json!(1), json!("true")]);
}

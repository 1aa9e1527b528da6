//! A grammar of the answers that are calls.

use std::fmt::Write;

use serde_json::Value;

use super::{ArgumentKind, FunctionSchema, NO_CALL, Parameter, Written};

/// Strings without escapes and line breaks, which are enough for people's requests. Numbers are as long as any useful one, so
/// that a model cannot go on writing digits.
const VALUES: &str = r#"string: STRING
integer: INTEGER
number: NUMBER
boolean: "true" | "false"
object: "{" (field (", " field)*)? "}"
field: STRING ": " any
list_of_any: "[" (any (", " any)*)? "]"
any: STRING | NUMBER | boolean | "null" | object | list_of_any
STRING: /"[^"\\\x00-\x1F]{0,200}"/
INTEGER: /-?(0|[1-9][0-9]{0,11})/
NUMBER: /-?(0|[1-9][0-9]{0,11})(\.[0-9]{1,6})?/
"#;

/// The calls of `functions` and `no_call()`, as a grammar in the Lark dialect of llguidance: each argument once, in the order
/// in which the function declares them, with a value of its kind, written as [`system_prompt`](super::CallCase::system_prompt)
/// writes calls.
pub fn call_grammar(functions: &[FunctionSchema]) -> String {
    let mut rules = String::new();
    let mut calls = vec![quoted(&format!("{NO_CALL}()"))];
    for (index, function) in functions.iter().enumerate() {
        calls.push(format!("call_{index}"));
        function_rules(index, function, &mut rules);
    }
    format!("start: {}\n{rules}{VALUES}", calls.join(" | "))
}

/// `call_0: "name(" first_0_0 ")"`. `first_0_k` continues from argument `k` when none was written before it, `next_0_k` when
/// one was: only then a comma is needed.
fn function_rules(index: usize, function: &FunctionSchema, rules: &mut String) {
    let mut rule = |name: String, alternatives: &[String]| {
        // Writing to a string cannot fail.
        let _ = writeln!(rules, "{name}: {}", alternatives.join(" | "));
    };
    rule(format!("call_{index}"), &[format!("{} first_{index}_0 \")\"", quoted(&format!("{}(", function.name)))]);
    for (place, parameter) in function.parameters.iter().enumerate() {
        let (here, behind) = (format!("{index}_{place}"), format!("{index}_{}", place + 1));
        let argument = format!("{} value_{here}", quoted(&format!("{}=", parameter.name)));
        let mut first = vec![format!("{argument} next_{behind}")];
        let mut next = vec![format!("\", \" {argument} next_{behind}")];
        if !parameter.required {
            first.push(format!("first_{behind}"));
            next.push(format!("next_{behind}"));
        }
        rule(format!("first_{here}"), &first);
        rule(format!("next_{here}"), &next);
        let (values, inner) = values(parameter, &here);
        rule(format!("value_{here}"), &values);
        inner.into_iter().for_each(|(name, list)| rule(name, &[list]));
    }
    let end = function.parameters.len();
    rule(format!("first_{index}_{end}"), &["\"\"".into()]);
    rule(format!("next_{index}_{end}"), &["\"\"".into()]);
}

/// The values of a parameter, and the rules that they need: a list contains its element twice, so a list of lists refers
/// to a rule instead of repeating it.
fn values(parameter: &Parameter, here: &str) -> (Vec<String>, Vec<(String, String)>) {
    let allowed: Vec<String> = parameter.allowed.iter().map(|value| quoted(&Written(value).to_string())).collect();
    let mut inner = Vec::new();
    let values = match (&parameter.kind, allowed.is_empty()) {
        (kind, true) => vec![kind_rule(kind, here, &mut inner)],
        (ArgumentKind::List(_), false) => vec![list_of(&format!("({})", allowed.join(" | ")))],
        (_, false) => allowed,
    };
    (values, inner)
}

fn kind_rule(kind: &ArgumentKind, here: &str, inner: &mut Vec<(String, String)>) -> String {
    match kind {
        ArgumentKind::String => "string".into(),
        ArgumentKind::Integer => "integer".into(),
        ArgumentKind::Number => "number".into(),
        ArgumentKind::Boolean => "boolean".into(),
        ArgumentKind::Object => "object".into(),
        ArgumentKind::Any => "any".into(),
        ArgumentKind::List(element) => {
            let mut element_rule = kind_rule(element, here, inner);
            if matches!(**element, ArgumentKind::List(_)) {
                let name = format!("list_{here}_{}", inner.len());
                inner.push((name.clone(), element_rule));
                element_rule = name;
            }
            list_of(&format!("({element_rule})"))
        }
    }
}

fn list_of(element: &str) -> String {
    format!("\"[\" ({element} (\", \" {element})*)? \"]\"")
}

/// A string in the grammar's syntax, which is that of JSON.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use llguidance::{Matcher, ParserFactory, api::TopLevelGrammar};
    use serde_json::json;
    use toktrie::{ApproximateTokEnv, TokEnv};

    use super::*;
    use crate::{Call, ExpectedAnswer, Reply, read_call_cases};

    /// Whether the grammar accepts an answer from its first byte to its last.
    fn admits(factory: &ParserFactory, grammar: &str, answer: &str) -> bool {
        let parser = factory.create_parser(TopLevelGrammar::from_lark(grammar.to_owned())).unwrap();
        let mut matcher = Matcher::new(Ok(parser));
        let taken = answer.bytes().all(|byte| matcher.consume_token(u32::from(byte)).is_ok());
        taken && matcher.is_accepting().unwrap()
    }

    fn factory() -> ParserFactory {
        let bytes: TokEnv = ApproximateTokEnv::single_byte_env();
        let mut factory = ParserFactory::new_simple(&bytes).unwrap();
        factory.quiet();
        factory
    }

    /// The call with its arguments in the function's order.
    fn written(function: &FunctionSchema, call: &Call) -> String {
        let arguments: Vec<String> = function
            .parameters
            .iter()
            .filter_map(|parameter| {
                Some(format!("{}={}", parameter.name, Written(call.arguments.get(&parameter.name)?)))
            })
            .collect();
        format!("{}({})", call.function, arguments.join(", "))
    }

    #[test]
    fn every_right_answer_of_the_shipped_cases_can_be_said_and_a_wrong_one_cannot() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/api-calls.jsonl");
        let factory = factory();
        let mut answers = 0;
        for (_, case) in read_call_cases(&path).unwrap().rows {
            let grammar = call_grammar(&case.functions);
            for message in case.messages().iter().filter(|message| message.reply == Reply::Call) {
                let answer = match &case.turns[message.turn].expected {
                    ExpectedAnswer::NoCall | ExpectedAnswer::Bfcl(_) => "no_call()".to_owned(),
                    ExpectedAnswer::Call(calls) => {
                        let call = calls[0].reference();
                        written(case.function(&call.function).unwrap(), &call)
                    }
                };
                assert!(admits(&factory, &grammar, &answer), "{}: {answer}", case.id);
                for wrong in [format!("{answer})"), format!("un{answer}"), format!("{answer} "), String::new()] {
                    assert!(!admits(&factory, &grammar, &wrong), "{}: {wrong}", case.id);
                }
                answers += 1;
            }
        }
        assert!(answers >= 88, "{answers}");
    }

    #[test]
    fn values_are_of_their_kind() {
        let function = |kind: &str| FunctionSchema {
            name: "f.g".into(),
            description: String::new(),
            parameters: vec![Parameter {
                name: "x".into(),
                kind: ArgumentKind::named(kind).unwrap(),
                required: true,
                default: None,
                allowed: Vec::new(),
                description: String::new(),
            }],
            example: None,
        };
        let factory = factory();
        for (kind, right, wrong) in [
            ("string", &["\"\"", "\"Tromsø\""][..], &["3", "\"a", "\"a\nb\""][..]),
            ("integer", &["0", "-12"], &["1.5", "01", "\"1\"", ""]),
            ("number", &["0", "-1.25"], &["1.", ".5", "true"]),
            ("boolean", &["true", "false"], &["True", "1"]),
            ("list of integer", &["[]", "[1]", "[1, 2]"], &["[1,2]", "[\"1\"]", "1"]),
            ("list of list of string", &["[[\"a\"], []]"], &["[\"a\"]"]),
            ("list of list of list of integer", &["[]", "[[], [[1, 2], [3]]]"], &["[1]", "[[1]]", "[[[[]]]]"]),
            ("object", &["{}", "{\"a\": 1, \"b\": [true, null]}"], &["{a: 1}", "[]"]),
            ("any", &["{}", "1.5", "\"a\"", "[null]"], &["None", ""]),
        ] {
            let grammar = call_grammar(&[function(kind)]);
            let call = |value: &str| format!("f.g(x={value})");
            right.iter().for_each(|value| assert!(admits(&factory, &grammar, &call(value)), "{kind}: {value}"));
            wrong.iter().for_each(|value| assert!(!admits(&factory, &grammar, &call(value)), "{kind}: {value}"));
        }
    }

    #[test]
    fn a_grammar_grows_with_its_types_and_no_faster() {
        let length = |depth: usize| {
            let kind = ArgumentKind::nested(ArgumentKind::String, depth).unwrap();
            let parameter = Parameter {
                name: "x".into(),
                kind,
                required: true,
                default: None,
                allowed: Vec::new(),
                description: String::new(),
            };
            let function = FunctionSchema {
                name: "f".into(),
                description: String::new(),
                parameters: vec![parameter],
                example: None,
            };
            let grammar = call_grammar(&[function]);
            factory().create_parser(TopLevelGrammar::from_lark(grammar.clone())).unwrap();
            grammar.len()
        };
        assert_eq!(length(9) - length(8), length(3) - length(2));
        assert!(length(16) < 16 * 100 + length(0), "{}", length(16));
    }

    #[test]
    fn arguments_come_in_order_with_commas_between() {
        let parameter = |name: &str, kind, required, allowed| Parameter {
            name: name.into(),
            kind,
            required,
            default: None,
            allowed,
            description: String::new(),
        };
        let weather = FunctionSchema {
            name: "get_weather".into(),
            description: String::new(),
            parameters: vec![
                parameter("city", ArgumentKind::String, true, Vec::new()),
                parameter("unit", ArgumentKind::String, false, vec![json!("celsius"), json!("fahrenheit")]),
                parameter("days", ArgumentKind::List(Box::new(ArgumentKind::Integer)), false, Vec::new()),
            ],
            example: None,
        };
        let grammar = call_grammar(&[weather]);
        insta::assert_snapshot!(grammar.split("string: STRING").next().unwrap(), @r#"
        start: "no_call()" | call_0
        call_0: "get_weather(" first_0_0 ")"
        first_0_0: "city=" value_0_0 next_0_1
        next_0_0: ", " "city=" value_0_0 next_0_1
        value_0_0: string
        first_0_1: "unit=" value_0_1 next_0_2 | first_0_2
        next_0_1: ", " "unit=" value_0_1 next_0_2 | next_0_2
        value_0_1: "\"celsius\"" | "\"fahrenheit\""
        first_0_2: "days=" value_0_2 next_0_3 | first_0_3
        next_0_2: ", " "days=" value_0_2 next_0_3 | next_0_3
        value_0_2: "[" ((integer) (", " (integer))*)? "]"
        first_0_3: ""
        next_0_3: ""
        "#);
    }
}

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use serde_json::{Number, Value};

use super::{BfclAnswer, Call};

/// The right answers to one request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ExpectedAnswer {
    /// Any of these calls; there is at least one.
    Call(Vec<AcceptedCall>),
    /// No function fits: `no_call()`.
    NoCall,
    /// What the files of the Berkeley leaderboard accept, by their own rule and by ours.
    Bfcl(BfclAnswer),
}

/// An accepted call, with every accepted value of each argument.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AcceptedCall {
    /// The function's name.
    pub function: String,
    /// The arguments that may be given; any other makes the call wrong.
    pub arguments: BTreeMap<String, AcceptedArgument>,
}

/// The accepted values of one parameter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AcceptedArgument {
    /// The accepted values.
    pub values: Vec<AcceptedValue>,
    /// Whether the argument may be omitted.
    pub optional: bool,
}

/// One accepted value. Objects and lists of accepted values come from BFCL's files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum AcceptedValue {
    /// This value.
    Exactly(Value),
    /// An object, with the accepted values of each field.
    Object(BTreeMap<String, AcceptedArgument>),
    /// A list of the same length, each element of which is accepted.
    List(Vec<AcceptedValue>),
}

impl ExpectedAnswer {
    /// A right answer, written as the prompt asks for it.
    pub fn reference(&self) -> String {
        match self {
            Self::Call(calls) => calls.first().map_or_else(String::new, |call| call.reference().to_string()),
            Self::NoCall => format!("{}()", super::NO_CALL),
            Self::Bfcl(answer) => answer.reference(),
        }
    }
}

impl AcceptedCall {
    /// Whether `call` is accepted: the same function, every required argument, and no argument that is not accepted.
    /// The order of arguments does not matter.
    pub fn matches(&self, call: &Call) -> bool {
        self.function == call.function && fit(&self.arguments, |name| call.arguments.get(name), call.arguments.keys())
    }

    /// The simplest accepted call: the first value of each argument that may not be omitted.
    pub fn reference(&self) -> Call {
        Call { function: self.function.clone(), arguments: first_values(&self.arguments).collect() }
    }
}

impl AcceptedArgument {
    fn admits(&self, value: &Value) -> bool {
        self.values.iter().any(|accepted| accepted.admits(value))
    }
}

impl AcceptedValue {
    fn admits(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Exactly(accepted), value) => same_value(accepted, value),
            (Self::Object(accepted), Value::Object(fields)) => fit(accepted, |name| fields.get(name), fields.keys()),
            (Self::List(accepted), Value::Array(elements)) => {
                accepted.len() == elements.len()
                    && accepted.iter().zip(elements).all(|(accepted, element)| accepted.admits(element))
            }
            _ => false,
        }
    }

    fn first(&self) -> Value {
        match self {
            Self::Exactly(value) => value.clone(),
            Self::Object(fields) => Value::Object(first_values(fields).collect()),
            Self::List(elements) => elements.iter().map(Self::first).collect(),
        }
    }
}

fn fit<'a>(
    accepted: &BTreeMap<String, AcceptedArgument>,
    given: impl Fn(&str) -> Option<&'a Value>,
    mut names: impl Iterator<Item = &'a String>,
) -> bool {
    let each_fits = accepted.iter().all(|(name, accepted)| match given(name) {
        Some(value) => accepted.admits(value),
        None => accepted.optional,
    });
    each_fits && names.all(|name| accepted.contains_key(name))
}

fn first_values(accepted: &BTreeMap<String, AcceptedArgument>) -> impl Iterator<Item = (String, Value)> {
    let needed = accepted.iter().filter(|(_, argument)| !argument.optional);
    needed.filter_map(|(name, argument)| Some((name.clone(), argument.values.first()?.first())))
}

/// Whether two values are the same argument: strings in exact case without surrounding white space; numbers by
/// their value, so that 3 equals 3.0; lists in order.
pub fn same_value(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::String(one), Value::String(other)) => one.trim() == other.trim(),
        (Value::Number(one), Value::Number(other)) => same_number(one, other),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same_value(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let found =
                |(name, value): (&String, &Value)| other.get(name).is_some_and(|other| same_value(value, other));
            one.len() == other.len() && one.iter().all(found)
        }
        (one, other) => one == other,
    }
}

fn same_number(one: &Number, other: &Number) -> bool {
    // Two integers are not compared as floats, which are not exact above 2^53.
    match (one.is_f64(), other.is_f64()) {
        (false, false) => one == other,
        _ => one.as_f64() == other.as_f64(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn call(arguments: Value) -> Call {
        serde_json::from_value(json!({"function": "f", "arguments": arguments})).unwrap()
    }

    fn accepted() -> AcceptedCall {
        let exactly = |values: &[Value]| values.iter().cloned().map(AcceptedValue::Exactly).collect();
        let argument = |values: &[Value], optional| AcceptedArgument { values: exactly(values), optional };
        let inner = [("min".to_owned(), argument(&[json!(1)], false)), ("max".to_owned(), argument(&[json!(2)], true))];
        let range = AcceptedValue::Object(inner.into());
        let ranges = AcceptedArgument { values: vec![AcceptedValue::List(vec![range])], optional: true };
        AcceptedCall {
            function: "f".into(),
            arguments: [
                ("city".to_owned(), argument(&[json!("Oslo"), json!("Oslo, Norway")], false)),
                ("days".to_owned(), argument(&[json!(3)], true)),
                ("ranges".to_owned(), ranges),
            ]
            .into(),
        }
    }

    #[test]
    fn arguments_fit_one_of_their_values() {
        for arguments in [
            json!({"city": "Oslo"}),
            json!({"city": " Oslo, Norway "}),
            json!({"days": 3.0, "city": "Oslo"}),
            json!({"city": "Oslo", "ranges": [{"min": 1, "max": 2}]}),
            json!({"city": "Oslo", "ranges": [{"min": 1}]}),
        ] {
            assert!(accepted().matches(&call(arguments.clone())), "{arguments}");
        }
        for arguments in [
            json!({}),
            json!({"city": "oslo"}),
            json!({"city": "Oslo", "days": "3"}),
            json!({"city": "Oslo", "unit": "celsius"}),
            json!({"city": "Oslo", "ranges": []}),
            json!({"city": "Oslo", "ranges": [{"max": 2}]}),
            json!({"city": "Oslo", "ranges": [{"min": 1, "other": 2}]}),
            json!({"city": "Oslo", "ranges": {"min": 1}}),
        ] {
            assert!(!accepted().matches(&call(arguments.clone())), "{arguments}");
        }
        let other = Call { function: "g".into(), ..call(json!({"city": "Oslo"})) };
        assert!(!accepted().matches(&other));
    }

    #[test]
    fn the_reference_matches_itself() {
        let reference = accepted().reference();
        assert!(accepted().matches(&reference));
        assert_eq!(ExpectedAnswer::Call(vec![accepted()]).reference(), "f(city=\"Oslo\")");
        assert_eq!(ExpectedAnswer::NoCall.reference(), "no_call()");
    }

    #[test]
    fn values_are_the_same_by_what_they_mean() {
        assert!(same_value(&json!(2), &json!(2.0)));
        assert!(same_value(&json!({"a": [1, "b "]}), &json!({"a": [1.0, "b"]})));
        assert!(!same_value(&json!(1), &json!(true)));
        assert!(!same_value(&json!([1, 2]), &json!([2, 1])));
        assert!(!same_value(&json!({"a": 1}), &json!({"a": 1, "b": 2})));
        assert!(!same_value(&json!(9_007_199_254_740_993_u64), &json!(9_007_199_254_740_992_u64)));
        assert!(same_value(&json!(null), &json!(null)));
    }
}

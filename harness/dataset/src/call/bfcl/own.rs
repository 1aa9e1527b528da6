//! The leaderboard's possible answers by our own rule: strings in exact case, numbers by their value.

use std::collections::BTreeMap;

use serde_json::Value;

use super::checker::{BfclArgument, BfclCall, alternatives, is_nothing, may_be_left_out};
use crate::call::{AcceptedArgument, AcceptedCall, AcceptedValue, ArgumentKind};

impl BfclCall {
    /// The accepted values of each parameter by our rule. A required parameter cannot be omitted, whatever its possible
    /// answers say.
    pub(super) fn accepted(&self) -> AcceptedCall {
        let accepted = |(name, argument): (&String, &BfclArgument)| {
            let optional = !self.required.contains(name) && may_be_left_out(&argument.values);
            (name.clone(), accepted_argument(&argument.values, optional, |value| argument.accepted(value)))
        };
        AcceptedCall { function: self.function.clone(), arguments: self.arguments.iter().map(accepted).collect() }
    }
}

impl BfclArgument {
    fn accepted(&self, value: &Value) -> AcceptedValue {
        match (&self.kind, value) {
            (ArgumentKind::Object, Value::Object(_)) => accepted_object(value),
            (ArgumentKind::List(element), Value::Array(objects)) if **element == ArgumentKind::Object => {
                AcceptedValue::List(objects.iter().map(accepted_object).collect())
            }
            _ => AcceptedValue::Exactly(value.clone()),
        }
    }
}

/// `""` means that the argument may be omitted, and counts as a value only where it is the only one.
fn accepted_argument(values: &[Value], optional: bool, accepted: impl Fn(&Value) -> AcceptedValue) -> AcceptedArgument {
    let said: Vec<AcceptedValue> = values.iter().filter(|value| !is_nothing(value)).map(&accepted).collect();
    let values = if said.is_empty() { values.iter().map(accepted).collect() } else { said };
    AcceptedArgument { values, optional }
}

/// Each field of a possible object has its own list of possible answers.
fn accepted_object(object: &Value) -> AcceptedValue {
    let Value::Object(fields) = object else { return AcceptedValue::Exactly(object.clone()) };
    let accepted = |(name, values): (&String, &Value)| {
        let values = alternatives(values);
        let exactly = |value: &Value| AcceptedValue::Exactly(value.clone());
        (name.clone(), accepted_argument(values, may_be_left_out(values), exactly))
    };
    AcceptedValue::Object(fields.iter().map(accepted).collect::<BTreeMap<_, _>>())
}

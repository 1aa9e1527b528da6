//! When a call is right by BFCL's rule: that of its `ast_checker.py` for Python, with all its peculiarities
//! (`bfcl_eval/eval_checker/ast_eval` in `ShishirPatil/gorilla`; Patil et al., ICML 2025).
//!
//! One difference: a tuple is read as a list, even where the leaderboard wants a list and rejects a tuple.

use std::{borrow::Cow, collections::BTreeMap};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::python::{PythonType, is_among, standardized, standardized_elements};
use crate::call::{ArgumentKind, Call};

/// The right call, as the leaderboard describes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BfclCall {
    /// The function's name.
    pub function: String,
    /// The parameters that must be given, whatever their possible answers say.
    pub required: Vec<String>,
    /// The arguments that may be given; any other makes the call wrong.
    pub arguments: BTreeMap<String, BfclArgument>,
}

/// The possible answers of one parameter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BfclArgument {
    /// The type in the function's description.
    pub kind: ArgumentKind,
    /// The possible answers; `""` among them means that it may be omitted, unless it is required.
    pub values: Vec<Value>,
}

/// The result of `type_checker` for a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TypeCheck {
    /// The value has the described type, and so have the possible answers.
    Described,
    /// The possible answers have another type than the description: the leaderboard takes the value for a variable.
    Variable,
    Wrong,
}

impl BfclCall {
    /// `simple_function_checker`.
    pub fn matches(&self, call: &Call) -> bool {
        let given = |name: &String| call.arguments.contains_key(name);
        let is_right = |(name, value)| self.arguments.get(name).is_some_and(|argument| argument.admits(value));
        self.function == call.function
            && self.required.iter().all(given)
            && call.arguments.iter().all(is_right)
            && self.arguments.iter().all(|(name, argument)| given(name) || may_be_left_out(&argument.values))
    }

    /// The simplest right call: each required argument, with its first value that is not `""`.
    pub fn reference(&self) -> Call {
        let needed =
            |name: &String, argument: &BfclArgument| self.required.contains(name) || !may_be_left_out(&argument.values);
        let arguments = self.arguments.iter().filter(|(name, argument)| needed(name, argument));
        Call {
            function: self.function.clone(),
            arguments: arguments.filter_map(|(name, argument)| Some((name.clone(), argument.first_value()?))).collect(),
        }
    }
}

impl BfclArgument {
    fn admits(&self, value: &Value) -> bool {
        let described = PythonType::described(&self.kind);
        let of_elements = match &self.kind {
            ArgumentKind::List(element) => Some(PythonType::described(element)),
            _ => None,
        };
        // As Python does; inside a list it stays an integer, which is then of the wrong type.
        let value = match (described, PythonType::of_value(value)) {
            (PythonType::Float, PythonType::Int) => Cow::Owned(value.as_f64().into()),
            _ => Cow::Borrowed(value),
        };
        let value = value.as_ref();
        match (check_type(value, &self.values, described, of_elements), value) {
            (TypeCheck::Wrong, _) => false,
            (TypeCheck::Variable, _) => is_among(value, &self.values),
            (TypeCheck::Described, Value::Object(fields)) => {
                self.values.iter().any(|possible| object_is_right(fields, possible))
            }
            (TypeCheck::Described, Value::Array(elements)) if of_elements == Some(PythonType::Dict) => {
                self.values.iter().any(|possible| objects_are_right(elements, possible))
            }
            (TypeCheck::Described, Value::String(text)) => {
                let same = |possible: &str| standardized(possible) == standardized(text);
                self.values.iter().filter_map(Value::as_str).any(same)
            }
            (TypeCheck::Described, Value::Array(elements)) => {
                let possible: Vec<Value> = self.values.iter().filter_map(as_list).map(standardized_elements).collect();
                is_among(&standardized_elements(elements), &possible)
            }
            (TypeCheck::Described, _) => is_among(value, &self.values),
        }
    }

    /// The first value other than `""`, which only means that the argument may be omitted.
    fn first_value(&self) -> Option<Value> {
        let value = first_said(&self.values)?;
        Some(match (&self.kind, value) {
            (ArgumentKind::Object, Value::Object(fields)) => first_fields(fields),
            (ArgumentKind::List(element), Value::Array(objects)) if **element == ArgumentKind::Object => {
                objects.iter().map(|object| object.as_object().map_or_else(|| object.clone(), first_fields)).collect()
            }
            _ => value.clone(),
        })
    }
}

/// `type_checker`: checks one level, and is lenient where the possible answers themselves have another type.
fn check_type(value: &Value, possible: &[Value], described: PythonType, of_elements: Option<PythonType>) -> TypeCheck {
    let answered = possible.iter().find(|value| !is_nothing(value)).map(PythonType::of_value);
    let found = PythonType::of_value(value);
    if found != described {
        return if answered == Some(found) { TypeCheck::Variable } else { TypeCheck::Wrong };
    }
    // A possible answer that is not a list, such as "", accepts any list.
    let elements_fit = |possible: &Value| match (of_elements, value, possible) {
        (Some(described), Value::Array(elements), Value::Array(possible)) => {
            elements.iter().all(|element| check_type(element, possible, described, None) != TypeCheck::Wrong)
        }
        _ => true,
    };
    match of_elements {
        Some(_) if !possible.iter().any(elements_fit) => TypeCheck::Wrong,
        _ if answered.is_some_and(|answered| answered != described) => TypeCheck::Variable,
        _ => TypeCheck::Described,
    }
}

/// `dict_checker` for one possible answer, in which each key has its own list of values.
fn object_is_right(fields: &Map<String, Value>, possible: &Value) -> bool {
    let Value::Object(possible) = possible else { return false };
    let is_right = |(name, value): (&String, &Value)| {
        let Some(possible) = possible.get(name) else { return false };
        is_among(&standardized_text(value), &alternatives(possible).iter().map(standardized_text).collect::<Vec<_>>())
    };
    fields.iter().all(is_right)
        && possible.iter().all(|(name, values)| fields.contains_key(name) || may_be_left_out(alternatives(values)))
}

/// `list_dict_checker` for one possible answer.
fn objects_are_right(elements: &[Value], possible: &Value) -> bool {
    let Some(possible) = as_list(possible) else { return false };
    let is_right = |(element, possible): (&Value, &Value)| {
        element.as_object().is_some_and(|fields| object_is_right(fields, possible))
    };
    elements.len() == possible.len() && elements.iter().zip(possible).all(is_right)
}

fn standardized_text(value: &Value) -> Value {
    value.as_str().map_or_else(|| value.clone(), |text| standardized(text).into())
}

/// The possible answers of a key; some files have a single one without a list around it.
pub(super) fn alternatives(value: &Value) -> &[Value] {
    value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice)
}

/// In Python, the empty string has the same length as the empty list.
fn as_list(value: &Value) -> Option<&[Value]> {
    match value {
        Value::Array(elements) => Some(elements),
        value if is_nothing(value) => Some(&[]),
        _ => None,
    }
}

fn first_fields(fields: &Map<String, Value>) -> Value {
    let needed = fields.iter().filter(|(_, values)| !may_be_left_out(alternatives(values)));
    let first = |(name, values): (&String, &Value)| Some((name.clone(), first_said(alternatives(values))?.clone()));
    Value::Object(needed.filter_map(first).collect())
}

fn first_said(values: &[Value]) -> Option<&Value> {
    values.iter().find(|value| !is_nothing(value)).or(values.first())
}

pub(super) fn may_be_left_out(values: &[Value]) -> bool {
    values.iter().any(is_nothing)
}

pub(super) fn is_nothing(value: &Value) -> bool {
    value.as_str() == Some("")
}

#[cfg(test)]
mod tests;

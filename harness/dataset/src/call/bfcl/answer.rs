use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::call::{
    AcceptedArgument, AcceptedCall, AcceptedValue, FunctionSchema,
    check::{check_required, offered, unknown_argument},
};

/// A row of possible answers.
#[derive(Deserialize)]
pub(super) struct AnswerRow {
    pub(super) id: String,
    pub(super) ground_truth: Vec<BTreeMap<String, BTreeMap<String, Vec<Value>>>>,
}

/// The calls of a row: one function with its arguments. Several would be calls that must all be made.
pub(super) fn accepted_calls(
    ground_truth: &[BTreeMap<String, BTreeMap<String, Vec<Value>>>],
    functions: &[FunctionSchema],
) -> Result<Vec<AcceptedCall>, String> {
    let calls: Vec<_> = ground_truth.iter().flatten().collect();
    let [(function, arguments)] = &*calls else {
        return Err(format!("the answer has {} calls: one is supported", calls.len()));
    };
    let schema = offered(functions, function)?;
    if let Some(name) = arguments.keys().find(|name| schema.parameter(name).is_none()) {
        return Err(unknown_argument(schema, name));
    }
    check_required(schema, |name| arguments.contains_key(name))?;
    let arguments: BTreeMap<_, _> = arguments.iter().map(|(name, values)| (name.clone(), argument(values))).collect();
    if let Some((name, _)) = arguments.iter().find(|(_, argument)| argument.values.is_empty() && !argument.optional) {
        return Err(format!("`{name}` of `{function}` has no accepted value"));
    }
    Ok(vec![AcceptedCall { function: (*function).clone(), arguments }])
}

fn argument(values: &[Value]) -> AcceptedArgument {
    AcceptedArgument {
        // The empty text stays a value: the leaderboard's checker takes it too.
        values: values.iter().map(accepted).collect(),
        optional: values.iter().any(|value| value.as_str() == Some("")),
    }
}

fn accepted(value: &Value) -> AcceptedValue {
    match value {
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| {
                let argument = match value {
                    Value::Array(values) => argument(values),
                    plain => AcceptedArgument { values: vec![accepted(plain)], optional: false },
                };
                (name.clone(), argument)
            });
            AcceptedValue::Object(fields.collect())
        }
        Value::Array(elements) if elements.iter().any(Value::is_object) => {
            AcceptedValue::List(elements.iter().map(accepted).collect())
        }
        plain => AcceptedValue::Exactly(plain.clone()),
    }
}

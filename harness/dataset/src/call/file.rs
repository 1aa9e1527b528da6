use std::{
    borrow::Cow,
    collections::{BTreeMap, HashSet},
    path::Path,
};

use pocketwatt_files::sha256;
use serde::{Deserialize, de::IgnoredAny};
use serde_json::Value;

use super::{
    AcceptedArgument, AcceptedCall, AcceptedValue, ArgumentKind, CallCase, CallTurn, ExpectedAnswer, FunctionExample,
    FunctionSchema, Parameter,
    check::{FunctionRoom, check_accepted, check_functions, check_schema, ensure_count, offered},
};
use crate::{DatasetError, Rows, read_rows, rows::shortened};

/// The file beside a file of cases that defines the functions that the cases name.
pub const FUNCTIONS_FILE: &str = "api-functions.json";

/// One row of our own format.
#[derive(PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseRow {
    id: String,
    category: String,
    functions: Vec<Value>,
    turns: Vec<TurnRow>,
}

#[derive(PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct TurnRow {
    user: String,
    calls: Vec<CallRow>,
    result: Option<Value>,
    agent: Option<String>,
}

#[derive(PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct CallRow {
    function: String,
    arguments: BTreeMap<String, Vec<Value>>,
}

#[derive(PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct FunctionRow {
    name: String,
    description: String,
    parameters: Vec<ParameterRow>,
    example: Option<ExampleRow>,
}

#[derive(PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct ParameterRow {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    default: Option<Value>,
    #[serde(default)]
    values: Vec<Value>,
    #[serde(default)]
    description: String,
}

#[derive(PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExampleRow {
    user: String,
    call: String,
}

/// The keys that distinguish a file of cases from one of conversations.
#[derive(PartialEq, Deserialize)]
struct CaseKeys {
    functions: Option<IgnoredAny>,
    turns: Option<IgnoredAny>,
}

/// Whether a file looks like a file of call cases: its first row names functions and has turns.
///
/// # Errors
/// When the file cannot be read.
pub fn is_call_cases(path: &Path) -> Result<bool, DatasetError> {
    let rows = read_rows::<CaseKeys>(path)?.rows;
    Ok(rows.first().is_some_and(|(_, keys)| keys.functions.is_some() && keys.turns.is_some()))
}

/// Reads cases in our own format, one JSON object in each row:
///
/// | key | meaning |
/// |---|---|
/// | `id` | its name, once in the file |
/// | `category` | what it is about |
/// | `functions` | what is offered: names of functions in [`FUNCTIONS_FILE`] beside the file, or definitions |
/// | `turns` | the requests, each with `user`, `calls`, and where there is one `result` and `agent` |
///
/// `calls` are the right ones, each with `function` and `arguments`, where each argument has a list of its
/// accepted values; an empty list of calls means that no function fits. An argument may be omitted when its default is
/// one of the accepted values; and an argument that is not mentioned may be given as its default.
///
/// A definition has `name`, `description`, `parameters` and, for the prompt, an `example` with `user` and `call`. A
/// parameter has `name`, `type` (`string`, `integer`, `number`, `boolean`, `object`, `any` or `list of` one of these),
/// a `default` unless it is required, `values` when only these are allowed, and a `description` if it needs one.
///
/// Where the functions' file exists, [`Rows::sha256`] is the hash of the two files' SHA-256 values, concatenated.
///
/// # Errors
/// When a file cannot be used, or the functions' file has an error in it.
pub fn read_call_cases(path: &Path) -> Result<Rows<CallCase>, DatasetError> {
    let functions_path = path.with_file_name(FUNCTIONS_FILE);
    let rows = read_rows::<CaseRow>(path)?;
    let defined = if functions_path.exists() { Some(read_functions(&functions_path)?) } else { None };
    let sha256 = defined.as_ref().map_or_else(|| rows.sha256.clone(), |defined| joint(&rows.sha256, &defined.sha256));
    let known: BTreeMap<String, FunctionSchema> = defined
        .into_iter()
        .flat_map(|defined| defined.rows)
        .map(|(_, function)| (function.name.clone(), function))
        .collect();
    let mut ids = HashSet::new();
    let mut room = FunctionRoom::of_a_file();
    let cases = rows.and_then(path, |row| {
        if !ids.insert(row.id.clone()) {
            return Err(format!("an earlier row has the same id `{}`: give each row its own", row.id));
        }
        case(row, &mut room, |name| {
            let missing = || format!("the function `{name}` is not defined in {}", functions_path.display());
            known.get(name).ok_or_else(missing)
        })
    });
    Ok(Rows { sha256, ..cases })
}

/// One hash for two files.
pub(super) fn joint(one: &str, other: &str) -> String {
    sha256(format!("{one}{other}"))
}

/// Many cases use a function, so an error in its definition is not the error of one row.
fn read_functions(path: &Path) -> Result<Rows<FunctionSchema>, DatasetError> {
    let functions = read_rows::<FunctionRow>(path)?.and_then(path, schema);
    let unusable = |reason| DatasetError::Unusable { path: path.to_owned(), reason };
    if let Some(error) = functions.errors.first() {
        return Err(unusable(format!("line {}: {}", error.line, error.reason)));
    }
    let schemas: Vec<FunctionSchema> = functions.rows.iter().map(|(_, function)| function.clone()).collect();
    check_functions(&schemas).map_err(unusable)?;
    Ok(functions)
}

fn schema(row: FunctionRow) -> Result<FunctionSchema, String> {
    let parameters = row.parameters.into_iter().map(|parameter| {
        let ParameterRow { name, kind, default, values, description } = parameter;
        let kind = ArgumentKind::named(&kind).map_err(|reason| {
            format!("`{name}` of `{}` has the type `{}`: {reason}", row.name, shortened(&kind, 60))
        })?;
        Ok(Parameter { required: default.is_none(), name, kind, default, allowed: values, description })
    });
    let function = FunctionSchema {
        parameters: parameters.collect::<Result<_, String>>()?,
        name: row.name,
        description: row.description,
        example: row.example.map(|ExampleRow { user, call }| FunctionExample { user, call }),
    };
    check_schema(&function)?;
    Ok(function)
}

fn case<'a>(
    row: CaseRow,
    room: &mut FunctionRoom,
    defined: impl Fn(&str) -> Result<&'a FunctionSchema, String>,
) -> Result<CallCase, String> {
    ensure_count(row.functions.len(), "functions")?;
    let functions = row.functions.into_iter().map(|function| match function {
        Value::String(name) => defined(&name).map(Cow::Borrowed),
        definition => {
            let definition = serde_json::from_value(definition).map_err(|error| format!("a function: {error}"))?;
            schema(definition).map(Cow::Owned)
        }
    });
    let functions: Vec<Cow<'a, FunctionSchema>> = functions.collect::<Result<_, String>>()?;
    let calls: usize = row.turns.iter().map(|turn| 1 + turn.calls.len()).sum();
    room.take(functions.iter().map(AsRef::as_ref), calls)?;
    let functions: Vec<FunctionSchema> = functions.into_iter().map(Cow::into_owned).collect();
    check_functions(&functions)?;
    if row.turns.is_empty() {
        return Err("there are no turns: give at least one".into());
    }
    let turns = row
        .turns
        .into_iter()
        .enumerate()
        .map(|(index, row)| turn(row, &functions).map_err(|reason| format!("turn {}: {reason}", index + 1)));
    let turns = turns.collect::<Result<_, _>>()?;
    Ok(CallCase { turns, id: row.id, category: row.category, system: None, functions })
}

fn turn(row: TurnRow, functions: &[FunctionSchema]) -> Result<CallTurn, String> {
    let TurnRow { user, calls, result, agent } = row;
    if user.trim().is_empty() {
        return Err("the user's message is empty".into());
    }
    if agent.is_some() && result.is_none() {
        return Err("`agent` needs a `result` to speak about: give it too".into());
    }
    if result.is_some() && calls.is_empty() {
        return Err("there is a `result`, but no call is expected".into());
    }
    let calls: Vec<AcceptedCall> = calls.into_iter().map(|call| accepted(call, functions)).collect::<Result<_, _>>()?;
    let expected = if calls.is_empty() { ExpectedAnswer::NoCall } else { ExpectedAnswer::Call(calls) };
    Ok(CallTurn { user, expected, result, agent })
}

fn accepted(row: CallRow, functions: &[FunctionSchema]) -> Result<AcceptedCall, String> {
    let function = offered(functions, &row.function)?;
    let mut given = row.arguments;
    // Omitting an argument and giving its default are the same call.
    for parameter in &function.parameters {
        if let Some(default) = &parameter.default {
            given.entry(parameter.name.clone()).or_insert_with(|| vec![default.clone()]);
        }
    }
    let arguments = given.into_iter().map(|(name, values)| {
        let default = function.parameter(&name).and_then(|parameter| parameter.default.as_ref());
        let optional = default.is_some_and(|default| values.contains(default));
        let values = values.into_iter().map(AcceptedValue::Exactly).collect();
        (name, AcceptedArgument { values, optional })
    });
    let accepted = AcceptedCall { function: row.function, arguments: arguments.collect() };
    check_accepted(function, &accepted)?;
    Ok(accepted)
}

#[cfg(test)]
mod tests;

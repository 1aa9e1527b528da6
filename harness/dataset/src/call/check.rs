//! Checks whether the calls that a row expects are possible at all.

use std::collections::HashSet;

use serde_json::Value;

use super::{
    AcceptedCall, AcceptedValue, ArgumentKind, Call, FunctionSchema, NO_CALL, Parameter, parse::is_writable, parse_call,
};

/// Most functions of a case, parameters of a function and values of a parameter: the prompt contains all of them.
const MOST_OFFERED: usize = 1000;
/// Most bytes of functions for all requests of a file together: each request has a grammar of its own.
const MOST_FUNCTION_BYTES: usize = 32 << 20;

/// Refuses more of something than a prompt can contain.
pub(super) fn ensure_count(count: usize, what: &str) -> Result<(), String> {
    if count > MOST_OFFERED {
        return Err(format!("there are {count} {what}: offer at most {MOST_OFFERED}"));
    }
    Ok(())
}

/// The bytes left for the functions of a file's requests. Rows name functions, so a short row may name long ones.
pub(super) struct FunctionRoom {
    left: usize,
}

impl FunctionRoom {
    pub(super) fn of_a_file() -> Self {
        Self { left: MOST_FUNCTION_BYTES }
    }

    /// Takes the room of a case with this many requests and right answers.
    pub(super) fn take<'a>(
        &mut self,
        functions: impl IntoIterator<Item = &'a FunctionSchema>,
        requests: usize,
    ) -> Result<(), String> {
        let bytes: usize = functions.into_iter().map(FunctionSchema::text_bytes).sum();
        let left = self.left.checked_sub(bytes.saturating_mul(requests)).ok_or_else(|| {
            format!(
                "its functions need {bytes} bytes for each of {requests} requests and answers, which is more than what \
                 is left of the {MOST_FUNCTION_BYTES} bytes for a file: offer fewer"
            )
        })?;
        self.left = left;
        Ok(())
    }
}

/// Checks that the functions have different names, and that text can call them.
pub(super) fn check_functions(functions: &[FunctionSchema]) -> Result<(), String> {
    if functions.is_empty() {
        return Err("there is no function: offer at least one".into());
    }
    let mut names = HashSet::new();
    for function in functions {
        let name = &function.name;
        if !names.insert(name) {
            return Err(format!("the function `{name}` is offered twice"));
        }
        ensure_count(function.parameters.len(), "parameters")?;
        let mut parameters = HashSet::new();
        for Parameter { name: parameter, allowed, .. } in &function.parameters {
            if !parameters.insert(parameter) {
                return Err(format!("the function `{name}` has the parameter `{parameter}` twice"));
            }
            ensure_count(allowed.len(), "allowed values")?;
        }
        if name == NO_CALL || !is_writable(name, function.parameters.iter().map(|parameter| &parameter.name)) {
            return Err(format!(
                "a call cannot contain the name of the function `{name}` or of its parameters: use letters, digits and _"
            ));
        }
    }
    Ok(())
}

/// Checks that each value, and the example's call, fits its parameter.
pub(super) fn check_schema(function: &FunctionSchema) -> Result<(), String> {
    let name = &function.name;
    for parameter in &function.parameters {
        let element = match &parameter.kind {
            ArgumentKind::List(element) => element,
            kind => kind,
        };
        // The prompt would show a default that is not admitted, and it would then count as wrong.
        let unfit = parameter.default.as_ref().filter(|default| !parameter.admits(default));
        let unfit = unfit.or_else(|| parameter.allowed.iter().find(|value| !element.admits(value)));
        if let Some(value) = unfit {
            return Err(format!("`{}` of the function `{name}` cannot be {value}: it is {parameter}", parameter.name));
        }
    }
    let Some(example) = &function.example else { return Ok(()) };
    let parsed = parse_call(&example.call).map_err(|error| format!("the example of the function `{name}`: {error}"))?;
    match parsed.call {
        Some(call) if call.function == *name => check_call(function, &call),
        _ => Err(format!("the example of the function `{name}` does not call it")),
    }
}

/// Checks that `call` has the required arguments, and none that the function does not have.
pub(super) fn check_call(function: &FunctionSchema, call: &Call) -> Result<(), String> {
    call.arguments.iter().try_for_each(|(name, value)| check_argument(function, name, value))?;
    check_required(function, |name| call.arguments.contains_key(name))
}

/// Checks that every accepted value fits its parameter, and that each required one is there.
pub(super) fn check_accepted(function: &FunctionSchema, accepted: &AcceptedCall) -> Result<(), String> {
    for (name, argument) in &accepted.arguments {
        if argument.values.is_empty() {
            return Err(format!("`{name}` has no accepted value: give at least one, or omit the argument"));
        }
        for value in &argument.values {
            match value {
                AcceptedValue::Exactly(value) => check_argument(function, name, value)?,
                other => return Err(format!("`{name}` has the accepted value {other:?}, which cannot be checked")),
            }
        }
    }
    check_required(function, |name| accepted.arguments.get(name).is_some_and(|argument| !argument.optional))
}

fn check_argument(function: &FunctionSchema, name: &str, value: &Value) -> Result<(), String> {
    let parameter = function.parameter(name).ok_or_else(|| unknown_argument(function, name))?;
    if parameter.admits(value) {
        return Ok(());
    }
    Err(format!("`{name}` of `{}` cannot be {value}: it is {parameter}", function.name))
}

/// Checks that each required parameter is given.
pub(super) fn check_required(function: &FunctionSchema, given: impl Fn(&str) -> bool) -> Result<(), String> {
    match function.parameters.iter().find(|parameter| parameter.required && !given(&parameter.name)) {
        None => Ok(()),
        Some(missing) => Err(format!("the call of `{}` lacks the required argument `{}`", function.name, missing.name)),
    }
}

/// The error for an argument that a function does not have.
pub(super) fn unknown_argument(function: &FunctionSchema, name: &str) -> String {
    let known: Vec<&str> = function.parameters.iter().map(|parameter| &*parameter.name).collect();
    format!("the function `{}` takes no argument `{name}`: it takes {}", function.name, known.join(", "))
}

/// The function of this name among those on offer, or the error when there is none.
pub(super) fn offered<'a>(functions: &'a [FunctionSchema], name: &str) -> Result<&'a FunctionSchema, String> {
    functions.iter().find(|function| function.name == name).ok_or_else(|| {
        let names: Vec<&str> = functions.iter().map(|function| &*function.name).collect();
        format!("the expected call is of `{name}`, which is not offered: there are {}", names.join(", "))
    })
}

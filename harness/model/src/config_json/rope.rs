//! How positions rotate queries and keys, in every spelling of Hugging Face's releases.
//!
//! The order of precedence is that of `convert_rope_params_to_dict` and `standardize_rope_params` in transformers'
//! `modeling_rope_utils.py`: `rope_scaling`, unless it is empty, replaces `rope_parameters`; `rope_theta` inside
//! takes precedence over the one beside it; `rope_type` used to be `type`.

mod scaling;

use serde_json::{Map, Value};

pub(super) use self::scaling::written;
use crate::{ModelError, RopeScaling};

/// Either of these may hold the parameters; the first is the older name.
const OBJECTS: [&str; 2] = ["rope_scaling", "rope_parameters"];

/// What a file says about rotary positions.
#[derive(Debug, PartialEq)]
pub(super) struct Rope {
    /// The base of the frequencies, if the file gives one.
    pub(super) theta: Option<f64>,
    pub(super) scaling: Option<RopeScaling>,
    /// Longest text whose positions do not depend on its length, at most that of the file.
    pub(super) context: usize,
    /// Notes about them for the user.
    pub(super) notes: Vec<String>,
}

/// Reads them for a file whose longest text is `context`.
///
/// # Errors
/// When positions are scaled in an unsupported way, or rotate only parts of heads, or a value is not a number.
pub(super) fn read(keys: &Map<String, Value>, context: usize) -> Result<Rope, ModelError> {
    let mut objects = Vec::new();
    for name in OBJECTS {
        match keys.get(name) {
            None | Some(Value::Null) => (),
            Some(Value::Object(object)) if object.is_empty() => (),
            Some(Value::Object(object)) => objects.push((name, object)),
            Some(other) => return Err(refused(format!("{name} is {other}, where its parameters belong"))),
        }
    }
    let theta_beside = number(keys, "rope_theta", "")?;
    let Some(&(name, object)) = objects.first() else {
        return Ok(Rope { theta: theta_beside, scaling: None, context, notes: Vec::new() });
    };
    let theta = number(object, "rope_theta", &format!("{name}."))?.or(theta_beside);
    let mut rope = scaling::Reader { name, object, keys, context }.read()?;
    rope.theta = theta;
    if let [(first, one), (second, other)] = objects[..]
        && one != other
    {
        rope.notes.push(format!("{first} and {second} of config.json differ, {first} counts"));
    }
    Ok(rope)
}

fn number(keys: &Map<String, Value>, key: &str, place: &str) -> Result<Option<f64>, ModelError> {
    match keys.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_f64() {
            Some(number) => Ok(Some(number)),
            None => Err(refused(format!("{place}{key} is {value}, where a number belongs"))),
        },
    }
}

fn refused(reason: String) -> ModelError {
    ModelError::Config(reason)
}

#[cfg(test)]
mod tests;

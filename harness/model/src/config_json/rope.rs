//! How positions turn queries and keys, in every spelling that Hugging Face's releases have for it.
//!
//! The order of precedence is that of `convert_rope_params_to_dict` and `standardize_rope_params` in transformers'
//! `modeling_rope_utils.py`: `rope_scaling`, unless it is empty, stands for `rope_parameters`; `rope_theta` inside is
//! before the one beside it; `rope_type` was once `type`.

use serde_json::{Map, Value};

use crate::ModelError;

/// Both of these may hold the parameters; the first is the older name.
const OBJECTS: [&str; 2] = ["rope_scaling", "rope_parameters"];
/// What a type may be where positions are what they are: left out, as Hugging Face's libraries call it, and as others do.
const UNSCALED: [&str; 2] = ["default", "none"];
/// Keys that say nothing of scaling. All others do if no type says that nothing is scaled.
const HARMLESS: [&str; 5] =
    ["rope_type", "type", "rope_theta", "original_max_position_embeddings", "partial_rotary_factor"];

/// The base of the frequencies, if the file gives one.
///
/// # Errors
/// When positions are scaled, or turn heads in part, or `rope_theta` is no number.
pub(super) fn theta(keys: &Map<String, Value>) -> Result<Option<f64>, ModelError> {
    let mut parameters = None;
    for name in OBJECTS {
        let object = match keys.get(name) {
            None | Some(Value::Null) => continue,
            Some(Value::Object(object)) => object,
            Some(other) => return Err(refused(format!("{name} is {other}, where its parameters belong"))),
        };
        refuse_scaling(name, object)?;
        if !object.is_empty() {
            parameters = parameters.or(Some((name, object)));
        }
    }
    if let Some((name, object)) = parameters
        && let Some(theta) = number(object, "rope_theta", &format!("{name}."))?
    {
        return Ok(Some(theta));
    }
    number(keys, "rope_theta", "")
}

fn refuse_scaling(name: &str, object: &Map<String, Value>) -> Result<(), ModelError> {
    let mut unscaled = false;
    for key in ["rope_type", "type"] {
        match object.get(key) {
            None | Some(Value::Null) => (),
            Some(Value::String(kind)) if UNSCALED.contains(&kind.as_str()) => unscaled = true,
            Some(kind) => {
                return Err(refused(format!(
                    "{name}.{key} is {kind}; scaled rotary positions are not supported: import a model without them"
                )));
            }
        }
    }
    if let Some((key, _)) = object.iter().find(|(_, value)| value.is_object()) {
        return Err(refused(format!(
            "{name} has rotary positions of their own for {key:?}; one kind for all layers is supported"
        )));
    }
    if let Some(factor) = object.get("partial_rotary_factor").filter(|factor| !is_one(factor)) {
        return Err(refused(format!(
            "{name}.partial_rotary_factor is {factor}; heads that are turned in part are not supported"
        )));
    }
    let says_nothing =
        |key: &str, value: &Value| HARMLESS.contains(&key) || value.is_null() || (key == "factor" && is_one(value));
    match object.iter().find(|(key, value)| !says_nothing(key, value)).filter(|_| !unscaled) {
        Some((key, value)) => Err(refused(format!(
            "{name}.{key} is {value}, but no {name}.rope_type says how positions are scaled; scaled ones are not \
             supported, and \"rope_type\": \"default\" would say that these are not"
        ))),
        None => Ok(()),
    }
}

fn is_one(value: &Value) -> bool {
    value.is_null() || value.as_f64() == Some(1.0)
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
mod tests {
    use serde_json::json;

    use super::*;

    fn theta_of(keys: &Value) -> Result<Option<f64>, String> {
        theta(keys.as_object().unwrap()).map_err(|error| error.to_string())
    }

    /// What `AutoConfig` of transformers 5 makes of each.
    #[test]
    fn positions_that_are_not_scaled_are_told_in_many_ways() {
        for (keys, expected) in [
            (json!({}), None),
            (json!({"rope_theta": 5e5}), Some(5e5)),
            (json!({"rope_theta": 5e5, "rope_scaling": null, "rope_parameters": null}), Some(5e5)),
            (json!({"rope_theta": 5e5, "rope_scaling": {}, "rope_parameters": {}}), Some(5e5)),
            (json!({"rope_theta": 5e5, "rope_scaling": {"rope_type": "default"}}), Some(5e5)),
            (json!({"rope_theta": 5e5, "rope_scaling": {"type": "default", "rope_theta": 7e5}}), Some(7e5)),
            (json!({"rope_scaling": {"type": "none"}}), None),
            (json!({"rope_parameters": {"rope_type": "default"}, "rope_theta": 500000}), Some(5e5)),
            (json!({"rope_parameters": {"rope_type": "default", "rope_theta": 3e5}, "rope_theta": 5e5}), Some(3e5)),
            (json!({"rope_parameters": {"rope_type": null, "rope_theta": null}, "rope_theta": 5e5}), Some(5e5)),
            (json!({"rope_parameters": {"rope_theta": 3e5, "partial_rotary_factor": 1.0}}), Some(3e5)),
            (json!({"rope_scaling": {}, "rope_parameters": {"rope_theta": 3e5}}), Some(3e5)),
            (json!({"rope_scaling": {"type": "default"}, "rope_parameters": {"rope_theta": 3e5}}), None),
            (json!({"rope_scaling": {"rope_type": "default", "factor": 8.0}}), None),
        ] {
            assert_eq!(theta_of(&keys), Ok(expected), "{keys}");
        }
    }

    #[test]
    fn whatever_scales_is_refused_by_its_key_and_type() {
        for kind in ["linear", "dynamic", "yarn", "longrope", "su", "llama3", "proportional", "mrope", "another"] {
            for name in OBJECTS {
                for key in ["rope_type", "type"] {
                    let error = theta_of(&json!({name: {key: kind, "factor": 4.0, "rope_theta": 1e4}})).unwrap_err();
                    assert!(error.contains(&format!("{name}.{key} is {kind:?}; scaled")), "{error}");
                }
            }
        }
        for (keys, expected) in [
            (json!({"rope_scaling": {"rope_type": "default", "type": "linear"}}), "rope_scaling.type is \"linear\""),
            (json!({"rope_scaling": {"factor": 4.0}}), "rope_scaling.factor is 4.0, but no rope_scaling.rope_type"),
            (json!({"rope_scaling": {"rope_type": "default"}, "rope_parameters": {"type": "yarn"}}), "is \"yarn\""),
            (json!({"rope_parameters": {"rope_type": 3}}), "rope_parameters.rope_type is 3"),
            (json!({"rope_scaling": "linear"}), "rope_scaling is \"linear\""),
            (json!({"rope_parameters": {"full_attention": {"rope_type": "default"}}}), "for \"full_attention\""),
            (json!({"rope_parameters": {"partial_rotary_factor": 0.5}}), "partial_rotary_factor is 0.5"),
            (json!({"rope_parameters": {"rope_theta": "Infinity"}}), "rope_parameters.rope_theta is \"Infinity\""),
            (json!({"rope_theta": true}), "rope_theta is true"),
        ] {
            let error = theta_of(&keys).unwrap_err();
            assert!(error.contains(expected), "{keys}: {error}");
        }
    }
}

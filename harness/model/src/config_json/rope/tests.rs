use serde_json::json;

use super::*;
use crate::{Llama3Scaling, YarnScaling};

fn rope_of(keys: &Value) -> Result<Rope, String> {
    read(keys.as_object().unwrap(), 4096).map_err(|error| error.to_string())
}

fn notes_of(keys: &Value) -> String {
    rope_of(keys).unwrap().notes.join("; ")
}

/// The results of `AutoConfig` of transformers 5.
#[test]
fn positions_without_scaling_have_many_spellings() {
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
        (json!({"rope_scaling": {"rope_type": "default", "factor": 8.0}}), None),
    ] {
        let rope = Rope { theta: expected, scaling: None, context: 4096, notes: Vec::new() };
        assert_eq!(rope_of(&keys), Ok(rope), "{keys}");
    }
}

#[test]
fn scaled_positions_are_read_in_each_spelling() {
    let linear = Some(RopeScaling::Linear { factor: 4.0 });
    let llama3 = |original_context: usize| {
        Some(RopeScaling::Llama3(Llama3Scaling {
            factor: 8.0,
            low_frequency_factor: 1.0,
            high_frequency_factor: 4.0,
            original_context,
        }))
    };
    let of_llama3 = |more: Value| {
        let mut object = json!({"rope_type": "llama3", "factor": 8, "low_freq_factor": 1.0, "high_freq_factor": 4});
        object.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        object
    };
    for (keys, expected) in [
        (json!({"rope_scaling": {"type": "linear", "factor": 4.0}}), linear.clone()),
        (json!({"rope_scaling": {"rope_type": "linear", "factor": 4}}), linear.clone()),
        (json!({"rope_parameters": {"rope_type": "linear", "type": "linear", "factor": 4.0}}), linear.clone()),
        (json!({"rope_scaling": {"rope_type": null, "type": "linear", "factor": 4.0}}), linear),
        (json!({"rope_scaling": of_llama3(json!({"original_max_position_embeddings": 1024}))}), llama3(1024)),
        (json!({"rope_scaling": of_llama3(json!({"original_max_position_embeddings": 1024.0}))}), llama3(1024)),
        (json!({"rope_parameters": of_llama3(json!({"rope_theta": 5e5}))}), llama3(4096)),
        (json!({"rope_scaling": of_llama3(json!({})), "original_max_position_embeddings": 512}), llama3(512)),
        (
            json!({"rope_scaling": of_llama3(json!({"original_max_position_embeddings": 1024})),
                "original_max_position_embeddings": 512}),
            llama3(512),
        ),
    ] {
        let rope = rope_of(&keys).unwrap();
        assert_eq!((rope.scaling, rope.notes), (expected, Vec::new()), "{keys}");
    }
}

#[test]
fn yarn_has_the_defaults_of_transformers() {
    let yarn = |more: Value| match rope_of(&json!({"rope_scaling": more})).unwrap().scaling {
        Some(RopeScaling::Yarn(yarn)) => yarn,
        other => panic!("{other:?}"),
    };
    let usual = 0.1 * 4_f64.ln() + 1.0;
    let expected = YarnScaling {
        factor: 4.0,
        attention_factor: usual,
        beta_fast: 32.0,
        beta_slow: 1.0,
        original_context: 1024,
        truncate: true,
    };
    let least = json!({"rope_type": "yarn", "factor": 4, "original_max_position_embeddings": 1024});
    let with = |key: &str, value: Value| {
        let mut object = least.clone();
        object[key] = value;
        yarn(object)
    };
    assert_eq!(yarn(least.clone()), expected);
    assert_eq!(with("factor", Value::Null), expected, "the context is four times the original one");
    assert_eq!(with("beta_fast", json!(0)), expected);
    assert_eq!(with("attention_factor", json!(1)).attention_factor, 1.0);
    assert_eq!(with("mscale", json!(2.0)), expected, "one without the other is none");
    assert!(!with("truncate", json!(false)).truncate && !with("truncate", Value::Null).truncate);
    assert_eq!(with("beta_slow", json!(2)).beta_slow, 2.0);
}

#[test]
fn dynamic_positions_are_not_scaled_as_far_as_the_context_goes() {
    for (more, context) in [
        (json!({}), 4096),
        (json!({"original_max_position_embeddings": 2048}), 2048),
        (json!({"original_max_position_embeddings": 8192}), 4096),
    ] {
        let mut object = json!({"type": "dynamic", "factor": 2.0});
        object.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let rope = rope_of(&json!({ "rope_scaling": object })).unwrap();
        assert_eq!((rope.scaling, rope.context), (None, context));
        assert!(rope.notes[0].contains(&format!("beyond {context} tokens only (dynamic)")), "{:?}", rope.notes);
    }
}

#[test]
fn what_contradicts_or_is_not_read_is_reported() {
    let both = json!({"rope_scaling": {"type": "default"}, "rope_parameters": {"rope_theta": 3e5}});
    assert_eq!(rope_of(&both).unwrap().theta, None);
    assert!(notes_of(&both).contains("rope_scaling and rope_parameters of config.json differ, rope_scaling counts"));
    let same = json!({"rope_scaling": {"type": "default"}, "rope_parameters": {"type": "default"}});
    assert_eq!(notes_of(&same), "");
    let types = json!({"rope_scaling": {"rope_type": "default", "type": "linear", "factor": 4.0}});
    assert_eq!(rope_of(&types).unwrap().scaling, None);
    assert!(notes_of(&types).contains("rope_scaling.rope_type of config.json is \"default\", which counts"));
    let unknown = json!({"rope_scaling": {"type": "linear", "factor": 4.0, "beta_fast": 32}});
    assert!(
        notes_of(&unknown)
            .contains("rope_scaling.beta_fast of config.json is not read: positions are scaled as linear")
    );
    let finetuned = json!({"rope_scaling": {"type": "yarn", "factor": 4.0, "finetuned": true}});
    assert_eq!(notes_of(&finetuned), "");
}

#[test]
fn what_is_not_computed_is_refused_by_its_key_and_type() {
    for kind in ["ntk", "su", "proportional", "mrope", "deepseek_yarn", "another"] {
        for name in OBJECTS {
            for key in ["rope_type", "type"] {
                let error = rope_of(&json!({name: {key: kind, "factor": 4.0, "rope_theta": 1e4}})).unwrap_err();
                assert!(
                    error.contains(&format!("{name}.{key} is {kind:?}, and positions scaled in that way")),
                    "{error}"
                );
            }
        }
    }
    for (keys, expected) in [
        (json!({"rope_scaling": {"factor": 4.0}}), "rope_scaling.factor is 4.0, but no rope_scaling.rope_type"),
        (json!({"rope_scaling": {"type": "linear"}}), "rope_scaling.factor is not given"),
        (json!({"rope_scaling": {"type": "linear", "factor": "4"}}), "rope_scaling.factor is \"4\""),
        (json!({"rope_scaling": {"type": "linear", "factor": true}}), "rope_scaling.factor is true"),
        (json!({"rope_scaling": {"type": "dynamic", "factor": 0.5}}), "is 0.5, it must be 1 or more"),
        (json!({"rope_scaling": {"type": "dynamic", "factor": 1.0, "alpha": 1000.0}}), "rope_scaling.alpha is 1000.0"),
        (json!({"rope_scaling": {"rope_type": "llama3", "factor": 8.0}}), "rope_scaling.low_freq_factor is not given"),
        (json!({"rope_parameters": {"rope_type": "yarn"}}), "rope_parameters.factor is not given"),
        (
            json!({"rope_scaling": {"rope_type": "yarn", "factor": 2.0, "original_max_position_embeddings": 0.5}}),
            "rope_scaling.original_max_position_embeddings is 0.5",
        ),
        (json!({"rope_scaling": {"type": "yarn", "factor": 2, "attn_factor": 0.5}}), "rope_scaling.attn_factor is 0.5"),
        (json!({"rope_scaling": {"type": "yarn", "factor": 2, "truncate": 1}}), "rope_scaling.truncate is 1"),
        (
            json!({"rope_scaling": {"rope_type": "longrope", "short_factor": [1.0], "long_factor": [2.0], "factor": 2.0}}),
            "rope_scaling.rope_type is \"longrope\"",
        ),
        (json!({"rope_parameters": {"rope_type": 3}}), "rope_parameters.rope_type is 3"),
        (json!({"rope_scaling": "linear"}), "rope_scaling is \"linear\""),
        (json!({"rope_parameters": {"full_attention": {"rope_type": "default"}}}), "for \"full_attention\""),
        (json!({"rope_parameters": {"partial_rotary_factor": 0.5}}), "partial_rotary_factor is 0.5"),
        (json!({"rope_parameters": {"rope_theta": "Infinity"}}), "rope_parameters.rope_theta is \"Infinity\""),
        (json!({"rope_theta": true}), "rope_theta is true"),
    ] {
        let error = rope_of(&keys).unwrap_err();
        assert!(error.contains(expected), "{keys}: {error}");
    }
}

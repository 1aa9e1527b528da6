use serde_json::{Value, json};

use crate::{ModelConfig, Preset};

/// The shortest valid file of a Llama.
fn with(changes: &Value) -> Result<ModelConfig, String> {
    let mut config = json!({
        "model_type": "llama", "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2,
        "num_attention_heads": 4, "vocab_size": 420,
    });
    for (key, value) in changes.as_object().unwrap() {
        config[key] = value.clone();
    }
    ModelConfig::from_json(&config.to_string()).map_err(|error| error.to_string())
}

/// `LlamaConfig()` of transformers.
#[test]
fn keys_that_are_absent_have_the_defaults_of_hugging_face() {
    let config = with(&json!({})).unwrap();
    assert_eq!((config.context, config.rms_norm_eps, config.rope_theta), (2048, 1e-6, 10_000.0));
    assert_eq!((config.kv_heads, config.head_dim, config.tied_head), (4, 16, false));
    assert_eq!((config.bos_token, config.eos_tokens), (Some(1), vec![2]));
    let none = with(&json!({"bos_token_id": null, "eos_token_id": null})).unwrap();
    assert_eq!((none.bos_token, none.eos_tokens), (None, Vec::new()));
    let given = with(&json!({"max_sequence_length": 512, "bos_token_id": 0, "eos_token_id": [1, 3]})).unwrap();
    assert_eq!((given.context, given.bos_token, given.eos_tokens), (2048, Some(0), vec![1, 3]));
}

#[test]
fn rotary_positions_are_those_of_the_file_or_refused() {
    let theta = |changes: Value| with(&changes).map(|config| config.rope_theta);
    assert_eq!(theta(json!({"rope_theta": 5e5, "rope_parameters": {"rope_type": "default"}})), Ok(5e5));
    assert_eq!(theta(json!({"rope_parameters": {"rope_type": "default", "rope_theta": 3e5}})), Ok(3e5));
    assert_eq!(theta(json!({"rope_scaling": {"type": "default"}})), Ok(1e4));
    assert_eq!(theta(json!({"rope_scaling": {"type": "linear", "factor": 4.0}})), Ok(1e4));
    assert!(theta(json!({"rope_scaling": {"type": "ntk", "factor": 4.0}})).unwrap_err().contains("\"ntk\""));
    assert!(theta(json!({"partial_rotary_factor": 0.5})).unwrap_err().contains("partial_rotary_factor is 0.5"));
}

#[test]
fn numbers_of_python_that_json_does_not_have_are_read_where_nobody_needs_them() {
    let text = |key: &str, value: &str| {
        Preset::find("tiny").unwrap().config().to_json().replacen('{', &format!("{{\"{key}\": {value},"), 1)
    };
    ModelConfig::from_json(&text("time_step_limit", "[0.0, Infinity, -Infinity, NaN]")).unwrap();
    let error = ModelConfig::from_json(
        &text("model_type", "\"nemotron_h\", \"limit\": Infinity").replace("\"model_type\": \"mobilellm\",", ""),
    );
    assert!(error.unwrap_err().to_string().contains("model_type is \"nemotron_h\""));
    let error = with(&json!({"rms_norm_eps": "Infinity"})).unwrap_err();
    assert!(error.contains("rms_norm_eps: invalid type: string \"Infinity\""), "{error}");
}

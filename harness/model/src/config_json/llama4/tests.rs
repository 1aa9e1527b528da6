use serde_json::{Value, json};

use crate::{AttentionTemperature, ModelConfig, Preset, RopeScaling};

/// The keys of MobileLLM-R1's `config.json`, in the shape of its smallest model.
fn published() -> Value {
    json!({
        "architectures": ["Llama4ForCausalLM"],
        "model_type": "llama4_text",
        "attention_bias": false,
        "attention_chunk_size": 32768,
        "attn_scale": 0.1,
        "attn_temperature_tuning": false,
        "bos_token_id": 128000,
        "eos_token_id": [128001, 128008, 128009],
        "floor_scale": 8192,
        "head_dim": 64,
        "hidden_act": "silu",
        "hidden_size": 576,
        "interleave_moe_layer_step": 0,
        "intermediate_size": 8192,
        "intermediate_size_mlp": 2048,
        "max_position_embeddings": 32768,
        "moe_layers": [],
        // More than there are layers, as in the published files.
        "no_rope_layers": vec![1; 22],
        "num_attention_heads": 9,
        "num_experts_per_tok": 0,
        "num_hidden_layers": 15,
        "num_key_value_heads": 3,
        "num_local_experts": 0,
        "rms_norm_eps": 1e-5,
        "rope_scaling": null,
        "rope_theta": 8000000.0,
        "tie_word_embeddings": true,
        "use_qk_norm": true,
        "vocab_size": 128256,
    })
}

fn with(changes: Value) -> Result<ModelConfig, String> {
    let mut config = published();
    for (key, value) in changes.as_object().unwrap() {
        match value.as_str() {
            Some("absent") => config.as_object_mut().unwrap().remove(key),
            _ => config.as_object_mut().unwrap().insert(key.clone(), value.clone()),
        };
    }
    ModelConfig::from_json(&config.to_string()).map_err(|error| error.to_string())
}

#[test]
fn a_published_file_is_the_preset() {
    let expected = ModelConfig {
        bos_token: Some(128_000),
        eos_tokens: vec![128_001, 128_008, 128_009],
        ..Preset::find("mobilellm-r1-140m").unwrap().config()
    };
    assert_eq!(with(json!({})).unwrap(), expected);
}

#[test]
fn keys_that_are_absent_have_the_defaults_of_hugging_face() {
    let absent = json!({
        "attention_chunk_size": "absent",
        "attn_scale": "absent",
        "attn_temperature_tuning": "absent",
        "floor_scale": "absent",
        "max_position_embeddings": 8192,
        "no_rope_layers": "absent",
        "rope_theta": "absent",
        "use_qk_norm": "absent",
    });
    let config = with(absent).unwrap();
    assert_eq!(config.no_rope_layers, [3, 7, 11]);
    assert_eq!(config.attention_temperature, Some(AttentionTemperature { floor_scale: 8192.0, scale: 0.1 }));
    assert_eq!(config.rope_theta, 500_000.0);
    assert!(config.query_key_norm);
    assert_eq!(with(json!({ "no_rope_layers": [], "no_rope_layer_interval": 7 })).unwrap().no_rope_layers, [6, 13]);
    assert_eq!(with(json!({ "attn_temperature_tuning": null })).unwrap().attention_temperature, None);
    assert!(with(json!({ "attn_temperature_tuning": 4 })).unwrap().attention_temperature.is_some());
}

#[test]
fn the_fifth_release_has_other_words_for_rotary_positions() {
    let config = |rope: Value| with(json!({ "rope_theta": "absent", "rope_parameters": rope }));
    let default = json!({ "rope_type": "default", "rope_theta": 20000.0 });
    assert_eq!(config(default).unwrap().rope_theta, 20_000.0);
    let scaled = json!({
        "rope_type": "llama3", "rope_theta": 20000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    });
    assert!(config(json!({ "full_attention": {} })).unwrap_err().contains("of their own for \"full_attention\""));
    assert!(matches!(config(scaled).unwrap().rope_scaling, Some(RopeScaling::Llama3(_))));
}

#[test]
fn chunks_are_refused_unless_the_context_is_one() {
    let error = with(json!({ "attention_chunk_size": 8192 })).unwrap_err();
    insta::assert_snapshot!(error, @"the model configuration is not usable: attention_chunk_size is 8192, less than max_position_embeddings (32768): attention in chunks is not supported; with max_position_embeddings lowered to 8192, a text is one chunk");
    with(json!({ "attention_chunk_size": 8192, "max_position_embeddings": 8192 })).unwrap();
    with(json!({ "attention_chunk_size": 8192, "layer_types": vec!["full_attention"; 15] })).unwrap();
    with(json!({ "attention_chunk_size": null })).unwrap();
    let chunked = json!({ "attention_chunk_size": 8192, "layer_types": vec!["chunked_attention"; 15] });
    assert!(with(chunked).unwrap_err().contains("attention_chunk_size is 8192"));
}

#[test]
fn what_is_not_computed_is_refused_by_its_key() {
    for (changes, expected) in [
        (json!({ "moe_layers": [1] }), "moe_layers has the layer 1: mixtures of experts are not supported"),
        (json!({ "moe_layers": "absent" }), "moe_layers is not given, and interleave_moe_layer_step is 0"),
        (json!({ "intermediate_size_mlp": "absent" }), "intermediate_size_mlp, the width"),
        (json!({ "no_rope_layers": [1, 0] }), "no_rope_layers has 2 entries, but num_hidden_layers is 15"),
        (json!({ "no_rope_layers": null, "no_rope_layer_interval": 0 }), "no_rope_layer_interval is 0"),
        (json!({ "layer_types": ["full_attention"] }), "layer_types has 1 entries"),
        (json!({ "layer_types": vec!["sliding_attention"; 15] }), "layer_types has \"sliding_attention\""),
        (json!({ "attn_temperature_tuning": "yes" }), "attn_temperature_tuning is \"yes\""),
        (json!({ "floor_scale": 0, "attn_temperature_tuning": true }), "floor_scale is 0"),
        (json!({ "attention_bias": true }), "attention_bias is true"),
        (json!({ "rope_scaling": { "rope_type": "llama3" } }), "rope_scaling.factor is not given"),
        (json!({ "head_dim": "absent" }), "head_dim is not given"),
        (json!({ "num_key_value_heads": "absent" }), "num_key_value_heads is not given"),
        (json!({ "model_type": "llama4" }), "model_type is \"llama4\"; \"mobilellm\", \"llama\" and \"llama4_text\""),
    ] {
        let error = with(changes.clone()).expect_err(&changes.to_string());
        assert!(error.contains(expected), "{changes}: {error}");
    }
    assert!(with(json!({ "interleave_moe_layer_step": 16, "moe_layers": "absent" })).is_ok(), "no layer is the 16th");
}

#[test]
fn what_is_written_is_read_back() {
    let tiny = Preset::find("tiny-r1").unwrap().config();
    for config in [
        tiny.clone(),
        ModelConfig { query_key_norm: false, ..tiny.clone() },
        ModelConfig { no_rope_layers: Vec::new(), ..tiny.clone() },
        ModelConfig { attention_temperature: None, ..tiny },
    ] {
        let text = config.to_json();
        assert_eq!(ModelConfig::from_json(&text).unwrap(), config);
        assert!(text.contains("\"rope_interleaved\": false"), "{text}");
    }
}

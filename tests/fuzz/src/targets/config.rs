use pocketwatt_model::ModelConfig;

use crate::{mutation::Form, seeds, target::Target};

pub const TARGET: Target = Target {
    name: "config",
    form: Form::Json(""),
    seeds: || [seeds::CONFIG, MOBILELLM, LLAMA4, LLAMA3, YARN].map(|text| text.as_bytes().to_vec()).into(),
    words: &[
        "rope_scaling",
        "rope_parameters",
        "rope_type",
        "default",
        "linear",
        "dynamic",
        "llama3",
        "yarn",
        "longrope",
        "factor",
        "original_max_position_embeddings",
        "short_factor",
        "long_factor",
    ],
    short_runs: 20_000,
    run,
};

const MOBILELLM: &str = r#"{"model_type":"mobilellm","num_hidden_layers":30,"hidden_size":576,"num_attention_heads":9,"num_key_value_heads":3,"intermediate_size":1536,"vocab_size":32000,"max_position_embeddings":2048,"rope_theta":10000.0,"rms_norm_eps":1e-05,"tie_word_embeddings":false,"share_embedding":true,"layer_sharing":true,"attention_bias":false,"mlp_bias":false,"rope_scaling":null,"bos_token_id":1,"eos_token_id":[2,3]}"#;
const LLAMA4: &str = r#"{"model_type":"llama4_text","num_hidden_layers":4,"hidden_size":64,"num_attention_heads":4,"num_key_value_heads":2,"head_dim":16,"intermediate_size":128,"intermediate_size_mlp":128,"vocab_size":128,"max_position_embeddings":2048,"rope_parameters":{"rope_type":"default","rope_theta":500000.0},"rms_norm_eps":1e-05,"use_qk_norm":true,"no_rope_layers":[1,1,1,0],"no_rope_layer_interval":4,"attn_temperature_tuning":true,"floor_scale":8192,"attn_scale":0.1,"num_local_experts":0,"moe_layers":[],"tie_word_embeddings":true}"#;
const LLAMA3: &str = r#"{"model_type":"llama","num_hidden_layers":2,"hidden_size":64,"num_attention_heads":4,"num_key_value_heads":2,"intermediate_size":128,"vocab_size":128,"max_position_embeddings":131072,"rope_theta":500000.0,"rope_scaling":{"factor":32.0,"high_freq_factor":4.0,"low_freq_factor":1.0,"original_max_position_embeddings":8192,"rope_type":"llama3"}}"#;
const YARN: &str = r#"{"model_type":"llama","num_hidden_layers":2,"hidden_size":64,"num_attention_heads":4,"intermediate_size":128,"vocab_size":128,"max_position_embeddings":8192,"rope_parameters":{"rope_theta":10000.0,"type":"yarn","factor":4.0,"original_max_position_embeddings":2048,"beta_fast":32,"beta_slow":1,"mscale":1.0,"mscale_all_dim":0.7,"attention_factor":null,"truncate":true}}"#;

fn run(input: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(input) else { return false };
    let Ok(config) = ModelConfig::from_json(text) else { return false };
    config.validate().expect("what was read is valid");
    // Whatever is planned with it, no sum overflows.
    let bytes = config.weight_bytes();
    assert!(bytes >= 4 * config.vocabulary as u64 * config.hidden as u64);
    assert!(config.kv_bytes_per_token() > 0 && config.weight_bytes_per_token() > 0);
    if config.head_dim < 1024 {
        let (cosines, sines) = config.rope_tables(17);
        assert!(cosines.iter().chain(&sines).all(|value| value.is_finite()), "positions turn by numbers");
    }
    let again = ModelConfig::from_json(&config.to_json()).expect("what was written is read");
    assert_eq!(again, config);
    true
}

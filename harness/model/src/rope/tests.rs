use serde::Deserialize;

use super::*;
use crate::{ModelConfig, Preset};

/// The results of transformers 5.24 for a configuration: the frequencies and the attention factor of its
/// `LlamaRotaryEmbedding(LlamaConfig.from_dict(config))`, in eight digits.
#[derive(Deserialize)]
struct Expected {
    config: serde_json::Value,
    frequencies: Vec<f64>,
    attention_factor: f64,
}

fn expected() -> Vec<Expected> {
    serde_json::from_str(include_str!("../../fixtures/rope/transformers.json")).unwrap()
}

#[test]
fn frequencies_are_those_of_transformers() {
    assert!(expected().len() > 20);
    for Expected { config: json, frequencies, attention_factor } in expected() {
        let config = ModelConfig::from_json(&json.to_string()).unwrap_or_else(|error| panic!("{json}: {error}"));
        let found = config.rope_frequencies();
        assert_eq!(found.len(), frequencies.len(), "{json}");
        for (pair, (found, expected)) in found.iter().zip(&frequencies).enumerate() {
            assert!((found - expected).abs() <= 2e-6 * expected, "{json}: {pair}: {found} for {expected}");
        }
        let found = config.rope_attention_factor();
        assert!((found - attention_factor).abs() < 1e-12, "{json}: {found} for {attention_factor}");
        assert_eq!(ModelConfig::from_json(&config.to_json()).unwrap(), config, "{json}");
    }
}

#[test]
fn tables_hold_scaled_angles_and_the_attention_factor() {
    let yarn = YarnScaling {
        factor: 4.0,
        attention_factor: 1.25,
        beta_fast: 32.0,
        beta_slow: 1.0,
        original_context: 64,
        truncate: true,
    };
    let config = ModelConfig { rope_scaling: Some(RopeScaling::Yarn(yarn)), ..Preset::find("tiny").unwrap().config() };
    let (cosines, sines) = config.rope_tables(40);
    let half = config.head_dim / 2;
    assert_eq!((cosines[..half].to_vec(), sines[..half].to_vec()), (vec![1.25; half], vec![0.0; half]));
    let frequencies = config.rope_frequencies();
    for pair in 0..half {
        let angle = 39.0 * frequencies[pair];
        assert_eq!(cosines[39 * half + pair], (1.25 * angle.cos()) as f32);
        assert_eq!(sines[39 * half + pair], (1.25 * angle.sin()) as f32);
    }
}

#[test]
fn numbers_with_which_nothing_can_be_computed_are_refused() {
    let tiny = Preset::find("tiny").unwrap().config();
    let refusal = |scaling: RopeScaling| {
        ModelConfig { rope_scaling: Some(scaling), ..tiny.clone() }.validate().unwrap_err().to_string()
    };
    for factor in [0.0, 0.5, -1.0, f64::NAN, f64::INFINITY] {
        assert!(refusal(RopeScaling::Linear { factor }).contains(&format!("is {factor}, it must be 1 or more")));
    }
    let llama3 =
        Llama3Scaling { factor: 8.0, low_frequency_factor: 1.0, high_frequency_factor: 4.0, original_context: 64 };
    assert!(refusal(RopeScaling::Llama3(Llama3Scaling { high_frequency_factor: 1.0, ..llama3 })).contains("low_freq"));
    assert!(refusal(RopeScaling::Llama3(Llama3Scaling { original_context: 0, ..llama3 })).contains("is 0"));
    let yarn = YarnScaling {
        factor: 4.0,
        attention_factor: 1.0,
        beta_fast: 32.0,
        beta_slow: 1.0,
        original_context: 64,
        truncate: true,
    };
    assert!(refusal(RopeScaling::Yarn(YarnScaling { beta_slow: 64.0, ..yarn })).contains("beta_slow 64"));
    assert!(
        refusal(RopeScaling::Yarn(YarnScaling { attention_factor: 0.0, ..yarn })).contains("attention_factor is 0")
    );
    let low = ModelConfig { rope_theta: 1.0, rope_scaling: Some(RopeScaling::Yarn(yarn)), ..tiny.clone() };
    assert!(low.validate().unwrap_err().to_string().contains("rope_theta is 1"));
    let factors = |factors: Vec<f64>| RopeScaling::Factors { factors, attention_factor: 1.0 };
    assert!(refusal(factors(vec![1.0; 7])).contains("there are 7 factors of rotary frequencies, but a head has 8"));
    assert!(refusal(factors([vec![1.0; 7], vec![0.0]].concat())).contains("is 0, which no model has"));
}

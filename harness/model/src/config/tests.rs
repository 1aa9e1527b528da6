use super::*;
use crate::Preset;

#[test]
fn presets_have_the_published_number_of_parameters() {
    for (name, parameters) in [
        ("mobilellm-125m", 124_635_456),
        ("mobilellm-ls-125m", 124_635_456),
        ("mobilellm-350m", 345_355_200),
        ("mobilellm-600m", 603_188_352),
        ("mobilellm-1b", 1_005_461_760),
        ("mobilellm-1.5b", 1_511_188_800),
        ("mobilellm-r1-140m", 140_248_512),
        ("mobilellm-r1-360m", 359_431_168),
        ("mobilellm-r1-950m", 949_685_760),
        ("smollm2-135m", 134_515_008),
        ("smollm2-360m", 361_821_120),
        ("smollm2-1.7b", 1_711_376_384),
        ("tinyllama-1.1b", 1_100_048_384),
        ("llama-3.2-1b", 1_235_814_400),
        ("llama-2-7b", 6_738_415_616),
    ] {
        let config = Preset::find(name).unwrap().config();
        config.validate().unwrap();
        assert_eq!(config.parameters(), parameters, "{name}");
        let elements: usize = config.tensors().iter().map(TensorSpec::elements).sum();
        assert_eq!(elements as u64, parameters, "{name}");
    }
    let untied = ModelConfig { tied_head: false, ..Preset::find("mobilellm-1.5b").unwrap().config() };
    assert_eq!(untied.parameters(), 1_562_388_800);
}

#[test]
fn layer_sharing_doubles_the_work_and_not_the_weights() {
    let base = Preset::find("mobilellm-125m").unwrap().config();
    let shared = Preset::find("mobilellm-ls-125m").unwrap().config();
    assert_eq!(base.tensors(), shared.tensors());
    assert_eq!(shared.executed_layers(), 60);
    assert_eq!(shared.kv_bytes_per_token(), 2 * base.kv_bytes_per_token());
    let blocks: Vec<usize> = (0..5).map(|executed| shared.block_of(executed)).collect();
    assert_eq!(blocks, [0, 0, 1, 1, 2], "immediate block-wise sharing: each block runs twice in a row");
}

#[test]
fn impossible_shapes_are_refused_by_name() {
    let good = Preset::find("tiny").unwrap().config();
    let error = ModelConfig { kv_heads: 2, ..good.clone() }.validate().unwrap_err();
    assert!(error.to_string().contains("num_attention_heads (3) is not a multiple of num_key_value_heads (2)"));
    assert!(ModelConfig { head_dim: 15, ..good.clone() }.validate().is_err());
    assert!(ModelConfig { layers: 0, ..good.clone() }.validate().is_err());
    assert!(ModelConfig { rope_theta: f64::NAN, ..good.clone() }.validate().is_err());
    assert!(ModelConfig { eos_tokens: vec![512], ..good.clone() }.validate().is_err());
    let refusal = |config: ModelConfig| config.validate().unwrap_err().to_string();
    assert!(refusal(ModelConfig { no_rope_layers: vec![2], ..good.clone() }).contains("no_rope_layers has a layer 2"));
    assert!(refusal(ModelConfig { no_rope_layers: vec![1, 0], ..good.clone() }).contains("not ascending"));
    for (floor_scale, scale, key) in [(0.0, 0.1, "floor_scale"), (8.0, f64::NAN, "attn_scale")] {
        let attention_temperature = Some(AttentionTemperature { floor_scale, scale });
        assert!(refusal(ModelConfig { attention_temperature, ..good.clone() }).contains(key));
    }
}

#[test]
fn sizes_whose_products_overflow_are_refused_before_anything_is_made_of_them() {
    let good = Preset::find("tiny").unwrap().config();
    let refusal = |config: ModelConfig| config.validate().unwrap_err().to_string();
    for layers in [MOST_LAYERS + 1, 1 << 24, usize::MAX] {
        assert!(refusal(ModelConfig { layers, ..good.clone() }).contains("num_hidden_layers is"));
    }
    let (hidden, ffn) = (MOST, MOST);
    assert!(refusal(ModelConfig { hidden, ffn, ..good.clone() }).contains("weights are beyond"));
    let (heads, kv_heads, head_dim) = (MOST, MOST, MOST);
    assert!(refusal(ModelConfig { heads, kv_heads, head_dim, ..good.clone() }).contains("are beyond"));
    let repeats = ModelConfig { layers: MOST_LAYERS, layer_repeats: MOST_LAYERS, ..good.clone() };
    assert!(refusal(repeats).contains("key-value cache of"));
    let deep = ModelConfig { layers: MOST_LAYERS, ..good };
    deep.validate().unwrap();
    assert!(deep.ensure_layers_within(20).unwrap_err().to_string().contains("there are 20 tensors"));
}

#[test]
fn queries_grow_in_steps_and_only_without_rotation() {
    let config = Preset::find("tiny-r1").unwrap().config();
    let temperature = config.temperature(1).unwrap();
    assert_eq!([0, 6].map(|position| temperature.factor(position)), [1.0, 1.0]);
    assert!((temperature.factor(7) - (1.0 + 0.5 * 2_f64.ln())).abs() < 1e-12);
    assert_eq!(temperature.factor(7), temperature.factor(14));
    assert_eq!([0, 2].map(|block| config.temperature(block)), [None, None]);
    assert_eq!([0, 1, 2].map(|block| config.rotates(block)), [true, false, true]);
    assert_eq!([0, 1, 2].map(|block| config.normalises_queries(block)), [true, false, true]);
}

//! Keys that change what a decoder computes, and of which only the value that changes nothing is supported.
//!
//! They are those of `LlamaConfig` (transformers, `configuration_llama.py`), and those by which related models differ from it
//! without a tensor that would show it. `pretraining_tp` is not among them: it only splits sums into parts.

use serde_json::{Map, Value};

use crate::ModelError;

/// The value that changes nothing; null and a missing key always are.
#[derive(Clone, Copy, PartialEq)]
enum Neutral {
    Absent,
    False,
    One,
}

/// A key, its neutral value, and the feature that any other value asks for.
const KEYS: [(&str, Neutral, &str); 20] = [
    ("attention_bias", Neutral::False, "biases"),
    ("mlp_bias", Neutral::False, "biases"),
    ("alibi", Neutral::False, "distances in place of rotary positions"),
    ("use_parallel_residual", Neutral::False, "attention and feed-forward layers side by side"),
    ("parallel_attn", Neutral::False, "attention and feed-forward layers side by side"),
    ("use_scaled_rope", Neutral::False, "scaled rotary positions without their numbers (rope_scaling)"),
    ("scale_emb", Neutral::One, "scaled embeddings"),
    ("rotary_pct", Neutral::One, "heads that are turned in part"),
    ("rotary_percent", Neutral::One, "heads that are turned in part"),
    ("partial_rotary_factor", Neutral::One, "heads that are turned in part"),
    ("embedding_multiplier", Neutral::One, "scaled embeddings"),
    ("residual_multiplier", Neutral::One, "scaled residuals"),
    ("logit_scale", Neutral::One, "scaled logits"),
    ("logits_scaling", Neutral::One, "scaled logits"),
    ("attention_multiplier", Neutral::Absent, "scores of attention that are scaled in another way"),
    ("query_pre_attn_scalar", Neutral::Absent, "scores of attention that are scaled in another way"),
    ("attn_logit_softcapping", Neutral::Absent, "capped scores of attention"),
    ("final_logit_softcapping", Neutral::Absent, "capped logits"),
    ("clip_qkv", Neutral::Absent, "clipped queries and keys"),
    ("quantization_config", Neutral::Absent, "weights that another library has quantised"),
];
/// Longest value that is quoted in full.
const MOST_SHOWN: usize = 80;

/// Refuses the first key whose value asks for an unsupported computation. A Llama 4 (`is_llama4`) has its own keys for
/// norms and kinds of layers.
///
/// # Errors
/// [`ModelError::Config`] with key and value.
pub(super) fn ensure(keys: &Map<String, Value>, is_llama4: bool, context: usize) -> Result<(), ModelError> {
    let others = [("use_qk_norm", Neutral::False, "norms of queries and keys")];
    for (key, neutral, what) in KEYS.into_iter().chain(others.into_iter().filter(|_| !is_llama4)) {
        match keys.get(key) {
            None | Some(Value::Null) => (),
            Some(Value::Bool(false)) if neutral == Neutral::False => (),
            Some(value) if neutral == Neutral::One && value.as_f64() == Some(1.0) => (),
            Some(value) => {
                let wanted = match neutral {
                    Neutral::Absent => "no such key",
                    Neutral::False => "false there",
                    Neutral::One => "1 there",
                };
                return Err(ModelError::Config(format!(
                    "{key} is {}: {what} are not supported; import a model with {wanted}",
                    shown(value)
                )));
            }
        }
    }
    if is_llama4 { Ok(()) } else { ensure_layers_alike(keys, context) }
}

/// Refuses layers that do not see everything before them, or do not rotate queries and keys.
fn ensure_layers_alike(keys: &Map<String, Value>, context: usize) -> Result<(), ModelError> {
    let list = |key: &str| keys.get(key).and_then(Value::as_array).into_iter().flatten();
    if let Some(kind) = list("layer_types").find(|kind| *kind != "full_attention") {
        return Err(ModelError::Config(format!("layer_types has {kind}; \"full_attention\" is supported")));
    }
    if list("no_rope_layers").any(|rotates| rotates.as_f64() == Some(0.0)) {
        let reason = "no_rope_layers has a 0: layers without rotary positions are supported in a llama4_text only";
        return Err(ModelError::Config(reason.into()));
    }
    let is_off = keys.get("use_sliding_window") == Some(&Value::Bool(false));
    match keys.get("sliding_window") {
        Some(window)
            if !window.is_null() && !is_off && window.as_u64().is_none_or(|window| window < context as u64) =>
        {
            Err(ModelError::Config(format!(
                "sliding_window is {window}, less than max_position_embeddings ({context}): attention in windows is not \
                 supported; with max_position_embeddings lowered to the window, a text is in one"
            )))
        }
        _ => Ok(()),
    }
}

fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(MOST_SHOWN) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refusal(keys: &Value) -> Option<String> {
        ensure(keys.as_object().unwrap(), false, 4096).err().map(|error| error.to_string())
    }

    #[test]
    fn keys_at_their_neutral_value_change_nothing() {
        for keys in [
            json!({"attention_bias": false, "mlp_bias": null, "partial_rotary_factor": 1, "logit_scale": 1.0}),
            json!({"sliding_window": null, "pretraining_tp": 4, "quantization_config": null, "attention_dropout": 0.1}),
            json!({"sliding_window": 4096, "layer_types": ["full_attention"], "no_rope_layers": [1, 1]}),
            json!({"sliding_window": 512, "use_sliding_window": false}),
        ] {
            assert_eq!(refusal(&keys), None, "{keys}");
        }
    }

    #[test]
    fn other_values_are_refused_by_their_key() {
        for (keys, expected) in [
            (json!({"attention_bias": true}), "attention_bias is true: biases are not supported"),
            (json!({"mlp_bias": "yes"}), "mlp_bias is \"yes\""),
            (json!({"partial_rotary_factor": 0.5}), "partial_rotary_factor is 0.5"),
            (json!({"logit_scale": 0.0625}), "logit_scale is 0.0625"),
            (json!({"final_logit_softcapping": 30.0}), "final_logit_softcapping is 30.0"),
            (json!({"quantization_config": {"quant_method": "gptq"}}), "{\"quant_method\":\"gptq\"}: weights that"),
            (json!({"use_qk_norm": true}), "use_qk_norm is true"),
            (json!({"sliding_window": 1024}), "sliding_window is 1024, less than max_position_embeddings (4096)"),
            (json!({"sliding_window": -1}), "sliding_window is -1"),
            (json!({"layer_types": ["full_attention", "sliding_attention"]}), "layer_types has \"sliding_attention\""),
            (json!({"no_rope_layers": [1, 0]}), "no_rope_layers has a 0"),
        ] {
            let error = refusal(&keys).unwrap_or_default();
            assert!(error.contains(expected), "{keys}: {error}");
        }
        let long = json!({"quantization_config": "ü".repeat(200)});
        assert!(refusal(&long).unwrap().len() < 400, "a long value is cut");
        assert!(ensure(json!({"use_qk_norm": true}).as_object().unwrap(), true, 4096).is_ok());
    }
}
